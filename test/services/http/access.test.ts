import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { Access } from '../../../services/http/access.ts';
import { assemble, httpFace } from '../../../services/http/face.ts';
import type { App } from '../../../services/http/routes.ts';
import { FakeService, faceOptions, type Logged } from './fake-service.ts';
import { journalOf, snapshotOf } from './rack-fixture.ts';

const WRITER = 'w-5f2c9d1e';
const READER = 'r-0a77b3c4';
const TOKENS = [
  { name: 'ops', token: WRITER, write: true },
  { name: 'wall-display', token: READER, write: false },
];

const open: App[] = [];
afterEach(async () => {
  for (const app of open.splice(0)) await app.close();
});

async function faceWith(
  tokens: typeof TOKENS,
  readToken = false,
  more: Parameters<typeof faceOptions>[1] = {},
  logged: Logged[] = [],
) {
  const service = new FakeService(snapshotOf('on-battery'), journalOf('on-battery'));
  const { app } = await assemble(
    faceOptions(service, { tokens, config: { listen: '127.0.0.1:0', tokens: [], readToken }, ...more }, logged),
  );
  open.push(app);
  const command = (authorization: string | undefined, payload: unknown = { kind: 'begin' }) =>
    app.inject({
      method: 'POST',
      url: '/api/v1/commands',
      headers: { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) },
      payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
    });
  return { service, app, command };
}

describe('commands', () => {
  it('are impossible without any configured token, whatever is sent', async () => {
    const { command, service } = await faceWith([]);
    for (const authorization of [undefined, 'Bearer ', 'Bearer x', 'Basic eDp5', '']) {
      const answer = await command(authorization);
      expect(answer.statusCode).toBe(403);
      expect(answer.json().detail).toBe('no token is configured: nothing can be changed over HTTP');
    }
    expect(service.commands).toEqual([]);
  });

  it.each([
    ['no header', undefined, 401],
    ['an empty bearer', 'Bearer ', 401],
    ['an unknown token', 'Bearer nobody', 401],
    ['a prefix of the token', `Bearer ${WRITER.slice(0, -1)}`, 401],
    ['the token and more', `Bearer ${WRITER}x`, 401],
    ['another scheme', `Basic ${WRITER}`, 401],
    ['the token with a second word', `Bearer ${WRITER} x`, 401],
    ['the reader’s token', `Bearer ${READER}`, 403],
    ['the writer’s token', `Bearer ${WRITER}`, 200],
    ['the writer’s token, scheme in lower case', `bearer ${WRITER}`, 200],
  ])('with %s', async (_what, authorization, status) => {
    const { command, service } = await faceWith(TOKENS);
    const answer = await command(authorization);
    expect(answer.statusCode).toBe(status);
    expect(service.commands).toHaveLength(status === 200 ? 1 : 0);
    if (status === 401) expect(answer.headers['www-authenticate']).toContain('Bearer');
    if (status !== 200) {
      expect(answer.headers['content-type']).toContain('application/problem+json');
      expect(answer.body).not.toContain(WRITER.slice(0, -1));
      expect(answer.body).not.toContain(READER);
    }
  });

  it('reach the coordinator with the name of the token as author', async () => {
    const { command, service } = await faceWith(TOKENS);
    const answer = await command(`Bearer ${WRITER}`, { kind: 'hold', forS: 600 });
    expect(answer.json()).toEqual({ accepted: true, because: 'as you wish' });
    expect(service.commands).toEqual([{ command: { kind: 'hold', forS: 600 }, author: 'http:ops' }]);
  });

  it('tell why the coordinator refuses', async () => {
    const { command, service } = await faceWith(TOKENS);
    service.answer = async () => ({ accepted: false, because: 'mains is present; there is nothing to abort' });
    const answer = await command(`Bearer ${WRITER}`, { kind: 'abort' });
    expect(answer.statusCode).toBe(409);
    expect(answer.json().detail).toBe('mains is present; there is nothing to abort');
  });

  it('have a deadline when the coordinator does not answer', async () => {
    const { command, service } = await faceWith(TOKENS, false, { commandDeadlineMs: 20 });
    service.answer = () => new Promise(() => {});
    expect((await command(`Bearer ${WRITER}`)).statusCode).toBe(504);
  });

  it('never leave a token in the log', async () => {
    const logged: Logged[] = [];
    const { command, service } = await faceWith(TOKENS, false, {}, logged);
    service.answer = () => Promise.reject(new Error('journal is closed'));
    expect((await command(`Bearer ${WRITER}`)).statusCode).toBe(500);
    await command('Bearer nobody-knows-me');
    expect(JSON.stringify(logged)).not.toContain(WRITER);
    expect(JSON.stringify(logged)).not.toContain('nobody-knows-me');
  });

  it.each([
    ['no body', '', 400],
    ['half a body', '{"kind":', 400],
    ['an unknown kind', { kind: 'explode' }, 400],
    ['a hold without time', { kind: 'hold' }, 400],
    ['a hold for ever', { kind: 'hold', forS: 1e9 }, 400],
    ['a hold into the past', { kind: 'hold', forS: -1 }, 400],
    ['an unknown key', { kind: 'begin', now: true }, 400],
    ['a list', [], 400],
    ['null', null, 400],
    ['a prototype', '{"kind":"begin","__proto__":{"write":true}}', 400],
    ['too much', { kind: 'begin', pad: 'x'.repeat(10_000) }, 413],
  ])('with %s are refused', async (_what, payload, status) => {
    const { command, service } = await faceWith(TOKENS);
    const answer = await command(`Bearer ${WRITER}`, payload);
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(service.commands).toEqual([]);
  });

  it('come as JSON or not at all', async () => {
    const { app, service } = await faceWith(TOKENS);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const answer = await app.inject({
        method: 'POST',
        url: '/api/v1/commands',
        headers: { authorization: `Bearer ${WRITER}`, 'content-type': type },
        payload: '{"kind":"begin"}',
      });
      expect(answer.statusCode).toBe(415);
    }
    expect(service.commands).toEqual([]);
  });

  it('survive any JSON', async () => {
    const { command, service } = await faceWith(TOKENS);
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (payload) => {
        expect((await command(`Bearer ${WRITER}`, payload)).statusCode).toBe(400);
      }),
      { numRuns: 200 },
    );
    expect(service.commands).toEqual([]);
  });
});

describe('reading', () => {
  const CLOSED = ['/api/v1/rack', '/api/v1/schedule', '/api/v1/hosts', '/api/v1/journal', '/api/v1/events', '/metrics'];
  const OPEN = ['/healthz', '/readyz', '/openapi.json'];

  it('can be closed', async () => {
    const { app } = await faceWith(TOKENS, true);
    for (const url of CLOSED) {
      expect((await app.inject({ url })).statusCode, url).toBe(401);
      expect((await app.inject({ url, headers: { authorization: 'Bearer no' } })).statusCode, url).toBe(401);
    }
    for (const url of CLOSED.filter((path) => path !== '/api/v1/events')) {
      for (const token of [READER, WRITER]) {
        expect((await app.inject({ url, headers: { authorization: `Bearer ${token}` } })).statusCode, url).toBe(200);
      }
    }
    for (const url of OPEN) expect((await app.inject({ url })).statusCode, url).toBe(200);
  });

  it('is closed to everyone when it needs a token and none is configured', async () => {
    const { app } = await faceWith([], true);
    expect((await app.inject({ url: '/api/v1/rack', headers: { authorization: 'Bearer x' } })).statusCode).toBe(401);
  });

  it('does not take a token from the address', async () => {
    const { app } = await faceWith(TOKENS, true);
    expect((await app.inject({ url: `/api/v1/rack?token=${WRITER}` })).statusCode).toBe(401);
  });
});

describe('names this machine is called by', () => {
  const ask = async (listen: string, host: string) => {
    const service = new FakeService(snapshotOf('mains'));
    const { app } = await assemble(faceOptions(service, { config: { listen, tokens: [], readToken: false } }));
    open.push(app);
    return (await app.inject({ url: '/api/v1/rack', headers: { host } })).statusCode;
  };

  it.each(['localhost', 'localhost:8470', '127.0.0.1:8470', '[::1]:8470', 'LOCALHOST:1', '127.0.0.2'])(
    'answers Host: %s on loopback',
    async (host) => {
      expect(await ask('127.0.0.1:8470', host)).toBe(200);
    },
  );

  it.each([
    'evil.example',
    'evil.example:8470',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '10.0.0.2',
    '[::2]',
    '@',
    ' ',
  ])('refuses Host: %s on loopback', async (host) => {
    expect(await ask('127.0.0.1:8470', host)).toBe(421);
  });

  it('answers every name where the network may reach it', async () => {
    expect(await ask('0.0.0.0:8470', 'rack.lan:8470')).toBe(200);
    expect(await ask('[::]:8470', 'rack.lan')).toBe(200);
  });
});

describe('the rate limit', () => {
  it('stops a stranger and not this machine or the owner of a token', async () => {
    const { app } = await faceWith(TOKENS);
    const ask = (remoteAddress: string, authorization?: string) =>
      app.inject({ url: '/healthz', remoteAddress, headers: authorization ? { authorization } : {} });
    let refused = 0;
    for (let count = 0; count < 310; count += 1) {
      if ((await ask('192.0.2.7')).statusCode === 429) refused += 1;
      expect((await ask('127.0.0.1')).statusCode).toBe(200);
    }
    expect(refused).toBe(10);
    const answer = await ask('192.0.2.7');
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect((await ask('192.0.2.7', `Bearer ${WRITER}`)).statusCode).toBe(200);
    expect((await ask('192.0.2.8')).statusCode).toBe(200);
  });
});

describe('tokens', () => {
  it.each(['', ' ', 'with space', 'umlaut-ü', 'line\n'])(
    'that no header can carry are refused at start: %j',
    async (token) => {
      const face = httpFace(faceOptions(new FakeService(), { tokens: [{ name: 'ops', token, write: true }] }));
      await expect(face.start()).rejects.toThrow(/http token "ops" is empty or has spaces/);
      await face.stop();
    },
  );

  it('are found whatever their order and length', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.stringMatching(/^[!-~]{1,40}$/), { minLength: 1, maxLength: 6 }),
        fc.nat(),
        (secrets, pick) => {
          const access = new Access(
            secrets.map((token, index) => ({ name: `t${index}`, token, write: index % 2 === 0 })),
            true,
          );
          const index = pick % secrets.length;
          expect(access.visitor(`Bearer ${secrets[index]}`)).toEqual({ name: `t${index}`, write: index % 2 === 0 });
          expect(access.visitor(`Bearer ${secrets[index]}~never`)).toBeUndefined();
        },
      ),
    );
  });
});

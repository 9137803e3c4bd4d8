import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ChannelConfig, notifySchema } from '../../../services/config/notify.ts';
import { retryAfterMs } from '../../../services/notify/carrier.ts';
import { carrierOf, type Message } from '../../../services/notify/index.ts';
import { messageOf } from '../../../services/notify/notice.ts';
import { requestFor, type WebChannel } from '../../../services/notify/requests.ts';
import { systemClock } from '../../../services/runtime/clock.ts';
import { peer } from '../../peers.ts';
import { makeCertificate } from '../cluster/certificate.ts';
import { type MailPeer, mailPeer, type WebPeer, webPeer } from './peers.ts';

const openssl = peer('openssl');
const SECRET = 'geheim-1';
const AT_MS = Date.UTC(2026, 2, 1, 12, 30);

const message: Message = {
  id: 'abc123',
  event: 'outage-begin',
  severity: 'critical',
  title: 'Mains is "away" & <gone>',
  text: 'Line one\nLine "two"',
  atMs: AT_MS,
  count: 1,
};

let folder: string;
const closers: (() => Promise<unknown>)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdover-notify-'));
  writeFileSync(join(folder, 'secret'), `${SECRET}\n`);
});

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  rmSync(folder, { recursive: true, force: true });
});

const web = async (...args: Parameters<typeof webPeer>): Promise<WebPeer> => {
  const made = await webPeer(...args);
  closers.push(() => made.close());
  return made;
};

const mail = async (...args: Parameters<typeof mailPeer>): Promise<MailPeer> => {
  const made = await mailPeer(...args);
  closers.push(() => made.close());
  return made;
};

const channelOf = (input: object): ChannelConfig => {
  const [channel] = notifySchema.parse({ channels: [{ id: 'c1', ...input }] }).channels;
  if (channel === undefined) throw new Error('no channel');
  return channel;
};

const secret = () => ({ file: join(folder, 'secret') });
const sendTo = (input: object, withinMs?: number) =>
  carrierOf(channelOf(input), 'closet', systemClock, withinMs).send(message);

describe('what services are posted', () => {
  it('ntfy: title, text, priority and topic, with the token in a header', async () => {
    const ntfy = await web();
    expect(await sendTo({ ntfy: { url: `${ntfy.url}/`, topic: 'rack', token: secret() } })).toEqual({
      kind: 'sent',
      said: '200: ok',
    });
    expect(ntfy.taken[0]).toMatchObject({ method: 'POST', path: '/', headers: { authorization: `Bearer ${SECRET}` } });
    expect(JSON.parse(ntfy.taken[0]?.body ?? '')).toMatchObject({
      topic: 'rack',
      title: 'closet: Mains is "away" & <gone>',
      message: 'Line one\nLine "two"',
      priority: 5,
    });
  });

  it('Telegram: to the chat, with the token in the path only', async () => {
    const telegram = await web();
    await sendTo({ telegram: { url: telegram.url, token: secret(), chat: '-10012' } });
    expect(telegram.taken[0]?.path).toBe(`/bot${SECRET}/sendMessage`);
    expect(JSON.parse(telegram.taken[0]?.body ?? '')).toEqual({
      chat_id: '-10012',
      text: 'closet: Mains is "away" & <gone>\n\nLine one\nLine "two"',
      disable_notification: false,
    });
  });

  it('Slack and Discord: to the secret address, without marks that would be read', async () => {
    const hooks = await web();
    writeFileSync(join(folder, 'hook'), `${hooks.url}/services/T0/${SECRET}`);
    const webhook = { file: join(folder, 'hook') };
    await sendTo({ slack: { webhook } });
    await sendTo({ discord: { webhook } });
    expect(hooks.taken.map(({ path }) => path)).toEqual([`/services/T0/${SECRET}`, `/services/T0/${SECRET}`]);
    expect(JSON.parse(hooks.taken[0]?.body ?? '')).toEqual({
      text: '*closet: Mains is "away" &amp; &lt;gone&gt;*\nLine one\nLine "two"',
    });
    expect(JSON.parse(hooks.taken[1]?.body ?? '')).toMatchObject({
      embeds: [{ description: 'Line one\nLine "two"' }],
      allowed_mentions: { parse: [] },
    });
  });

  it('a webhook: JSON of everything, or a template of one’s own, with an id against repetition', async () => {
    const hook = await web();
    await sendTo({ webhook: { url: `${hook.url}/a`, headers: { 'X-Key': secret() } } });
    await sendTo({
      webhook: { url: `${hook.url}/b`, method: 'PUT', body: '{"t":"{{title}} {{ severity }}","x":"{{text}}"}' },
    });
    await sendTo({ webhook: { url: `${hook.url}/c`, contentType: 'text/plain', body: '{{event}}: {{text}}' } });
    const [all, own, plain] = hook.taken;
    expect(all).toMatchObject({ method: 'POST', headers: { 'x-key': SECRET, 'idempotency-key': 'abc123' } });
    expect(JSON.parse(all?.body ?? '')).toEqual({
      site: 'closet',
      event: 'outage-begin',
      severity: 'critical',
      title: 'closet: Mains is "away" & <gone>',
      text: 'Line one\nLine "two"',
      time: '2026-03-01T12:30:00.000Z',
      id: 'abc123',
      count: 1,
    });
    expect(own?.method).toBe('PUT');
    expect(JSON.parse(own?.body ?? '')).toEqual({
      t: 'closet: Mains is "away" & <gone> critical',
      x: 'Line one\nLine "two"',
    });
    expect(plain?.body).toBe('outage-begin: Line one\nLine "two"');
  });

  it('any text makes sound JSON, and what is filled in is not read again', () => {
    const channel = channelOf({
      webhook: { url: 'http://x/', body: '{"a":"{{title}}","b":"{{text}}"}' },
    }) as WebChannel;
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (title, text) => {
        const { body } = requestFor(channel, {}, 's', { ...message, title: `${title}{{id}}`, text });
        expect(JSON.parse(body)).toEqual({ a: `s: ${title}{{id}}`, b: text });
      }),
    );
  });

  it('is bounded, however much there is to say', () => {
    const long = { ...message, text: 'x'.repeat(50_000) };
    const limits: [object, number][] = [
      [{ ntfy: { topic: 'a' } }, 4096],
      [{ telegram: { token: { env: 'A' }, chat: '1' } }, 4200],
    ];
    for (const [input, most] of limits)
      expect(requestFor(channelOf(input) as WebChannel, {}, 's', long).body.length).toBeLessThan(most);
  });

  it('refuses templates with other places, and channels of two kinds', () => {
    const parse = (channel: object) => notifySchema.safeParse({ channels: [{ id: 'a', ...channel }] }).success;
    expect(parse({ webhook: { url: 'http://x', body: '{{constructor}}' } })).toBe(false);
    expect(parse({ webhook: { url: 'http://x' }, title: '{{title}} {{password}}' })).toBe(false);
    expect(parse({ webhook: { url: 'http://user:pass@x' } })).toBe(false);
    expect(parse({ ntfy: { topic: 'a' }, slack: { webhook: { env: 'A' } } })).toBe(false);
  });
});

describe('what comes back', () => {
  const judge = async (status: number, headers: Record<string, string> = {}, body = '') => {
    const hook = await web();
    hook.answer = (response) => {
      response.writeHead(status, headers);
      response.end(body);
    };
    return sendTo({ webhook: { url: hook.url, headers: { authorization: secret() } } });
  };

  it.each([200, 201, 204])('%d is sent', async (status) => expect(await judge(status)).toMatchObject({ kind: 'sent' }));
  it.each([400, 413, 422])('%d will never be taken', async (status) =>
    expect(await judge(status)).toMatchObject({ kind: 'refused' }),
  );
  it.each([301, 401, 403, 404, 429, 500, 503])('%d may be taken later', async (status) =>
    expect(await judge(status, { location: 'http://127.0.0.1:1/' })).toMatchObject({ kind: 'later' }),
  );

  it('says when to come again, within reason', async () => {
    expect(await judge(429, { 'retry-after': '7' })).toMatchObject({ kind: 'later', afterMs: 7000 });
    expect(await judge(429, { 'retry-after': '99999999' })).toMatchObject({ afterMs: 3_600_000 });
    expect(await judge(503, { 'retry-after': 'soon' })).not.toHaveProperty('afterMs');
    expect(retryAfterMs('Sun, 01 Mar 2026 12:30:30 GMT', AT_MS)).toBe(30_000);
    expect(retryAfterMs('-5', AT_MS)).toBeUndefined();
  });

  it('never holds a secret, even if the other side repeats it, and is short', async () => {
    const result = await judge(500, {}, `you sent ${SECRET} ${'x'.repeat(100_000)}`);
    expect(JSON.stringify(result)).not.toContain(SECRET);
    expect(JSON.stringify(result).length).toBeLessThan(300);
  });

  it('names the place, not the path, where nobody listens or nobody answers', async () => {
    const callers: Socket[] = [];
    const quiet = createServer((socket) => callers.push(socket));
    quiet.listen(0, '127.0.0.1');
    await once(quiet, 'listening');
    const { port } = quiet.address() as AddressInfo;
    writeFileSync(join(folder, 'hook'), `http://127.0.0.1:${port}/${SECRET}`);
    const slack = { slack: { webhook: { file: join(folder, 'hook') } } };
    expect(await sendTo(slack, 200)).toEqual({ kind: 'later', because: 'no answer within 0.2 s' });
    for (const socket of callers) socket.destroy();
    await new Promise((resolve) => quiet.close(resolve));
    expect(await sendTo(slack)).toEqual({ kind: 'later', because: `nobody listens on 127.0.0.1:${port}` });
  });

  it('gives up on an answer that never ends', async () => {
    const hook = await web();
    hook.answer = (response) => {
      response.writeHead(200);
      response.write('slowly');
    };
    expect(await sendTo({ webhook: { url: hook.url } }, 300)).toMatchObject({
      kind: expect.stringMatching(/later|sent/),
    });
  });

  it.skipIf(openssl.skip)(`trusts only the authority that is named (${openssl.title})`, async () => {
    const certificate = await makeCertificate(openssl.path, folder);
    const hook = await web(certificate);
    const refused = await sendTo({ webhook: { url: hook.url } });
    expect(refused).toMatchObject({ kind: 'later', because: expect.stringContaining('is not trusted') });
    expect(hook.taken).toEqual([]);
    expect(await sendTo({ webhook: { url: hook.url, ca: join(folder, 'ca.crt') } })).toMatchObject({ kind: 'sent' });
  });
});

describe('mail', () => {
  const box = (server: string, more: object = {}) => ({
    email: { server, tls: 'none', from: 'rack@example.org', to: ['me@example.org', 'you@example.org'], ...more },
  });

  it('has subject, text, a Message-ID of its own, and every recipient', async () => {
    const smtp = await mail();
    expect(await sendTo(box(smtp.server))).toEqual({ kind: 'sent', said: '250 taken as 17' });
    const [got] = smtp.mails;
    expect(got).toMatchObject({ from: 'rack@example.org', to: ['me@example.org', 'you@example.org'] });
    expect(got?.data).toContain('Message-ID: <abc123@holdover.invalid>');
    expect(got?.data).toMatch(/^Subject: =\?UTF-8\?Q\?closet=3A_Mains/m);
    expect(got?.data).toContain('Line one\nLine "two"');
    expect(got?.data).toContain('Auto-Submitted: auto-generated');
  });

  it('cannot be given headers by a title', async () => {
    const smtp = await mail();
    const channel = channelOf(box(smtp.server));
    await carrierOf(channel, 'closet', systemClock).send({ ...message, title: 'a\r\nBcc: all@example.org' });
    expect(smtp.mails[0]?.to).toHaveLength(2);
    expect(smtp.mails[0]?.data).not.toMatch(/^Bcc/m);
  });

  it.skipIf(openssl.skip)(`goes encrypted and with the password, and not otherwise (${openssl.title})`, async () => {
    const certificate = await makeCertificate(openssl.path, folder);
    const smtp = await mail(certificate);
    const secure = { tls: 'starttls', user: 'rack', password: secret() };
    expect(await sendTo(box(smtp.server, secure))).toMatchObject({
      kind: 'later',
      because: expect.stringContaining('no trusted connection'),
    });
    expect(await sendTo(box(smtp.server, { ...secure, ca: join(folder, 'ca.crt') }))).toMatchObject({ kind: 'sent' });
    expect(smtp.mails).toMatchObject([{ user: 'rack', encrypted: true }]);
    const plain = await mail();
    expect(await sendTo(box(plain.server, secure))).toMatchObject({ kind: 'later' });
    expect(plain.mails).toEqual([]);
  });

  it('tells refusals of the mail from refusals of us and from trouble', async () => {
    const smtp = await mail();
    smtp.says.set('RCPT', '550 nobody here');
    expect(await sendTo(box(smtp.server))).toMatchObject({
      kind: 'refused',
      because: expect.stringContaining('550 nobody here'),
    });
    smtp.says.set('RCPT', '451 try later');
    expect(await sendTo(box(smtp.server))).toMatchObject({ kind: 'later' });
    smtp.says.delete('RCPT');
    smtp.says.set('AUTH', '535 wrong');
    const denied = await sendTo(box(smtp.server, { user: 'rack', password: secret() }));
    expect(denied).toMatchObject({
      kind: 'later',
      because: expect.stringContaining('does not take the user and password'),
    });
    expect(JSON.stringify(denied)).not.toContain(SECRET);
    await smtp.close();
    expect(await sendTo(box(smtp.server))).toMatchObject({ kind: 'later' });
  });

  it('does not wait for a server that says nothing', async () => {
    const quiet = createServer(() => {});
    closers.push(async () => quiet.close());
    quiet.listen(0, '127.0.0.1');
    await once(quiet, 'listening');
    const { port } = quiet.address() as AddressInfo;
    expect(await sendTo(box(`127.0.0.1:${port}`), 300)).toMatchObject({ kind: 'later' });
  });
});

describe('several notices in one message', () => {
  it('have the worst in the title, and stand in order of time', () => {
    const notice = (title: string, severity: 'info' | 'critical', atMs: number) => ({
      key: title,
      kind: 'alarm-raised' as const,
      severity,
      title,
      text: `of ${title}`,
      atMs,
    });
    const one = messageOf(
      'x',
      [notice('b', 'info', 2), notice('c', 'critical', 3), notice('a', 'info', 1)],
      (atMs) => `t${atMs}`,
    );
    expect(one).toMatchObject({ title: 'c, and 2 more', severity: 'critical', count: 3 });
    expect(one.text).toBe('t1  a\n  of a\n\nt2  b\n  of b\n\nt3  c\n  of c\n');
  });
});

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { LinkError, OrderLink } from '../../../services/agent/order-link.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A link to a server that answers as told. */
async function linkTo(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<OrderLink> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const link = new OrderLink({
    service: new URL(`http://127.0.0.1:${port}`),
    host: 'nuc1',
    token: 'a-token-of-many-letters',
    command: ['/bin/true'],
    timeoutMs: 1000,
    stateDir: '/nonexistent',
  });
  closing.push(() => {
    link.close();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return link;
}

const says = (status: number, body: string) => (_: IncomingMessage, response: ServerResponse) => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(body);
};
const still = new AbortController().signal;

describe('the link of an agent to its service', () => {
  it('asks for its own host, with its token', async () => {
    const seen: string[] = [];
    const link = await linkTo((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      says(200, '{"order":{"id":"a","kind":"halt","issuedWallMs":1}}')(request, response);
    });
    expect(await link.next(10, still)).toEqual({ id: 'a', kind: 'halt' });
    expect(seen).toEqual(['GET /api/v1/agents/nuc1?wait=10 Bearer a-token-of-many-letters']);
  });

  it('takes only a clear yes for a yes', async () => {
    for (const [status, body] of [
      [200, '{"stands":"true"}'],
      [200, '{}'],
      [200, ''],
      [204, ''],
      [500, '{"stands":true}'],
    ] as const) {
      const link = await linkTo(says(status, body));
      await expect(link.report('a', 'taken', undefined, still)).rejects.toThrow(LinkError);
    }
    expect(await (await linkTo(says(200, '{"stands":true}'))).report('a', 'taken', undefined, still)).toBe(true);
    expect(await (await linkTo(says(409, '{"stands":true}'))).report('a', 'taken', undefined, still)).toBe(false);
  });

  it('reads an order out of nothing but an order', async () => {
    for (const body of [
      '{}',
      '[]',
      'null',
      '{"order":7}',
      '{"order":{"id":7,"kind":"halt"}}',
      '{"order":{"id":"../x","kind":"halt"}}',
      '{"order":{"id":"a"}}',
      '<html>',
    ])
      await expect((await linkTo(says(200, body))).next(0, still)).rejects.toThrow(LinkError);
    await fc.assert(
      fc.asyncProperty(fc.json(), async (body) => {
        const answer = await (await linkTo(says(200, body))).next(0, still).catch((error: unknown) => error);
        expect(answer).toBeInstanceOf(LinkError);
        for (const close of closing.splice(0)) await close();
      }),
      { numRuns: 30 },
    );
  });

  it('says when its token is not known, and that asking again is no use', async () => {
    const failing = (await linkTo(says(401, '{}'))).next(0, still);
    await expect(failing).rejects.toMatchObject({ permanent: true, message: expect.stringContaining('token') });
  });

  it('follows nobody elsewhere', async () => {
    const link = await linkTo((_, response) => {
      response.writeHead(302, { location: 'http://127.0.0.1:1/' });
      response.end();
    });
    await expect(link.next(0, still)).rejects.toThrow(/HTTP 302/);
  });

  it('does not wait for a service that breaks off, never ends, or writes too much', async () => {
    const broken = await linkTo((request) => request.socket.destroy());
    await expect(broken.next(0, still)).rejects.toThrow(LinkError);
    const flood = await linkTo((_, response) => {
      response.writeHead(200);
      response.end('x'.repeat(1_000_000));
    });
    await expect(flood.next(0, still)).rejects.toThrow(LinkError);
    const hanging = await linkTo(() => undefined);
    const abort = new AbortController();
    const waiting = hanging.next(3600, abort.signal);
    abort.abort();
    await expect(waiting).rejects.toThrow(LinkError);
  });
});

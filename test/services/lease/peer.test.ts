import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { askPeer } from '../../../services/lease/peer.ts';

/** The other service, asked for its health. */

const servers: Server[] = [];
const never = new AbortController().signal;

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
});

async function peerThat(answers: RequestListener): Promise<string> {
  const server = createServer(answers);
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const says = (body: string, status = 200): Promise<string> =>
  peerThat((request, response) => {
    response.writeHead(request.url === '/healthz' ? status : 404).end(request.url === '/healthz' ? body : '');
  });

describe('the peer', () => {
  it.each([
    ['acting', '{"status":"ok","role":"acting"}', 200],
    ['idle', '{"role":"watching"}', 200],
    ['idle', '{"role":"unknown"}', 200],
    ['acting', '{"role":"acting"}', 503],
    ['answers', '{"status":"ok"}', 200],
    ['answers', 'not JSON', 200],
    ['answers', 'null', 200],
    ['answers', '', 500],
  ])('is %s when it says %s', async (expected, body, status) => {
    expect(await askPeer(await says(body, status), 5000, never)).toBe(expected);
  });

  it('is silent when nobody listens, nobody answers in time, or the question is given up', async () => {
    const mute = await peerThat(() => {});
    expect(await askPeer(mute, 50, never)).toBe('silent');
    expect(await askPeer(mute, 60_000, AbortSignal.timeout(50))).toBe('silent');
    const gone = await says('{}');
    await new Promise((done) => servers.pop()?.close(done));
    expect(await askPeer(gone, 5000, never)).toBe('silent');
  });

  it('is silent when it sends us elsewhere: another service must not answer for it', async () => {
    const other = await says('{"role":"acting"}');
    const sends = await peerThat((_request, response) => {
      response.writeHead(302, { location: `${other}/healthz` }).end();
    });
    expect(await askPeer(sends, 5000, never)).toBe('silent');
  });
});

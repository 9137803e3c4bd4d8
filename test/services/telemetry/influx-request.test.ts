import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { postLines } from '../../../services/telemetry/influx-request.ts';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(answer: RequestListener): Promise<{ url: string }> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/write` };
}

const lines = Buffer.from('a b=1');
const patience = (ms = 10_000): AbortSignal => AbortSignal.timeout(ms);

describe('a write to the database', () => {
  it('says that there was no answer, and does not wait for one', async () => {
    const target = await serve(() => {});
    expect(await postLines(target, lines, patience(30))).toEqual({ kind: 'failed', reason: 'no answer in time' });
  });

  it('goes over a new connection where the old one was closed while nobody used it', async () => {
    const asked = new WeakMap<object, number>();
    let broken = 0;
    const target = await serve((request, response) => {
      const before = asked.get(request.socket) ?? 0;
      asked.set(request.socket, before + 1);
      if (before > 0) {
        broken += 1;
        request.socket.resetAndDestroy();
      } else {
        request.resume().once('end', () => response.writeHead(204).end());
      }
    });
    expect(await postLines(target, lines, patience())).toEqual({ kind: 'taken' });
    expect(await postLines(target, lines, patience())).toEqual({ kind: 'taken' });
    expect(broken).toBe(1);
  });

  it('takes the beginning of an answer that does not end', async () => {
    const target = await serve((_request, response) => {
      response.writeHead(500);
      const more = (): void => {
        while (!response.destroyed && response.write('no '.repeat(10_000)));
      };
      response.on('drain', more);
      more();
    });
    const written = await postLines(target, lines, patience());
    expect(written).toMatchObject({ kind: 'failed', status: 500 });
    expect('reason' in written && written.reason.length).toBeLessThanOrEqual(300);
  });
});

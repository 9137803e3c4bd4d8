import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openCluster } from '../../../services/cluster/index.ts';
import { apiPath, RestClient } from '../../../services/cluster/rest.ts';
import { createClusterWorld } from '../../../services/twin/cluster.ts';
import { serveKubernetesApi } from '../../../services/twin/devices/kubernetes-api.ts';
import { peer } from '../../peers.ts';
import { makeCertificate } from './certificate.ts';
import { fakeWorld } from './fake-rack.ts';
import { type ScriptedApi, scriptApi, statusObject } from './scripted-api.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function scripted(...args: Parameters<typeof scriptApi>): Promise<ScriptedApi> {
  const api = await scriptApi(...args);
  cleanups.push(() => api.close());
  return api;
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'holdover-rest-'));
  cleanups.push(() => rm(path, { recursive: true, force: true }));
  return path;
}

const GET = { method: 'GET', path: '/api/v1/nodes' } as const;

describe('one call', () => {
  it('brings the body and the server’s clock', async () => {
    const api = await scripted(() => ({ json: { a: 1 }, headers: { date: 'Sat, 31 Jan 2026 12:00:00 GMT' } }));
    expect(await api.rest.call({ ...GET, query: { limit: 500, continue: undefined, q: 'a=b&c' } })).toEqual({
      body: { a: 1 },
      serverNowMs: Date.UTC(2026, 0, 31, 12),
    });
    expect([...(api.requests[0]?.query ?? [])]).toEqual([
      ['limit', '500'],
      ['q', 'a=b&c'],
    ]);
  });

  it('ends at its deadline when nobody answers', async () => {
    const api = await scripted(() => undefined, 80);
    await expect(api.rest.call(GET)).rejects.toMatchObject({ code: 'timeout', away: true });
  });

  it('ends at its deadline when the answer never ends', async () => {
    const api = await scripted((_, response) => {
      response.writeHead(200);
      response.write('{"items":[');
      return 'own';
    }, 80);
    await expect(api.rest.call(GET)).rejects.toMatchObject({ code: 'timeout' });
  });

  it('ends when its caller gives up', async () => {
    const api = await scripted(() => undefined);
    const caller = new AbortController();
    const call = api.rest.call({ ...GET, signal: caller.signal });
    caller.abort();
    await expect(call).rejects.toMatchObject({ code: 'aborted' });
  });

  it('ends when the client is closed', async () => {
    const api = await scripted(() => undefined);
    const call = api.rest.call(GET);
    api.rest.close();
    await expect(call).rejects.toMatchObject({ code: 'aborted' });
  });

  it('says so when nobody listens', async () => {
    const api = await scriptApi(() => undefined);
    await api.close();
    const rest = new RestClient({ server: api.url, skipTlsVerify: false }, 1_000);
    await expect(rest.call(GET)).rejects.toMatchObject({ code: 'unreachable', away: true });
  });

  it.each([
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [404, 'not-found'],
    [409, 'conflict'],
    [410, 'gone'],
    [422, 'refused'],
    [429, 'too-many'],
    [500, 'server'],
  ])('names %i %s and repeats what the server said', async (status, code) => {
    const api = await scripted(() => statusObject(status, 'Why', 'because of this'));
    await expect(api.rest.call(GET)).rejects.toMatchObject({
      code,
      status,
      reason: 'Why',
      message: expect.stringContaining('because of this'),
    });
  });

  it('does not follow redirects', async () => {
    const api = await scripted(() => ({ status: 302, headers: { location: 'http://127.0.0.1:1/' } }));
    await expect(api.rest.call(GET)).rejects.toMatchObject({ code: 'bad-answer', status: 302 });
  });

  it.each(['', 'not json', '{"a":', '<html>'])('refuses %j as an answer', async (text) => {
    const api = await scripted(() => ({ text }));
    await expect(api.rest.call(GET)).rejects.toMatchObject({ code: 'bad-answer' });
  });

  it('refuses an answer that does not end, before it fills the memory', async () => {
    const chunk = 'x'.repeat(1024 * 1024);
    const api = await scripted((_, response) => {
      response.writeHead(200);
      const more = (): void => {
        if (!response.destroyed) response.write(chunk, more);
      };
      more();
      return 'own';
    }, 20_000);
    await expect(api.rest.call(GET)).rejects.toMatchObject({ code: 'bad-answer' });
  });

  it('survives an idle connection that the server closed meanwhile', async () => {
    // Answers one request per connection and closes it without saying so, a moment later.
    let connections = 0;
    const server = createServer((socket: Socket) => {
      connections += 1;
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}');
        socket.once('data', () => socket.resetAndDestroy());
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => new Promise((resolve) => server.close(resolve)));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const rest = new RestClient({ server: new URL(`http://127.0.0.1:${port}`), skipTlsVerify: false }, 5_000);
    cleanups.push(async () => rest.close());
    expect((await rest.call(GET)).body).toEqual({});
    expect((await rest.call(GET)).body).toEqual({});
    expect(connections).toBe(2);
  });

  it('does not pay for each dead connection of a server that lost power', async () => {
    // Connections of the first life answer once and then swallow everything; later ones answer always.
    let life = 1;
    const sockets = new Set<Socket>();
    const server = createServer((socket: Socket) => {
      const born = life;
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('data', () => {
        if (born === life) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const rest = new RestClient({ server: new URL(`http://127.0.0.1:${port}`), skipTlsVerify: false }, 3_000);
    cleanups.push(async () => rest.close());
    await Promise.all(Array.from({ length: 10 }, () => rest.call(GET)));
    life = 2;
    await expect(rest.call(GET)).rejects.toMatchObject({ code: 'timeout' });
    expect((await rest.call(GET)).body).toEqual({});
  });

  it('has at most 32 requests on the wire', async () => {
    const held: ServerResponse[] = [];
    let asked = 0;
    let most = 0;
    const api = await scripted((_, response) => {
      held.push(response);
      asked += 1;
      most = Math.max(most, held.length);
      // Nobody is answered before as many as may be are there, nor before one too many had time to come.
      if (held.length === 32 || asked === 80)
        setTimeout(() => {
          for (const each of held.splice(0)) each.end('{}');
        }, 50);
      return 'own';
    });
    await Promise.all(Array.from({ length: 80 }, () => api.rest.call(GET)));
    expect(most).toBe(32);
  });

  it('keeps names in their place', () => {
    expect(apiPath('api', 'v1', 'nodes', 'a/../b?x=1')).toBe('/api/v1/nodes/a%2F..%2Fb%3Fx%3D1');
  });
});

describe('who we are', () => {
  it('reads a rotated token again after a 401', async () => {
    const path = join(await folder(), 'token');
    await writeFile(path, 'old\n');
    let valid = 'old';
    const api = await scripted(({ authorization }) =>
      authorization === `Bearer ${valid}` ? { json: {} } : statusObject(401, 'Unauthorized', 'Unauthorized'),
    );
    const rest = new RestClient({ server: api.url, skipTlsVerify: false, token: { file: path } }, 5_000);
    cleanups.push(async () => rest.close());
    await rest.call(GET);
    valid = 'new';
    await writeFile(path, 'new\n');
    expect((await rest.call(GET)).body).toEqual({});
    expect(api.requests.map(({ authorization }) => authorization)).toEqual(['Bearer old', 'Bearer old', 'Bearer new']);
    await rm(path);
    valid = 'newer';
    await expect(rest.call(GET)).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('reads the kubeconfig again after a 401, once for all who were refused', async () => {
    let reads = 0;
    const api = await scripted(({ authorization }) =>
      authorization === 'Bearer new' ? { json: {} } : statusObject(401, 'Unauthorized', 'Unauthorized'),
    );
    const access = { server: api.url, skipTlsVerify: false, token: { value: 'old' } };
    const renew = async () => {
      reads += 1;
      await new Promise((resolve) => setTimeout(resolve, 20));
      return { ...access, token: { value: 'new' } };
    };
    const rest = new RestClient(access, 5_000, { renew });
    cleanups.push(async () => rest.close());
    await Promise.all([rest.call(GET), rest.call(GET), rest.call(GET)]);
    await rest.call(GET);
    expect(reads).toBe(1);
  });

  it('gives up when the kubeconfig is what it was, or unreadable', async () => {
    const api = await scripted(() => statusObject(401, 'Unauthorized', 'Unauthorized'));
    const access = { server: api.url, skipTlsVerify: false, token: { value: 'old' } };
    for (const renew of [() => Promise.resolve(undefined), () => Promise.reject(new Error('gone'))]) {
      const rest = new RestClient(access, 5_000, { renew });
      cleanups.push(async () => rest.close());
      await expect(rest.call(GET)).rejects.toMatchObject({ code: 'unauthorized' });
    }
    expect(api.requests).toHaveLength(2);
  });

  it('takes a renewed kubeconfig without a restart', async () => {
    const world = fakeWorld({ nodes: 2 });
    const cluster = createClusterWorld(world);
    const kubeconfig = join(await folder(), 'kubeconfig');
    const first = await serveKubernetesApi(world, cluster, { token: 'first' });
    await writeFile(kubeconfig, first.kubeconfig());
    const client = await openCluster({ kubeconfig, requestTimeout: 5 });
    cleanups.push(() => client.close());
    await client.observe();
    const { port } = first;
    await first.close();
    const second = await serveKubernetesApi(world, cluster, { token: 'second', port });
    cleanups.push(() => second.close());
    await expect(client.observe()).rejects.toMatchObject({ code: 'unauthorized' });
    await writeFile(kubeconfig, second.kubeconfig());
    expect((await client.observe()).nodes).toHaveLength(2);
  });

  it('never puts the token into a message', async () => {
    const api = await scripted(() => statusObject(401, 'Unauthorized', 'Unauthorized'));
    const rest = new RestClient({ server: api.url, skipTlsVerify: false, token: { value: 'geheim-123' } }, 5_000);
    cleanups.push(async () => rest.close());
    const error: unknown = await rest.call(GET).catch((reason: unknown) => reason);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('geheim');
  });
});

describe('several servers', () => {
  const server = async (answers: () => boolean) =>
    scripted(() => (answers() ? { json: { kind: 'Version' } } : undefined));

  it('asks the next one when one refuses or hangs, stays there, and comes round again', async () => {
    let firstAnswers = true;
    let secondAnswers = true;
    const first = await server(() => firstAnswers);
    const second = await server(() => secondAnswers);
    const closed = await server(() => true);
    await closed.close();
    const servers = [closed.url, second.url];
    const rest = new RestClient({ server: first.url, skipTlsVerify: false }, 200, { servers });
    cleanups.push(async () => rest.close());
    await rest.call(GET);
    expect(rest.server).toBe(first.url.host);
    firstAnswers = false;
    expect((await rest.call(GET)).body).toEqual({ kind: 'Version' });
    expect(rest.server).toBe(second.url.host);
    await rest.call(GET);
    expect(first.requests).toHaveLength(2);
    secondAnswers = false;
    await expect(rest.call(GET)).rejects.toMatchObject({ away: true });
    firstAnswers = true;
    expect((await rest.call(GET)).body).toEqual({ kind: 'Version' });
    expect(rest.server).toBe(first.url.host);
  });

  it('moves on once however many calls found the server dead', async () => {
    const first = await server(() => true);
    await first.close();
    const second = await server(() => true);
    const rest = new RestClient({ server: first.url, skipTlsVerify: false }, 2_000, { servers: [second.url] });
    cleanups.push(async () => rest.close());
    const answers = await Promise.all(Array.from({ length: 20 }, () => rest.call(GET)));
    expect(answers).toHaveLength(20);
    expect(rest.server).toBe(second.url.host);
  });

  it('does not ask another one what the first has refused', async () => {
    const first = await scripted(() => statusObject(403, 'Forbidden', 'no'));
    const second = await server(() => true);
    const rest = new RestClient({ server: first.url, skipTlsVerify: false }, 2_000, { servers: [second.url] });
    cleanups.push(async () => rest.close());
    await expect(rest.call(GET)).rejects.toMatchObject({ code: 'forbidden' });
    expect(second.requests).toHaveLength(0);
  });
});

const openssl = peer('openssl');
describe.skipIf(openssl.skip)(`TLS with certificates of ${openssl.title}`, () => {
  it('trusts the authority of the kubeconfig and nobody else', async () => {
    const path = await folder();
    const tls = await makeCertificate(openssl.path, path);
    const world = fakeWorld({ nodes: 2 });
    const token = 'twin-token';
    const api = await serveKubernetesApi(world, createClusterWorld(world), { tls, token });
    cleanups.push(() => api.close());
    const kubeconfig = join(path, 'kubeconfig');
    await writeFile(kubeconfig, api.kubeconfig());
    const trusted = await openCluster({ kubeconfig, every: 5, requestTimeout: 5 });
    cleanups.push(() => trusted.close());
    expect((await trusted.observe()).nodes).toHaveLength(2);
    expect(await trusted.missingRights()).toEqual([]);

    await writeFile(kubeconfig, api.kubeconfig().replace(/.*certificate-authority-data.*\n/, ''));
    const untrusted = await openCluster({ kubeconfig, every: 5, requestTimeout: 5 });
    cleanups.push(() => untrusted.close());
    await expect(untrusted.observe()).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining('certificate-authority'),
    });

    const wrong = new RestClient(
      { server: new URL(`https://${api.address}`), ca: tls.ca, skipTlsVerify: false, token: { value: 'wrong' } },
      5_000,
    );
    cleanups.push(async () => wrong.close());
    await expect(wrong.call(GET)).rejects.toMatchObject({ code: 'unauthorized' });
  });
});

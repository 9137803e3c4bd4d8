import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { peer } from '../../peers.ts';
import { freePort } from '../../ports.ts';
import { type Running, until, type Workshop } from './peers.ts';

/** Databases to write to: real ones in folders of their own, and one that answers what a test wants. */

export const victoria = peer('victoria-metrics');
export const influxd = peer('influxd');

export interface Asked {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly lines: readonly string[];
}

export interface FakeDatabase {
  readonly url: string;
  readonly asked: readonly Asked[];
  close(): void;
}

/** A database that answers as `answer` says, or never when it gives nothing. */
export async function fakeDatabase(
  answer: (
    asked: Asked,
    count: number,
  ) => { status: number; body?: string; headers?: Record<string, string> } | undefined,
): Promise<FakeDatabase> {
  const asked: Asked[] = [];
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const raw = Buffer.concat(chunks);
    const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
    const { url: path = '', headers } = request;
    const one = { path, authorization: headers.authorization, lines: String(text).split('\n') };
    asked.push(one);
    const said = answer(one, asked.length);
    if (said) response.writeHead(said.status, said.headers).end(said.body ?? '');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A real database that can be stopped and started again with what it has stored. */
export interface Database {
  readonly url: string;
  start(): Promise<Running>;
}

const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    (answer) => answer.ok,
    () => false,
  );

export async function victoriaMetrics(workshop: Workshop): Promise<Database> {
  const [port, folder] = [await freePort(), workshop.folder()];
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    start: async () => {
      const running = workshop.run(victoria.path, [
        `-storageDataPath=${join(folder, 'vm')}`,
        `-httpListenAddr=127.0.0.1:${port}`,
        '-retentionPeriod=100y',
        '-search.latencyOffset=0s',
        '-memory.allowedPercent=5',
        '-loggerLevel=ERROR',
      ]);
      await until('VictoriaMetrics is healthy', () => answers(`${url}/health`));
      return running;
    },
  };
}

/** @param auth users have to say who they are; `admin`, password `right`, is made */
export async function influxDb(workshop: Workshop, auth = false): Promise<Database> {
  const [port, rpcPort, folder] = [await freePort(), await freePort(), workshop.folder()];
  const url = `http://127.0.0.1:${port}`;
  const conf = join(folder, 'i.conf');
  writeFileSync(
    conf,
    [
      'reporting-disabled = true',
      `bind-address = "127.0.0.1:${rpcPort}"`,
      `[meta]\n  dir = "${folder}/meta"`,
      `[data]\n  dir = "${folder}/data"\n  wal-dir = "${folder}/wal"`,
      `[http]\n  bind-address = "127.0.0.1:${port}"\n  auth-enabled = ${auth}`,
    ].join('\n'),
  );
  return {
    url,
    start: async () => {
      const running = workshop.run(influxd.path, ['run', '-config', conf]);
      await until('influxd answers', () => answers(`${url}/ping`));
      if (auth) await influxQuery(url, "CREATE USER admin WITH PASSWORD 'right' WITH ALL PRIVILEGES");
      await until('the database is there', async () => (await influxQuery(url, 'CREATE DATABASE rack', auth)).ok);
      return running;
    },
  };
}

export const influxQuery = (url: string, q: string, auth = false): Promise<Response> =>
  fetch(`${url}/query?db=rack&epoch=ms&q=${encodeURIComponent(q)}`, {
    method: 'POST',
    headers: auth ? { authorization: `Basic ${Buffer.from('admin:right').toString('base64')}` } : {},
  });

/** The rows of the first series an InfluxQL query finds. */
export async function influxRows(url: string, q: string, auth = false): Promise<readonly (readonly unknown[])[]> {
  const answer = (await (await influxQuery(url, q, auth)).json()) as {
    readonly results?: readonly { readonly series?: readonly { readonly values: readonly (readonly unknown[])[] }[] }[];
  };
  return answer.results?.[0]?.series?.[0]?.values ?? [];
}

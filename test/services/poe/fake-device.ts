import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { configSchema } from '../../../services/config/schema.ts';
import type { SwitchConfig } from '../../../services/config/switches.ts';

/** A device with a web interface, as the note on it says it behaves. */

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export type Said =
  | 'silence'
  | 'noise'
  | 'hang up'
  | { readonly status?: number; readonly headers?: Record<string, string | string[]>; readonly body?: unknown };

export interface FakeDevice {
  readonly url: string;
  readonly asked: Asked[];
  /** Answers instead of the device for as long as it is set. */
  instead: ((asked: Asked) => Said | undefined) | undefined;
  close(): Promise<void>;
}

export async function fakeDevice(
  answer: (asked: Asked) => Said,
  tls?: { readonly key: string; readonly cert: string },
): Promise<FakeDevice> {
  const sockets = new Set<Socket>();
  const listener: Parameters<typeof createServer>[1] = async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const asked = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    };
    device.asked.push(asked);
    const said = device.instead?.(asked) ?? answer(asked);
    if (said === 'silence') return;
    if (said === 'noise') return void request.socket.end('\x00\xff\x13 this is not HTTP\r\n\r\n');
    if (said === 'hang up') return void request.socket.destroy();
    const { status = 200, headers = {}, body = '' } = said;
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const device: FakeDevice = {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    asked: [],
    instead: undefined,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
  return device;
}

type Of<D extends SwitchConfig['driver']> = Extract<SwitchConfig, { driver: D }>;

/** A switch's configuration with all defaults, as the schema gives it. */
export function configOf<D extends SwitchConfig['driver']>(driver: D, more: Record<string, unknown>): Of<D> {
  const [config] = configSchema.parse({ switches: [{ id: 'sw1', driver, ...more }] }).switches;
  if (config?.driver !== driver) throw new Error('no switch');
  return config as Of<D>;
}

export interface Vector {
  readonly id: string;
  readonly input?: unknown;
  readonly call?: Readonly<Record<string, unknown>>;
  readonly html?: string;
  readonly body?: string;
  readonly http?: { readonly status: number; readonly body?: unknown };
  readonly current?: Readonly<Record<string, unknown>>;
  readonly device?: Readonly<Record<string, unknown>>;
  readonly expect: Readonly<Record<string, unknown>>;
}

/** The vectors of one file, and which of them were taken: one that was added and forgotten is found by it. */
export function vectorsOf(file: string) {
  const path = new URL(`../../fixtures/poe/${file}.json`, import.meta.url);
  const all: readonly Vector[] = JSON.parse(readFileSync(path, 'utf8')).cases;
  const taken = new Set<string>();
  return {
    ids: all.map(({ id }) => id),
    taken,
    take: (id: string): Vector => {
      const found = all.find((each) => each.id === id);
      if (found === undefined) throw new Error(`no vector ${id}`);
      taken.add(id);
      return found;
    },
  };
}

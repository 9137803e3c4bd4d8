import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { World } from '../../model.ts';
import type { PluggableHandle } from '../plug.ts';
import { TcpServer } from '../tcp-server.ts';

/** What came in over HTTP. */
export interface Asked {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Said {
  /** 200 when absent. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text as it is; everything else as JSON. */
  readonly body?: unknown;
}

/** A device with a web interface: what it says to what it is asked. Written from the notes, never from a driver. */
export interface WebFace {
  answer(asked: Asked): Said;
  /** Says nothing at all. Where absent: while the switch is dark or silent. */
  readonly isMute?: () => boolean;
  /** What the device does by itself, until it is closed. */
  readonly stop?: () => void;
}

export interface WebPlace {
  /** 127.0.0.1 when absent. */
  readonly host?: string;
  /** A free one when absent. */
  readonly port?: number;
}

const MOST_BODY_BYTES = 256 * 1024;

/** Serves a face over plain HTTP, as most of these devices have it on their management network. */
export async function serveWebFace(
  world: World,
  face: WebFace,
  { host = '127.0.0.1', port = 0 }: WebPlace = {},
): Promise<PluggableHandle & { readonly port: number }> {
  const isMute = face.isMute ?? (() => !world.switch.powered || world.faults.silent.has('switch'));
  const http = createServer((request, response) => {
    serve(face, isMute, request, response).catch(() => response.destroy());
  });
  const tcp = new TcpServer(host, port, (socket) => http.emit('connection', socket));
  await tcp.listen();
  return {
    name: 'switch',
    port: tcp.port,
    address: `${host}:${tcp.port}`,
    unplug: () => tcp.close(),
    replug: () => tcp.listen(),
    close: async () => {
      face.stop?.();
      await tcp.close();
      http.close();
    },
  };
}

async function serve(
  face: WebFace,
  isMute: () => boolean,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await bodyOf(request);
  if (isMute()) return; // an answer that is never given
  const url = URL.parse(request.url ?? '/', 'http://switch');
  if (body === undefined || url === null) {
    response.writeHead(body === undefined ? 413 : 400).end();
    return;
  }
  const { method = 'GET', headers } = request;
  const said = face.answer({ method, path: url.pathname, query: url.searchParams, headers, body });
  const text = typeof said.body === 'string' || said.body === undefined ? (said.body ?? '') : JSON.stringify(said.body);
  const type = typeof said.body === 'string' ? 'text/html' : 'application/json';
  response.writeHead(said.status ?? 200, { 'content-type': type, ...said.headers }).end(text);
}

/** Nothing for one that is too long. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > MOST_BODY_BYTES) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** JSON, or nothing for what is none or no object. */
export function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

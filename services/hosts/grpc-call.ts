import http2 from 'node:http2';
import type { TLSSocket } from 'node:tls';

/**
 * One unary call of gRPC over HTTP/2, as the protocol's description has it: a message is one byte (0: not compressed),
 * four of length, and the bytes; the status comes in the trailers. A client library would cost the service about 20 MiB
 * for this one call.
 */

export interface GrpcCall {
  /** `/machine.MachineService/Shutdown` */
  readonly path: string;
  readonly message: Uint8Array;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** How a call ended: `status` is the gRPC status code, absent when the connection ended before there was one. */
export interface GrpcEnd {
  readonly status?: number;
  readonly message: string;
  /** The server has said something before the end, its settings at least. */
  readonly heard: boolean;
}

const MESSAGE_CHARACTERS = 160;

/** Calls on a connection made for it (TLS with ALPN h2), and ends that connection. Never rejects. */
export function grpcCall(socket: TLSSocket, authority: string, call: GrpcCall, over: AbortSignal): Promise<GrpcEnd> {
  return new Promise((resolve) => {
    let heard = false;
    const session = http2.connect(`https://${authority}`, { createConnection: () => socket });
    const settle = (end: Omit<GrpcEnd, 'heard'>): void => {
      over.removeEventListener('abort', late);
      resolve({ ...end, heard });
      session.destroy();
      socket.destroy();
    };
    const late = (): void => settle({ status: DEADLINE_EXCEEDED, message: 'no answer in time' });
    session.on('remoteSettings', () => {
      heard = true;
    });
    session.on('error', (error: NodeJS.ErrnoException) => settle({ message: error.code ?? 'the connection broke' }));
    session.on('close', () => settle({ message: 'the connection was closed' }));
    over.addEventListener('abort', late, { once: true });
    if (over.aborted) return late();
    const stream = session.request({
      ':method': 'POST',
      ':path': call.path,
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': 'holdover',
      ...call.metadata,
    });
    let answer: http2.IncomingHttpHeaders = {};
    const note = (headers: http2.IncomingHttpHeaders): void => {
      answer = { ...answer, ...headers };
    };
    stream.on('response', note);
    stream.on('trailers', note);
    stream.on('error', (error: NodeJS.ErrnoException) => settle({ message: error.code ?? 'the stream broke' }));
    stream.on('close', () => settle(endOf(answer)));
    stream.resume();
    stream.end(framed(call.message));
  });
}

const DEADLINE_EXCEEDED = 4;

function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}

function endOf(answer: http2.IncomingHttpHeaders): Omit<GrpcEnd, 'heard'> {
  const status = Number(answer['grpc-status'] ?? Number.NaN);
  const text = String(answer['grpc-message'] ?? '');
  if (Number.isInteger(status)) return { status, message: readable(text) };
  if (answer[':status'] === undefined) return { message: 'the connection was closed' };
  return { message: `what answered does not speak gRPC (HTTP ${answer[':status']})` };
}

/** Percent-encoded on the wire, and written by somebody else. */
function readable(text: string): string {
  let decoded = text;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    // not encoded as it should be: shown as it came
  }
  return decoded
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, MESSAGE_CHARACTERS);
}

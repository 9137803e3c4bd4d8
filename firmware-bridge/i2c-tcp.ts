import { createConnection, type Socket } from 'node:net';
import { BridgeError } from './errors.ts';
import { bytesToHex, hexToBytes } from './framing/ascii-hex.ts';
import { type I2cBus, i2cName } from './i2c-exchange.ts';

/**
 * An I2C bus behind TCP: the emulated one, or that of another machine. A call and its answer are a line of JSON each, in
 * order; numbers of chips are decimal, bytes are hex.
 *
 *     {"address":64,"write":"02","read":2}   writes, then reads, without letting go of the bus in between
 *     {"hex":"a400"}                         what was read; "" where nothing was to be
 *     {"error":"ENXIO"}                      the operating system's word: nobody has this address
 */

const LONGEST_LINE = 16_384;
const CONNECT_TIMEOUT_MS = 1_000;

interface Waiting {
  readonly resolve: (line: string) => void;
  readonly reject: (error: Error) => void;
}

/** The bus at `host:port`. Connects with the first call, and again with the first one after it was closed or lost. */
export function tcpI2cBus(host: string, port: number, path: string): I2cBus {
  const name = i2cName(path);
  let line: Promise<Line> | undefined;
  const call = async (address: number, write: Uint8Array, read: number): Promise<Uint8Array> => {
    line ??= Line.open(host, port, name).then((opened) => {
      opened.onEnd(() => {
        line = undefined;
      });
      return opened;
    });
    const connected = await line.catch((error: unknown) => {
      line = undefined;
      throw error;
    });
    return bytesOf(await connected.ask(JSON.stringify({ address, write: bytesToHex(write), read })), read, name);
  };
  return {
    name,
    read: (address, length) => call(address, new Uint8Array(), length),
    write: async (address, bytes) => {
      await call(address, bytes, 0);
    },
    transfer: (address, sent, length) => call(address, sent, length),
    async close() {
      const open = line;
      line = undefined;
      (await open?.catch(() => undefined))?.end();
    },
  };
}

/** @throws an error with the `code` the other side told, or a BridgeError for what is no answer */
function bytesOf(text: string, length: number, name: string): Uint8Array {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    answer = undefined;
  }
  const { hex, error } = Object(answer) as { readonly hex?: unknown; readonly error?: unknown };
  if (typeof error === 'string' && /^E[A-Z0-9]{1,20}$/.test(error))
    throw Object.assign(new Error(error), { code: error });
  try {
    const bytes = typeof hex === 'string' ? hexToBytes(hex) : undefined;
    if (bytes?.length === length) return bytes;
  } catch {
    // no hex
  }
  throw new BridgeError('refused', name, 'what answers there is no I2C bus', { reason: 'bad_answer' });
}

/** One connection: lines out, lines in, first come first served. */
class Line {
  readonly #socket: Socket;
  readonly #name: string;
  readonly #waiting: Waiting[] = [];
  #received = '';
  #onEnd = (): void => {};

  static open(host: string, port: number, name: string): Promise<Line> {
    return new Promise((resolve, reject) => {
      const socket = createConnection({ host, port });
      const fail = (why: string): void => {
        socket.destroy();
        reject(new BridgeError('open', name, why, { reason: 'no_bus', retryable: true }));
      };
      socket.setTimeout(CONNECT_TIMEOUT_MS, () => fail('nobody answers there'));
      socket.once('error', (error) => fail(error.message));
      socket.once('connect', () => {
        socket.setTimeout(0).removeAllListeners('error').setNoDelay(true);
        resolve(new Line(socket, name));
      });
    });
  }

  private constructor(socket: Socket, name: string) {
    this.#socket = socket;
    this.#name = name;
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => this.#receive(chunk.toString('latin1')));
    socket.on('close', () => {
      const lost = new BridgeError('closed', name, 'the connection was lost', { reason: 'gone' });
      for (const { reject } of this.#waiting.splice(0)) reject(lost);
      this.#onEnd();
    });
  }

  onEnd(listener: () => void): void {
    this.#onEnd = listener;
  }

  ask(text: string): Promise<string> {
    if (this.#socket.destroyed)
      return Promise.reject(new BridgeError('closed', this.#name, 'the connection was lost', { reason: 'gone' }));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#socket.write(`${text}\n`);
    });
  }

  end(): void {
    this.#socket.destroy();
  }

  #receive(text: string): void {
    const lines = (this.#received + text).split('\n');
    this.#received = lines.pop() ?? '';
    for (const each of lines) this.#waiting.shift()?.resolve(each);
    // no answer of ours is so long
    if (this.#received.length > LONGEST_LINE) this.#socket.destroy();
  }
}

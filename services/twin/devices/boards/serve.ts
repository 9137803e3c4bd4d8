import type { World } from '../../model.ts';
import { PacedWriter } from '../paced-writer.ts';
import { type PluggableHandle, Sequence } from '../plug.ts';
import { TcpServer } from '../tcp-server.ts';
import type { BoardFace } from './face.ts';

export interface BoardOptions {
  readonly name: string;
  /** Bytes leave as slowly as the line's rate has it; otherwise at once. */
  readonly throttle?: boolean;
  /** Says nothing while this is so; the fault `bms` when absent. */
  readonly isMute?: () => boolean;
}

/** A half request is forgotten when nothing follows it for this long, ms. */
const FORGET_MS = 200;
/** No request is longer; what a peer sends beyond it without ever making sense is dropped. */
const LONGEST_REQUEST = 512;
const SPEAKS_EVERY_MS = 1000;

/** A board behind a serial-to-TCP bridge. */
export async function serveBoardOnTcp(
  world: World,
  face: BoardFace,
  { name, throttle = false, host = '127.0.0.1', port = 0, isMute }: BoardOptions & { host?: string; port?: number },
): Promise<PluggableHandle & { readonly port: number }> {
  const server = new TcpServer(host, port, (socket) => {
    const ear = new BoardEar(isMute ?? muteBoard(world), face, throttle, (bytes) => {
      if (socket.writable) socket.write(bytes);
    });
    socket.on('data', (chunk) => ear.receive(chunk));
    socket.on('close', () => ear.stop());
  });
  await server.listen();
  return {
    name,
    port: server.port,
    address: `${host}:${server.port}`,
    unplug: () => server.close(),
    replug: () => server.listen(),
    close: () => server.close(),
  };
}

/** A board on one end of a serial line or pty. */
export async function serveBoardOnPath(
  world: World,
  face: BoardFace,
  path: string,
  { name, throttle = false, isMute }: BoardOptions,
): Promise<PluggableHandle> {
  const { SerialPort } = await import('serialport');
  const sequence = new Sequence();
  let close: (() => Promise<void>) | undefined;
  const open = async () => {
    if (close) return;
    const port = new SerialPort({ path, baudRate: face.baud, autoOpen: false });
    const ear = new BoardEar(isMute ?? muteBoard(world), face, throttle, (bytes) => {
      if (port.isOpen) port.write(bytes);
    });
    port.on('data', (chunk: Buffer) => ear.receive(chunk));
    port.on('error', () => undefined);
    port.on('close', () => ear.stop());
    await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
    close = async () => {
      ear.stop();
      close = undefined;
      if (port.isOpen) await new Promise<void>((resolve) => port.close(() => resolve()));
    };
  };
  await sequence.run(open);
  const unplug = () => sequence.run(async () => close?.());
  return { name, address: path, unplug, replug: () => sequence.run(open), close: unplug };
}

const muteBoard = (world: World) => (): boolean => world.faults.silent.has('bms');

/** One listener on the line: collects bytes, answers whole requests in order, speaks by itself where the board does. */
class BoardEar {
  readonly #isMute: () => boolean;
  readonly #face: BoardFace;
  readonly #writer: PacedWriter;
  readonly #speaking: NodeJS.Timeout | undefined;
  #pending: Uint8Array = new Uint8Array();
  #lastMs = 0;

  constructor(isMute: () => boolean, face: BoardFace, throttle: boolean, send: (bytes: Uint8Array) => void) {
    this.#isMute = isMute;
    this.#face = face;
    this.#writer = new PacedWriter(send, throttle ? face.baud / 10 : Number.POSITIVE_INFINITY);
    const { speaks } = face;
    if (speaks !== undefined) this.#speaking = setInterval(() => this.#say(speaks()), SPEAKS_EVERY_MS);
  }

  receive(chunk: Uint8Array): void {
    const nowMs = performance.now();
    const before = nowMs - this.#lastMs > FORGET_MS ? [] : this.#pending;
    this.#lastMs = nowMs;
    let pending: Uint8Array = Uint8Array.from([...before, ...chunk]);
    for (;;) {
      const { rest, reply } = this.#face.take(pending);
      const taken = rest.length < pending.length;
      pending = rest;
      if (reply !== undefined) this.#say(reply);
      if (!taken || pending.length === 0) break;
    }
    this.#pending = pending.slice(-LONGEST_REQUEST);
  }

  stop(): void {
    clearInterval(this.#speaking);
    this.#writer.stop();
  }

  #say(bytes: Uint8Array): void {
    if (!this.#isMute()) this.#writer.write(bytes);
  }
}

import type { World } from '../model.ts';
import { isCold, type JbdBoard, nextRequest, reply } from './jbd-frames.ts';
import { JbdSettings } from './jbd-settings.ts';
import { PacedWriter } from './paced-writer.ts';
import { type PluggableHandle, Sequence } from './plug.ts';
import { TcpServer } from './tcp-server.ts';

export interface JbdOptions {
  /** Name in messages and for `unplug`; `bms` when absent. */
  readonly name?: string;
  /** Bytes leave at 960/s, as on a 9600 baud line; otherwise at once. */
  readonly throttle?: boolean;
  /** What register 0x05 says. */
  readonly model?: string;
}

const LINE_BYTES_PER_S = 960;
/** No request of this protocol is longer. What a peer sends beyond it without ever making sense is dropped. */
const LONGEST_REQUEST = 262;
/** A half request is forgotten when nothing follows it for this long, ms. */
const FORGET_MS = 200;

/** A JBD board behind a serial-to-TCP bridge. */
export async function serveJbdOnTcp(
  world: World,
  options: JbdOptions & { host?: string; port?: number } = {},
): Promise<PluggableHandle & { readonly port: number }> {
  const { host = '127.0.0.1', port = 0, name = 'bms' } = options;
  const board = watchedBoard(world, options);
  const server = new TcpServer(host, port, (socket) => {
    const line = new BoardLine(world, board, options, (bytes) => {
      if (socket.writable) socket.write(bytes);
    });
    socket.on('data', (chunk) => line.receive(chunk));
    socket.on('close', () => line.stop());
  });
  await server.listen();
  return {
    name,
    port: server.port,
    address: `${host}:${server.port}`,
    unplug: () => server.close(),
    replug: () => server.listen(),
    close: async () => {
      board.stop();
      await server.close();
    },
  };
}

/** A JBD board on one end of a serial line or pty. */
export async function serveJbdOnPath(world: World, path: string, options: JbdOptions = {}): Promise<PluggableHandle> {
  const { SerialPort } = await import('serialport');
  const board = watchedBoard(world, options);
  const sequence = new Sequence();
  let close: (() => Promise<void>) | undefined;

  const open = async () => {
    if (close) return;
    const port = new SerialPort({ path, baudRate: 9600, autoOpen: false });
    const line = new BoardLine(world, board, options, (bytes) => {
      if (port.isOpen) port.write(bytes);
    });
    port.on('data', (chunk: Buffer) => line.receive(chunk));
    port.on('error', () => undefined);
    port.on('close', () => line.stop());
    await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
    close = async () => {
      line.stop();
      close = undefined;
      if (port.isOpen) await new Promise<void>((resolve) => port.close(() => resolve()));
    };
  };

  await open();
  return {
    name: options.name ?? 'bms',
    address: path,
    unplug: () => sequence.run(async () => close?.()),
    replug: () => sequence.run(open),
    close: () =>
      sequence.run(async () => {
        board.stop();
        await close?.();
      }),
  };
}

/** One listener on the line: collects bytes, answers good requests in order. */
class BoardLine {
  readonly #world: World;
  readonly #board: JbdBoard;
  readonly #writer: PacedWriter;
  #pending: Uint8Array = new Uint8Array(0);
  #lastMs = 0;

  constructor(world: World, board: JbdBoard, options: JbdOptions, send: (bytes: Uint8Array) => void) {
    this.#world = world;
    this.#board = board;
    this.#writer = new PacedWriter(send, options.throttle ? LINE_BYTES_PER_S : Number.POSITIVE_INFINITY);
  }

  receive(chunk: Uint8Array): void {
    const nowMs = performance.now();
    const before = nowMs - this.#lastMs > FORGET_MS ? [] : this.#pending;
    this.#lastMs = nowMs;
    let pending = Uint8Array.from([...before, ...chunk]);
    for (;;) {
      const { request, rest } = nextRequest(pending);
      pending = Uint8Array.from(rest);
      if (!request) break;
      if (!this.#world.faults.silent.has('bms')) this.#writer.write(reply(request, this.#world.pack, this.#board));
    }
    this.#pending = pending.slice(-LONGEST_REQUEST);
  }

  stop(): void {
    this.#writer.stop();
  }
}

/** Counts trips by watching the switches of the pack. */
function watchedBoard(world: World, options: JbdOptions): JbdBoard & { stop(): void } {
  const trips = { cellOvervoltage: 0, cellUndervoltage: 0, chargeUndertemperature: 0 };
  let discharge = world.pack.dischargeFetClosed;
  let charge = world.pack.chargeFetClosed;
  const stop = world.onChange(() => {
    const { pack } = world;
    const locked = pack.locked ?? { charge: false, discharge: false };
    if (discharge && !pack.dischargeFetClosed && !locked.discharge) trips.cellUndervoltage += 1;
    if (charge && !pack.chargeFetClosed && !locked.charge)
      trips[isCold(pack) ? 'chargeUndertemperature' : 'cellOvervoltage'] += 1;
    discharge = pack.dischargeFetClosed;
    charge = pack.chargeFetClosed;
  });
  return {
    model: options.model ?? 'JBD-SP16S020-L16S-100A-100A-B-U',
    made: [2025, 3, 14],
    trips,
    settings: new JbdSettings(world.pack.cells),
    stop,
  };
}

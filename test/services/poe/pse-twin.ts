import { createServer, type Server, type Socket } from 'node:net';

/** A PSE microcontroller as the note and the published command guide describe it, in either dialect, on a TCP serial server. */

export interface PseTwinPort {
  admin: boolean;
  /** What a load draws while it has power, W; 0: none. */
  watts: number;
  priority: number;
  limitType: number;
  limit: number;
  pdClass: number;
}

export type Misbehaviour = 'silent' | 'starting' | 'noise' | 'shifted' | 'swapped' | 'late' | 'wrong port' | undefined;

const sum = (bytes: readonly number[]): number => bytes.reduce((total, byte) => total + byte, 0) & 0xff;
const framed = (bytes: readonly number[]): Buffer => {
  const all = [...bytes, ...Array<number>(11 - bytes.length).fill(0xff)];
  return Buffer.from([...all, sum(all)]);
};
const big = (value: number): [number, number] => [(value >> 8) & 0xff, value & 0xff];

export class PseTwin {
  readonly ports: PseTwinPort[];
  /** All requests, as hex. */
  readonly asked: string[] = [];
  misbehaves: Misbehaviour;
  ignoresWrites = false;
  /** Commands this firmware does not know. */
  readonly unknown = new Set<number>();
  /** Another kind of chip than those the dialect is spoken by. */
  deviceId: number | undefined;
  dialect: 'broadcom' | 'realtek' | 'both' | 'neither';
  #pending = Buffer.alloc(0);
  #tick = 0;

  constructor(dialect: PseTwin['dialect'], amount = 8) {
    this.dialect = dialect;
    this.ports = Array.from({ length: amount }, (_, at) => ({
      admin: true,
      watts: at === 0 ? 5 : at === amount - 1 ? 24.8 : 0,
      priority: at % 4,
      limitType: 1,
      limit: 77,
      pdClass: at === 0 ? 3 : 4,
    }));
  }

  /** Bytes in, frames out. */
  take(chunk: Uint8Array, say: (bytes: Uint8Array) => void): void {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length >= 12) {
      const request = [...this.#pending.subarray(0, 12)];
      if (sum(request.slice(0, 11)) !== request[11]) {
        this.#pending = this.#pending.subarray(1);
        continue;
      }
      this.#pending = this.#pending.subarray(12);
      this.asked.push(Buffer.from(request).toString('hex'));
      const answer = this.#answer(request);
      if (answer !== undefined) this.#send(answer, say);
    }
  }

  #send(answer: Buffer, say: (bytes: Uint8Array) => void): void {
    this.#tick += 1;
    const first = this.#tick % 2 === 1;
    const head = [...answer.subarray(0, 11)];
    switch (this.misbehaves) {
      case 'silent':
        break;
      case 'starting':
        say(framed([0xfe]));
        break;
      case 'noise':
        say(Buffer.from('2121212121212121fdff21a1', 'hex'));
        break;
      case 'shifted':
        say(Buffer.concat([Buffer.from([0]), answer]));
        break;
      case 'swapped': {
        const swapped = Buffer.from(answer);
        if (first) [swapped[9], swapped[10]] = [answer[10] ?? 0, answer[9] ?? 0];
        say(swapped);
        break;
      }
      case 'late':
        head[1] = ((head[1] ?? 0) + 255) & 0xff;
        say(Buffer.concat([framed(head), answer]));
        break;
      case 'wrong port':
        head[2] = ((head[2] ?? 0) + 1) & 0xff;
        say(first ? framed(head) : answer);
        break;
      default:
        // In two pieces, as a serial line has it.
        say(answer.subarray(0, 5));
        say(answer.subarray(5));
    }
  }

  #answer(request: readonly number[]): Buffer | undefined {
    const [command = 0, sequence = 0] = request;
    if (this.unknown.has(command)) return framed([command, sequence]);
    if (this.dialect === 'neither') return framed([command, sequence]);
    const broadcom = this.dialect !== 'realtek' && BROADCOM.has(command);
    const realtek = this.dialect !== 'broadcom' && REALTEK.has(command);
    if (broadcom) return this.#broadcom(request);
    if (realtek) return this.#realtek(request);
    return this.dialect === 'realtek' ? framed([0x61, sequence]) : framed([command, sequence]);
  }

  #broadcom(request: readonly number[]): Buffer {
    const [command = 0, sequence = 0, port = 0] = request;
    const head = [command, sequence];
    if (command === 0x20)
      return framed([...head, 2, this.ports.length, 0, ...big(this.deviceId ?? 0xe121), 0x41, 5, 0x0a, 1]);
    if (command === 0x23) return framed([...head, ...big(this.#drawn()), ...big(2210), 0, 2]);
    if (command === 0x27) return framed([...head, 2, ...big(2280), ...big(70), ...big(2280), ...big(70)]);
    if (command === 0x28) {
      const pairs = [2, 4, 6, 8].flatMap((at) => {
        const number = request[at] ?? 0xff;
        const known = this.ports[number];
        return known === undefined ? [0xff, 0xff] : [number, 0x10 | this.#state(known)];
      });
      return framed([...head, ...pairs]);
    }
    if (command === 0x00) return this.#enable(request);
    const known = this.ports[port];
    if (known === undefined) return framed(head);
    if (command === 0x21) return framed([...head, port, this.#state(known), 0, known.pdClass, 1]);
    if (command === 0x26) return framed([...head, port, 3, known.limitType, known.limit, known.priority, port]);
    return this.#figures(head, port, known);
  }

  #realtek(request: readonly number[]): Buffer {
    const [command = 0, sequence = 0, port = 0] = request;
    const head = [command, sequence];
    if (command === 0x40)
      return framed([...head, 0, this.ports.length, 1, ...big(this.deviceId ?? 0x0138), 0x12, 0x11, 1, 0x10]);
    if (command === 0x41) {
      const allocated = this.ports.filter((each) => this.#state(each) === 2).length * 300;
      return framed([...head, ...big(allocated), ...big(1200 - this.#drawn()), 1, ...big(this.#drawn())]);
    }
    // The number of the supply stands where the sequence is; only supply 1 is fitted.
    if (command === 0x4b)
      return framed([...head, 1, ...big(sequence === 1 ? 1300 : 0), ...big(sequence === 1 ? 100 : 0)]);
    if (command === 0x43) {
      const states = [0, 1, 2, 3].flatMap((at) => {
        const known = this.ports[4 * port + at];
        return known === undefined ? [0, 0] : [0x40 | this.#state(known), known.pdClass];
      });
      return framed([...head, port, ...states]);
    }
    if (command === 0x01) return this.#enable(request);
    const known = this.ports[port];
    if (known === undefined) return framed(head);
    if (command === 0x42) return framed([...head, port, this.#state(known), (known.pdClass << 4) | 4, known.pdClass]);
    if (command === 0x49) return framed([...head, port, 3, known.limitType, known.limit, known.priority, 0x20, port]);
    return this.#figures(head, port, known);
  }

  #figures(head: readonly number[], port: number, { watts }: PseTwinPort): Buffer {
    const on = this.#state(this.ports[port] ?? { admin: false, watts: 0 }) === 2;
    const volts = on ? 837 : 0;
    const amps = on ? Math.round((watts / (837 * 0.06445)) * 1000) : 0;
    return framed([...head, port, ...big(volts), ...big(amps), ...big(188), ...big(on ? Math.round(watts * 10) : 0)]);
  }

  #enable(request: readonly number[]): Buffer {
    const pairs: number[] = [];
    for (let at = 2; at < 10; at += 2) {
      const [number = 0xff, value = 0xff] = request.slice(at, at + 2);
      const port = this.ports[number];
      if (port !== undefined && !this.ignoresWrites) port.admin = value === 1;
      pairs.push(number, number === 0xff ? 0xff : port === undefined ? 1 : 0);
    }
    return framed([request[0] ?? 0, request[1] ?? 0, ...pairs]);
  }

  #state({ admin, watts }: Pick<PseTwinPort, 'admin' | 'watts'>): number {
    return !admin ? 0 : watts > 0 ? 2 : 1;
  }

  #drawn(): number {
    const on = this.ports.filter((each) => this.#state(each) === 2);
    return Math.round(on.reduce((total, { watts }) => total + watts * 10, 0));
  }
}

const BROADCOM = new Set([0x00, 0x20, 0x21, 0x23, 0x26, 0x27, 0x28, 0x30]);
const REALTEK = new Set([0x01, 0x40, 0x41, 0x42, 0x43, 0x44, 0x49, 0x4b]);

/** The twin behind a serial server. */
export async function servePseTwin(twin: PseTwin): Promise<{ address: string; close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => twin.take(chunk, (bytes) => socket.write(bytes)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const at = server.address();
  if (at === null || typeof at === 'string') throw new Error('no port');
  return {
    address: `127.0.0.1:${at.port}`,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

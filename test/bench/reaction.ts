import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { Stage } from '../e2e/stage.ts';
import { type Bench, figure, type Outcome } from './bench.ts';

/**
 * From the bytes on the meter's wire that show that mains is away to the first byte on an event stream that shows the new
 * phase: everything between is holdover's own. Nothing has to be confirmed (`confirmLoss: 0`), and the poll interval is
 * not in it: the clock starts when the answer passes a proxy between the service and the meter.
 */
export const reactionBench: Bench = {
  name: 'reaction',
  about: 'from the bytes that show mains loss to the published change of phase, without polling interval',
  async run({ runs }): Promise<Outcome> {
    const proxy = new MeterProxy();
    const port = await proxy.listen();
    const stage = new Stage({
      fast: 1,
      configure: (config) => {
        const meter = (config.meters as { id: string; via: { modbusTcp: string; unit: number } }[])[0];
        if (meter === undefined) throw new Error('the rack has no meter');
        proxy.target = Number(meter.via.modbusTcp.split(':')[1]);
        meter.via = { ...meter.via, modbusTcp: `127.0.0.1:${port}` };
        config.mains = { evidence: [{ meter: meter.id }] };
        config.shutdown = { ...(config.shutdown as object), confirmLoss: 0, confirmReturn: 0 };
      },
    });
    const tookMs: number[] = [];
    const loopMs: number[] = [];
    try {
      await stage.open();
      const phases = new Phases(stage.address);
      await phases.open();
      await phases.first('mains', 0);
      for (let run = 0; run < runs; run += 1) {
        proxy.lossAtMs = undefined;
        const away = phases.first('on-battery', performance.now());
        await stage.mains(false);
        const seenAtMs = await away;
        if (proxy.lossAtMs === undefined) throw new Error('the loss was never on the wire');
        tookMs.push(seenAtMs - proxy.lossAtMs);
        loopMs.push(await roundTrip(stage.address));
        const back = phases.first('mains', performance.now());
        await stage.mains(true);
        await back;
      }
      phases.close();
    } finally {
      await stage.close();
      proxy.close();
    }
    const against = { what: 'one HTTP request to the same service', values: loopMs };
    return { figures: [figure('bytes of the meter to the event on the stream', 'ms', tookMs, against)] };
  },
};

async function roundTrip(address: string): Promise<number> {
  const beganMs = performance.now();
  await (await fetch(new URL('/healthz', address))).text();
  return performance.now() - beganMs;
}

/** Hands bytes on, and notes when an answer says 0 V. */
class MeterProxy {
  target = 0;
  lossAtMs: number | undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor() {
    this.#server = createServer((client) => this.#serve(client));
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => {
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #serve(client: Socket): void {
    const device = dial(this.target, '127.0.0.1');
    let first = -1;
    for (const socket of [client, device]) {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      this.#sockets.add(socket);
    }
    client.on('data', (request: Buffer) => {
      if (request.length >= 10) first = request.readUInt16BE(8);
      device.write(request);
    });
    device.on('data', (answer: Buffer) => {
      // Registers 0 and 1 are the voltage; MBAP header, function, length, then the values.
      const isVoltage = first === 0 && answer.length >= 13 && answer[7] === 4;
      if (isVoltage && answer.readFloatBE(9) === 0) this.lossAtMs ??= performance.now();
      client.write(answer);
    });
    client.on('close', () => device.destroy());
    device.on('close', () => client.destroy());
  }
}

/** The phases on the event stream, with the time their first byte came in. */
class Phases {
  readonly #address: string;
  readonly #stop = new AbortController();
  #wanted: { phase: string; afterMs: number; found: (atMs: number) => void } | undefined;

  constructor(address: string) {
    this.#address = address;
  }

  async open(): Promise<void> {
    const answer = await fetch(new URL('/api/v1/events', this.#address), { signal: this.#stop.signal });
    const { body } = answer;
    if (body === null) throw new Error('no event stream');
    void this.#read(body).catch(() => {});
  }

  close(): void {
    this.#stop.abort();
  }

  first(phase: string, afterMs: number): Promise<number> {
    return new Promise((found) => {
      this.#wanted = { phase, afterMs, found };
    });
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    let text = '';
    let beganMs = 0;
    for await (const chunk of body) {
      if (text === '') beganMs = performance.now();
      text += Buffer.from(chunk).toString('utf8');
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        this.#event(text.slice(0, end), beganMs);
        text = text.slice(end + 2);
        beganMs = performance.now();
      }
    }
  }

  #event(event: string, atMs: number): void {
    const wanted = this.#wanted;
    if (wanted === undefined || atMs < wanted.afterMs || !event.includes(`"coordinator":{"phase":"${wanted.phase}"`))
      return;
    this.#wanted = undefined;
    wanted.found(atMs);
  }
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SerialPort } from 'serialport';
import type { Driver, ExchangeDriver } from '../../bms/drivers/driver.ts';
import { driverFor, driverIds } from '../../bms/drivers/registry.ts';
import { bindDevice } from '../../bms/index.ts';
import { byteExchange, crc16Modbus, modbusRtuExchange, serialTransport } from '../../firmware-bridge/index.ts';
import { openPtyPair } from '../../services/twin/pty-pair.ts';
import { type Answers, answered, capturesOf } from '../bms/drivers/captures.ts';
import { peer } from '../peers.ts';
import { type Bench, type Figure, figure } from './bench.ts';
import { type LineCount, lineTime, pacedLine } from './paced-line.ts';

/** Ten bits a byte. */
const bytesPerS = (baud: number): number => baud / 10;
/** Time that one run is to take about, s. */
const RUN_S = 4;
const MOST_RUNS = 3;

/** One register map stands for all: they are read by the same code at the same rate. */
const MODBUS = ['sdm230', 'eg4-ll', 'daly-modbus', 'seplos-v3'];

/** Whole polls of every serial family at its default rate, against what the line and the driver's own gap allow. */
export const familiesBench: Bench = {
  name: 'families',
  about: 'polls a second of every serial family at its default baud, against what line and gap allow',
  async run({ runs }) {
    const { skip, title } = peer('socat');
    if (skip) return { skipped: `needs ${title}` };
    const figures: Figure[] = [];
    const exchange = driverIds().filter((id) => driverFor(id).shape === 'exchange');
    for (const id of [...exchange, ...MODBUS]) {
      const folder = mkdtempSync(join(tmpdir(), 'holdover-bench-'));
      try {
        figures.push(...(await family(driverFor(id), folder, Math.min(runs, MOST_RUNS))));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
    return { figures, remarks: ['a made device answers at once with a capture of its kind', ...REMARKS] };
  },
};

const REMARKS = [
  'a pty hands bytes on by a worker of the kernel, which waits for a processor like everybody: that is in the polls',
];

async function family(known: Driver, folder: string, runs: number): Promise<readonly Figure[]> {
  const driver = known.shape === 'exchange' ? answered(known as ExchangeDriver) : known;
  if (driver.shape !== 'exchange' && driver.shape !== 'registers') throw new Error(`${driver.id} has no line`);
  const pair = await openPtyPair(folder);
  if (pair === undefined) throw new Error('socat made no pty pair in time');
  const rate = bytesPerS(driver.line.baud);
  const answers = driver.shape === 'registers' ? modbusAnswer : capturesOf(driver as ExchangeDriver);
  const port = await serve(pair.device, rate, answers);
  const count: LineCount = { bytes: 0, pausesMs: 0 };
  const line = pacedLine(serialTransport({ path: pair.host, line: driver.line }), rate, count);
  const bus =
    driver.shape === 'registers' ? modbusRtuExchange(line, { gapMs: driver.gapMs }) : byteExchange(line, driver);
  const device = bindDevice(driver, 'bench', bus, { now: () => Date.now(), mono: () => performance.now() });
  try {
    // The first asks what is asked once, the second shows how long one takes.
    await device.poll();
    const startedMs = performance.now();
    await device.poll();
    const polls = Math.max(3, Math.round((RUN_S * 1000) / (performance.now() - startedMs)));
    const [measured, limits, added, allowed]: [number[], number[], number[], number[]] = [[], [], [], []];
    for (let run = 0; run < runs; run += 1) {
      const before = { ...count, answers: bus.stats.answers };
      const runMs = performance.now();
      for (let poll = 0; poll < polls; poll += 1) await device.poll();
      measured.push((polls * 1000) / (performance.now() - runMs));
      const exchanges = bus.stats.answers - before.answers;
      const lineS = (count.bytes - before.bytes) / rate;
      const gapS = (exchanges * driver.gapMs) / 1000;
      limits.push(polls / (lineS + gapS));
      added.push((count.pausesMs - before.pausesMs) / exchanges - driver.gapMs);
      allowed.push(((lineS + gapS) * 1000) / exchanges);
    }
    const what = `${driver.id} at ${driver.line.baud} baud, gap ${driver.gapMs} ms`;
    return [
      figure(what, 'polls/s', measured, { what: 'the limit of line and gap', values: limits }),
      figure('  of it ours: from an answer to the next request handed over, besides the gap', 'ms', added, {
        what: 'line and gap of an exchange',
        values: allowed,
      }),
    ];
  } finally {
    await device.close();
    await bus.close();
    await new Promise<void>((resolve) => port.close(() => resolve()));
    await pair.close();
  }
}

/** A device that answers each whole request when its answer would have gone over the line. */
async function serve(path: string, rate: number, answers: Answers): Promise<SerialPort> {
  const port = new SerialPort({ path, baudRate: 9600, autoOpen: false });
  await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
  let pending = new Uint8Array();
  port.on('error', () => {});
  port.on('data', (chunk: Buffer) => {
    pending = Uint8Array.of(...pending, ...chunk);
    const answer = answers(pending);
    if (answer === undefined) return;
    pending = new Uint8Array();
    void lineTime(answer.length, rate).then(() => port.isOpen && port.write(answer));
  });
  return port;
}

/** Zeros from every register. */
function modbusAnswer(pending: Uint8Array): Uint8Array | undefined {
  if (pending.length < 8 || crc16Modbus(pending.subarray(0, 8)) !== 0) return undefined;
  const [unit = 0, fc = 0] = pending;
  const count = ((pending[4] ?? 0) << 8) | (pending[5] ?? 0);
  const bytes = fc <= 2 ? Math.ceil(count / 8) : count * 2;
  const reply = new Uint8Array(3 + bytes + 2);
  reply.set([unit, fc, bytes]);
  const crc = crc16Modbus(reply.subarray(0, 3 + bytes));
  reply.set([crc & 0xff, crc >>> 8], 3 + bytes);
  return reply;
}

import type { Decoded, Driver, RecordedExchange, StreamDriver } from '../../bms/drivers/driver.ts';
import { driverFor, driverIds } from '../../bms/drivers/registry.ts';
import type { MeterSample } from '../../bms/model/sample.ts';
import { driverOf, readVectors, recorded } from '../bms/drivers/vectors.ts';
import { type Bench, type Figure, figure } from './bench.ts';
import { type Batch, inTurns, processorTime, repeat } from './in-turns.ts';

const FILES = ['jbd', 'daly', 'jk', 've-direct', 'pylontech', 'seplos', 'pace', 'voltronic', 'diybms'] as const;

/** For every driver the answer that takes it longest, against JSON.parse of the very same values. */
export const framesBench: Bench = {
  name: 'frames',
  about: 'of every driver the frame that takes longest, to values in SI units (aim: under 5 µs a frame)',
  async run({ runs }) {
    const vectors = FILES.flatMap(readVectors);
    const figures: Figure[] = [];
    for (const id of driverIds()) {
      const driver = driverFor(id);
      const answers = driver.shape === 'registers' ? blocks(driver) : captures(driver, vectors);
      const slowest = slowestOf(answers);
      if (slowest === undefined) continue;
      const { what, frames, decode } = slowest;
      const json = JSON.stringify(decode().map((result) => (result.ok ? result.fields : {})));
      const times = await inTurns(
        perFrame(repeat(decode), frames),
        perFrame(
          repeat(() => JSON.parse(json)),
          frames,
        ),
        runs,
      );
      const peer = { what: 'JSON.parse of the same values', values: times.peer };
      figures.push(figure(`${id}, ${what}`, 'µs', times.ours, peer));
    }
    return { figures, remarks: ['a reply of several frames counts as so many'] };
  },
};

interface Answer {
  readonly what: string;
  /** Frames, each with a checksum of its own, that make the answer. */
  readonly frames: number;
  readonly decode: () => readonly Decoded[];
}

/**
 * Every captured answer to what the driver asks, with the request: without it decoding has to guess. What a device says by
 * itself is decoded as it comes in.
 */
function captures(driver: Driver, vectors: ReturnType<typeof readVectors>): Answer[] {
  const answers: Answer[] = [];
  for (const vector of vectors) {
    if (driverOf(vector) !== driver.id) continue;
    const exchange = asAsked(driver, recorded(vector));
    const bytes = exchange?.response?.length ?? 0;
    if (exchange === undefined || bytes === 0) continue;
    const decode = driver.shape === 'stream' ? asHeard(driver, exchange) : () => [driver.decode(exchange)];
    const results = decode();
    const frames = driver.id === 'daly' ? Math.floor(bytes / DALY_FRAME_BYTES) : results.length;
    if (frames === 0 || !results.every(({ ok }) => ok)) continue;
    answers.push({ what: `${bytes} bytes${frames > 1 ? ` in ${frames} frames` : ''}`, frames, decode });
  }
  return answers;
}

function asHeard(driver: StreamDriver | StreamDriver<MeterSample>, { response }: RecordedExchange): Answer['decode'] {
  const parser = driver.parser();
  return () => (response === undefined ? [] : parser.push(response, 0));
}

function asAsked(driver: Driver, exchange: RecordedExchange): RecordedExchange | undefined {
  const { request, response } = exchange;
  if (driver.shape !== 'exchange' || request !== undefined || response === undefined) return exchange;
  const asked = driver.reads.find((read) => read.accept(response, exchange.context ?? {}).kind === 'take');
  return asked && { ...exchange, request: asked.request };
}

const DALY_FRAME_BYTES = 13;

/** Words as the bus hands them over: their CRC is checked by then. */
function blocks(driver: Driver & { readonly shape: 'registers' }): Answer[] {
  return driver.reads.map(({ read: { table, count }, decode }) => {
    const bits = table === 'coil' || table === 'discrete';
    const words = Uint16Array.from({ length: count }, (_, at) => (bits ? Number(at % 3 === 0) : (at * 37) & 0xfff));
    const own = decode(words).ok ? words : new Uint16Array(count);
    return { what: `${count} ${bits ? 'bits' : 'registers'}`, frames: 1, decode: () => [decode(own)] };
  });
}

const TRIES = 2000;

/** By a quick look at each. */
function slowestOf(answers: readonly Answer[]): Answer | undefined {
  const look = ({ decode, frames }: Answer): number => {
    const took = [0, 1, 2].map(() => {
      const startedUs = processorTime();
      for (let at = 0; at < TRIES; at += 1) decode();
      return processorTime() - startedUs;
    });
    return Math.min(...took) / frames;
  };
  const looked = answers.map((answer) => ({ answer, took: look(answer) }));
  return looked.toSorted((a, b) => b.took - a.took)[0]?.answer;
}

/** A batch that makes so many times fewer calls, one a frame. */
function perFrame(batch: Batch, frames: number): Batch {
  return (calls) => batch(Math.ceil(calls / frames));
}

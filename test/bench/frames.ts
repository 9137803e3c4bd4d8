import type { Decoded, Driver } from '../../bms/drivers/driver.ts';
import { driverFor, driverIds } from '../../bms/drivers/registry.ts';
import { driverOf, readVectors, recorded } from '../bms/drivers/vectors.ts';
import { type Bench, type Figure, figure } from './bench.ts';
import { inTurns, repeat } from './in-turns.ts';

const FILES = ['jbd', 'daly', 'jk', 've-direct', 'pylontech', 'seplos', 'pace', 'voltronic', 'diybms'] as const;

/** For every driver its largest answer to checked values, against JSON.parse of the very same values. */
export const framesBench: Bench = {
  name: 'frames',
  about: 'the largest answer of every driver to values in SI units (aim: under 5 µs)',
  async run({ runs }) {
    const vectors = FILES.flatMap(readVectors);
    const figures: Figure[] = [];
    for (const id of driverIds()) {
      const driver = driverFor(id);
      const largest = driver.shape === 'registers' ? largestBlock(driver) : largestCapture(driver, vectors);
      if (largest === undefined) continue;
      const result = largest.decode();
      if (!result.ok) throw new Error(`${id}: ${result.error.message}`);
      const json = JSON.stringify(result.fields);
      const times = await inTurns(
        repeat(largest.decode),
        repeat(() => JSON.parse(json)),
        runs,
      );
      figures.push(
        figure(`${id}, ${largest.size}`, 'µs', times.ours, {
          what: 'JSON.parse of the same values',
          values: times.peer,
        }),
      );
    }
    return { figures };
  },
};

interface Largest {
  readonly size: string;
  readonly decode: () => Decoded;
}

/** One frame, with its checksum; several in one recording are not one answer. */
function largestCapture(driver: Driver, vectors: ReturnType<typeof readVectors>): Largest | undefined {
  let best: { bytes: number; decode: () => Decoded } | undefined;
  for (const vector of vectors) {
    if (driverOf(vector) !== driver.id) continue;
    const exchange = recorded(vector);
    const bytes = exchange.response?.length ?? 0;
    const result = driver.decode(exchange);
    if (!result.ok || result.fields.frames !== undefined || Number(result.fields.blocks ?? 1) > 1) continue;
    if (best === undefined || bytes > best.bytes) best = { bytes, decode: () => driver.decode(exchange) };
  }
  return best === undefined ? undefined : { size: `${best.bytes} bytes`, decode: best.decode };
}

/** Words as the bus hands them over: their CRC is checked by then. */
function largestBlock(driver: Driver & { readonly shape: 'registers' }): Largest | undefined {
  const block = driver.reads.toSorted((a, b) => b.read.count - a.read.count)[0];
  if (block === undefined) return undefined;
  const words = Uint16Array.from({ length: block.read.count }, (_, at) => (at * 37) & 0xfff);
  const own = block.decode(words).ok ? words : new Uint16Array(block.read.count);
  return { size: `${block.read.count} registers`, decode: () => block.decode(own) };
}

import type { ExchangeDriver, ExchangeRead } from '../../../bms/drivers/driver.ts';
import { driverOf, readVectors, recorded } from './vectors.ts';

/** A made device of any kind: it answers what was captured of a real one. */

const FILES = ['jbd', 'daly', 'jk', 'pace', 'pylontech', 'seplos', 'voltronic', 'diybms'];

/** The answer to what a device has received so far; undefined while that is no whole request. */
export type Answers = (received: Uint8Array) => Uint8Array | undefined;

/** Without the reads that no capture answers: waiting in vain is not what is measured. */
export function answered(driver: ExchangeDriver): ExchangeDriver {
  return { ...driver, reads: driver.reads.filter((read) => captureFor(driver, read) !== undefined) };
}

/** What earlier answers of the captured boards told. */
const KNOWN = { cellCount: 16, tempCount: 1 };

/** Answers of the largest captured board to every read of a driver. */
export function capturesOf(driver: ExchangeDriver): Answers {
  const answers = new Map(driver.reads.map((read) => [hex(read.request), captureFor(driver, read)]));
  const longest = Math.max(...driver.reads.map(({ request }) => request.length));
  return (pending) => {
    for (let length = Math.min(longest, pending.length); length > 0; length -= 1) {
      const answer = answers.get(hex(pending.subarray(-length)));
      if (answer !== undefined) return answer;
    }
    return undefined;
  };
}

/** The longest capture that answers a read: a large pack. */
function captureFor(driver: ExchangeDriver, read: ExchangeRead): Uint8Array | undefined {
  let best: Uint8Array | undefined;
  for (const vector of FILES.flatMap(readVectors)) {
    const { response } = recorded(vector);
    if (driverOf(vector) !== driver.id || response === undefined) continue;
    const taken = read.accept(response, KNOWN);
    if (taken.kind !== 'take' || taken.length !== response.length) continue;
    const result = driver.decode({ request: read.request, response, context: KNOWN });
    if (!result.ok || (result.fields.cellCount ?? KNOWN.cellCount) !== KNOWN.cellCount) continue;
    if (best === undefined || response.length > best.length) best = response;
  }
  return best;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

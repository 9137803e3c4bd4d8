import { BridgeError, type RegisterExchange, type RegisterRead } from '#bridge';
import { bindDevice } from '../bind.ts';
import type { Driver, RegisterDriver } from '../drivers/driver.ts';
import type { Sample } from '../model/sample.ts';
import { finding, orNothing, type ProbeClocks } from './exchange-step.ts';
import type { Finding } from './finding.ts';

export type RegisterCandidate = Driver & RegisterDriver<Sample>;

/** Whether anybody is at a unit: reads that every Modbus device answers or refuses, and refusing is an answer too. */
const ANYBODY: readonly Pick<RegisterRead, 'table' | 'address' | 'count'>[] = [
  { table: 'holding', address: 0, count: 1 },
  { table: 'input', address: 0, count: 2 },
];

const RANK = { sure: 0, likely: 1, perhaps: 2 } as const;

export interface UnitOptions extends ProbeClocks {
  readonly signal: AbortSignal;
  /** Who may be meant, the likeliest first. */
  readonly candidates: readonly RegisterCandidate[];
  /** Rate of the line, for whose usual unit and rate this is; absent behind TCP. */
  readonly baud?: number;
}

/**
 * Who is at a Modbus unit: `nobody`, a finding, or `stranger`: somebody answers, and what he says fits no driver.
 * @throws BridgeError when the line is gone
 */
export async function askUnit(
  bus: RegisterExchange,
  unit: number,
  options: UnitOptions,
): Promise<Finding | 'nobody' | 'stranger'> {
  const { candidates, signal } = options;
  const usual = candidates.filter((driver) => driver.defaultUnit === unit && driver.line.baud === options.baud);
  const reads = [...ANYBODY, ...usual.flatMap(({ reads: [first] }) => (first === undefined ? [] : [first.read]))];
  if (!(await anyAnswers(bus, unit, reads, signal))) return 'nobody';
  const fitting: Finding[] = [];
  let proved: RegisterCandidate | undefined;
  for (const driver of candidates) {
    // Once somebody is sure, only those count that ask the very same.
    if (proved !== undefined && !sameQuestion(proved, driver)) continue;
    const device = bindDevice(driver as Driver, driver.id, bus, { ...options, unit });
    const sample = await device.poll(signal).catch(orNothing);
    await device.close();
    const found = sample && finding(driver, sample);
    if (found === undefined) continue;
    if (found.certainty === 'sure') proved ??= driver;
    fitting.push(found);
  }
  const [best, ...others] = fitting.sort((a, b) => RANK[a.certainty] - RANK[b.certainty]);
  if (best === undefined) return 'stranger';
  const fitsToo = others.filter(({ certainty }) => certainty === best.certainty).map(({ driver }) => driver);
  const certainty = best.certainty === 'sure' && fitsToo.length > 0 ? 'likely' : best.certainty;
  return { ...best, certainty, unit, fitsToo, ...rateOf(options) };
}

function sameQuestion({ reads: [a] }: RegisterCandidate, { reads: [b] }: RegisterCandidate): boolean {
  return a?.read.table === b?.read.table && a?.read.address === b?.read.address && a?.read.count === b?.read.count;
}

async function anyAnswers(
  bus: RegisterExchange,
  unit: number,
  reads: readonly Pick<RegisterRead, 'table' | 'address' | 'count'>[],
  signal: AbortSignal,
): Promise<boolean> {
  for (const { table, address, count } of reads) {
    try {
      await bus.read({ table, address, count, unit, signal, tries: 1 });
      return true;
    } catch (error) {
      if (isException(error)) return !isGatewaySilence(error);
      orNothing(error);
    }
  }
  return false;
}

const isException = (error: unknown): error is BridgeError =>
  error instanceof BridgeError && error.reason?.startsWith('exception-') === true;
/** A gateway says for its unit that nobody is there. */
const isGatewaySilence = ({ reason }: BridgeError): boolean => reason === 'exception-10' || reason === 'exception-11';

const rateOf = ({ baud }: UnitOptions): { baud?: number } => (baud === undefined ? {} : { baud });

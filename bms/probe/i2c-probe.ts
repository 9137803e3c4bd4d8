import { BridgeError, type I2cExchange } from '#bridge';
import type { Fields, RegisterBytes } from '../drivers/driver.ts';
import { decodeChip } from '../drivers/i2c/chip.ts';
import type { Certainty } from './belief.ts';
import { I2C_CANDIDATES, type I2cCandidate, PRESENCE } from './i2c-plan.ts';

/** A chip that answered. */
export interface I2cFinding {
  /** As a sensor of the configuration calls it. */
  readonly chip: string;
  readonly title: string;
  readonly certainty: Certainty;
  readonly address: number;
  /** What its registers say, under the names of the driver. */
  readonly says: Fields;
  /** Other chips that its answers fit as well. */
  readonly fitsToo: readonly string[];
}

export interface I2cReport {
  /** False when its time was over before every address had been asked. */
  readonly complete: boolean;
  readonly found: readonly I2cFinding[];
  /** Addresses where somebody is that is not asked, or is none of the chips we know. */
  readonly strangers: readonly number[];
  /** Addresses a driver of the kernel holds. */
  readonly taken: readonly number[];
}

export interface I2cProbeOptions {
  readonly signal: AbortSignal;
  /** Only these chips. */
  readonly only?: readonly string[];
  /** Only this address. */
  readonly address?: number;
  /** Told before each address. */
  readonly told?: (what: string) => void;
}

/**
 * Finds out who is on an I2C bus. Reads only, in the order and with the caution of `i2c-plan.ts`. The signal ends it early
 * with what there is. @throws BridgeError when there is no bus, or it is held
 */
export async function probeI2c(bus: I2cExchange, options: I2cProbeOptions): Promise<I2cReport> {
  const { signal, address: only, told } = options;
  const found: I2cFinding[] = [];
  const strangers: number[] = [];
  const taken: number[] = [];
  const report = (complete: boolean): I2cReport => ({ complete, found, strangers, taken });
  for (const address of only === undefined ? PRESENCE : [only]) {
    if (signal.aborted) return report(false);
    told?.(`0x${address.toString(16).padStart(2, '0')}`);
    try {
      const is = await presence(bus, address, signal);
      if (is === 'taken') taken.push(address);
      if (is !== 'there') continue;
      const finding = await identify(bus, address, options);
      if (finding === undefined) strangers.push(address);
      else found.push(finding);
    } catch (error) {
      if (signal.aborted) return report(false);
      throw error;
    }
  }
  return report(true);
}

/** One byte is read, and nothing is written. */
async function presence(bus: I2cExchange, address: number, signal: AbortSignal): Promise<'there' | 'absent' | 'taken'> {
  try {
    await bus.converse({ address, label: 'presence', tries: 1, signal, talk: (chip) => chip.read(1) });
    return 'there';
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    if (error.reason === 'nack') return 'absent';
    if (error.reason === 'kernel_driver') return 'taken';
    throw error;
  }
}

async function identify(
  bus: I2cExchange,
  address: number,
  { signal, only }: I2cProbeOptions,
): Promise<I2cFinding | undefined> {
  const seen = new Map<number, Uint8Array>();
  const fitting: { readonly candidate: I2cCandidate; readonly certainty: Certainty; readonly says: Fields }[] = [];
  for (const candidate of I2C_CANDIDATES) {
    if (!candidate.chip.addresses.includes(address) || only?.includes(candidate.chip.id) === false) continue;
    const registers = await readThese(bus, address, candidate, seen, signal);
    // Turned down: whoever this is, it gets no more numbers that may be orders to it.
    if (registers === undefined) break;
    const certainty = candidate.judge(registers);
    const decoded = decodeChip(candidate.chip, registers, {});
    if (certainty === undefined) continue;
    fitting.push({ candidate, certainty, says: decoded.ok ? decoded.fields : {} });
    if (certainty === 'sure') break;
  }
  const best = fitting.find(({ certainty }) => certainty === 'sure') ?? fitting.find(isLikely) ?? fitting[0];
  if (best === undefined) return undefined;
  const { chip } = best.candidate;
  const fitsToo = fitting.filter((each) => each !== best).map(({ candidate }) => candidate.chip.id);
  return {
    chip: chip.id,
    title: chip.title,
    certainty: best.certainty,
    address,
    says: best.says,
    fitsToo: best.certainty === 'sure' ? [] : fitsToo,
  };
}

const isLikely = ({ certainty }: { readonly certainty: Certainty }): boolean => certainty === 'likely';

/** The registers of a candidate, each read once for all of them; nothing when the chip turned one down. */
async function readThese(
  bus: I2cExchange,
  address: number,
  { chip, registers }: I2cCandidate,
  seen: Map<number, Uint8Array>,
  signal: AbortSignal,
): Promise<RegisterBytes | undefined> {
  const own = new Map<number, Uint8Array>();
  for (const { at, length } of registers) {
    const known = seen.get(at);
    if (known?.length === length) {
      own.set(at, known);
      continue;
    }
    try {
      const bytes = await bus.converse({
        address,
        label: `${chip.id}?`,
        tries: 1,
        signal,
        talk: (there) => there.transfer(Uint8Array.of(at), length),
      });
      seen.set(at, bytes);
      own.set(at, bytes);
    } catch (error) {
      if (error instanceof BridgeError && error.code === 'timeout' && !signal.aborted) return undefined;
      throw error;
    }
  }
  return own;
}

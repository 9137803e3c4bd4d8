import { type ByteTransport, modbusRtuExchange, type RegisterExchange, type SerialLine } from '#bridge';
import type { Driver, ExchangeDriver } from '../drivers/driver.ts';
import { driverFor, driverIds } from '../drivers/registry.ts';
import type { Sample } from '../model/sample.ts';
import { askDriver, hearDriver, type ProbeClocks } from './exchange-step.ts';
import type { Finding, ProbeReport } from './finding.ts';
import { askUnit, type RegisterCandidate } from './modbus-units.ts';
import { counted, lent } from './own-line.ts';
import {
  ASKED_BY_NAME,
  PROBE_LINES,
  type ProbeLine,
  type ProbeStep,
  SCANNED,
  TCP_ONLY,
  USUAL_TCP_UNITS,
  USUAL_UNITS,
} from './plan.ts';

/** Where a probe asks. */
export type ProbePlace =
  /** A serial port, opened anew for each rate. */
  | { readonly kind: 'serial'; open(line: SerialLine): ByteTransport }
  /** A serial line behind a TCP bridge, which has its own rate. */
  | { readonly kind: 'bridge'; open(line: SerialLine): ByteTransport }
  /** Modbus TCP, and the caller's to close. */
  | { readonly kind: 'modbus-tcp'; readonly bus: RegisterExchange };

export interface ProbeOptions extends ProbeClocks {
  readonly signal: AbortSignal;
  /** Only these drivers; the only way to have one of `ASKED_BY_NAME` asked. Ids that exist. */
  readonly only?: readonly string[];
  /** Drivers of the user's own profiles. */
  readonly more?: readonly Driver[];
  /** Modbus units to look at instead of the usual ones. */
  readonly units?: readonly number[];
  /** Go on after the first answer: board numbers and units 1 to 16. */
  readonly scan?: boolean;
  /** Told before each step: which rate and driver, in words. */
  readonly told?: (what: string) => void;
}

/**
 * Finds out who answers on a line. Sends reads only, in the order of `PROBE_LINES`, and ends after the line on which somebody
 * was found; without `scan` at the first sure answer. The signal ends it early with what there is.
 * @throws BridgeError when the port cannot be opened, or is lost meanwhile
 */
export async function probe(place: ProbePlace, options: ProbeOptions): Promise<ProbeReport> {
  const search = new Search(options);
  try {
    if (place.kind === 'modbus-tcp') await search.units(place.bus, options.units ?? USUAL_TCP_UNITS, undefined);
    else for (const line of linesFor(place.kind, options.only)) if (!search.done) await search.line(place, line);
  } catch (error) {
    // What was found until then is worth telling.
    if (!options.signal.aborted) throw error;
    return search.report(false);
  }
  return search.report(true);
}

/** The lines to try. A bridge has one rate, so there everything is asked on one line. */
export function linesFor(kind: 'serial' | 'bridge', only: readonly string[] | undefined): readonly ProbeLine[] {
  const planned = PROBE_LINES.map((line) => ({
    ...line,
    listen: (line.listen ?? []).filter((id) => only?.includes(id) ?? true),
    steps: line.steps.filter(({ driver }) => only?.includes(driver) ?? true),
    modbus: line.modbus && (only === undefined || only.some(isRegisters)),
  })).filter(({ listen, steps, modbus }) => listen.length + steps.length > 0 || modbus);
  const byName: readonly ProbeLine[] = (only ?? [])
    .filter((id) => ASKED_BY_NAME[id] !== undefined)
    .map((id) => ({ baud: baudOf(id), why: 'named', steps: [{ driver: id, why: 'named' }], modbus: false }));
  const lines = [...planned, ...byName];
  if (kind === 'serial') return lines;
  const steps = lines.flatMap((line) => line.steps);
  const once = steps.filter(({ driver }, at) => steps.findIndex((other) => other.driver === driver) === at);
  return [
    {
      baud: 9600,
      why: 'the rate is set at the bridge',
      listen: lines.flatMap(({ listen }) => listen ?? []),
      // The one that reads lines comes before any bytes here too.
      steps: once.toSorted((a, b) => Number(b.driver === 'voltronic') - Number(a.driver === 'voltronic')),
      modbus: lines.some(({ modbus }) => modbus),
    },
  ];
}

const isRegisters = (id: string): boolean => !driverIds().includes(id) || driverFor(id).shape === 'registers';

function baudOf(id: string): number {
  const driver = driverFor(id);
  return 'line' in driver ? driver.line.baud : 9600;
}

/** Time for the longest answer at a rate, and for the device to think, ms. */
const registerTimeoutMs = (baud: number | undefined): number =>
  350 + (baud === undefined ? 650 : (260 * 10_000) / baud);

class Search {
  readonly #options: ProbeOptions;
  readonly #found: Finding[] = [];
  readonly #strangers: { unit: number; baud?: number }[] = [];
  #asked = 0;
  #sentBytes = 0;
  #heardBytes = 0;

  constructor(options: ProbeOptions) {
    this.#options = options;
  }

  get done(): boolean {
    return this.#found.length > 0 || this.#strangers.length > 0;
  }

  report(complete: boolean): ProbeReport {
    const leftOut = Object.entries(ASKED_BY_NAME).filter(([id]) => !this.#options.only?.includes(id));
    return {
      complete,
      found: this.#found,
      strangers: this.#strangers,
      asked: this.#asked,
      sentBytes: this.#sentBytes,
      heardBytes: this.#heardBytes,
      leftOut: Object.fromEntries(leftOut),
    };
  }

  async line(place: Exclude<ProbePlace, { kind: 'modbus-tcp' }>, planned: ProbeLine): Promise<void> {
    const { signal } = this.#options;
    const baud = place.kind === 'serial' ? planned.baud : undefined;
    const line = counted(place.open({ baud: planned.baud }), (bytes) => {
      this.#sentBytes += bytes;
    });
    line.onData((chunk) => {
      this.#heardBytes += chunk.length;
    });
    await line.open(signal);
    try {
      for (const id of planned.listen ?? []) if (!this.#enough) await this.#listen(id, line, baud);
      for (const step of planned.steps) if (!this.#enough) await this.#ask(step, line, baud);
      if (!planned.modbus || this.#enough) return;
      const timeoutMs = registerTimeoutMs(baud);
      const bus = modbusRtuExchange(lent(line), { gapMs: 50, timeoutMs, tries: 1 });
      await this.units(bus, this.#units(), baud).finally(() => bus.close());
    } finally {
      await line.close();
    }
  }

  async units(bus: RegisterExchange, units: readonly number[], baud: number | undefined): Promise<void> {
    const { signal, scan = false } = this.#options;
    for (const unit of units) {
      if (this.#enough) return;
      this.#tell(baud, `Modbus unit ${unit}`);
      const candidates = this.#candidates(unit, baud);
      const answer = await askUnit(bus, unit, { ...this.#options, signal, candidates, ...rate(baud) });
      if (answer === 'stranger') this.#strangers.push({ unit, ...rate(baud) });
      else if (answer !== 'nobody') this.#found.push(answer);
      if (this.done && !scan) return;
    }
  }

  /** Somebody sure was found, and nobody else is looked for. */
  get #enough(): boolean {
    this.#options.signal.throwIfAborted();
    return !(this.#options.scan ?? false) && this.#found.some(({ certainty }) => certainty === 'sure');
  }

  async #listen(id: string, line: ByteTransport, baud: number | undefined): Promise<void> {
    const driver = driverFor(id);
    if (driver.shape !== 'stream') return;
    this.#tell(baud, `listening for ${id}`, false);
    this.#keep(await hearDriver(driver, line, { ...this.#options, tries: 1 }), baud);
  }

  async #ask({ driver: id, wakes = false }: ProbeStep, line: ByteTransport, baud: number | undefined): Promise<void> {
    const driver = driverFor(id) as Driver & ExchangeDriver<Sample>;
    for (const address of this.#addresses(driver)) {
      this.#tell(baud, address === undefined ? id : `${id}, board ${address}`);
      this.#keep(await askDriver(driver, line, { ...this.#options, tries: wakes ? 2 : 1, ...at(address) }), baud);
      if (this.#enough) return;
    }
  }

  #addresses({ boards }: ExchangeDriver<Sample>): readonly (number | undefined)[] {
    if (boards === undefined || !(this.#options.scan ?? false)) return [undefined];
    const last = Math.min(boards.last, boards.first + SCANNED.last - SCANNED.first);
    return Array.from({ length: last - boards.first + 1 }, (_, index) => boards.first + index);
  }

  #units(): readonly number[] {
    const { units, scan = false } = this.#options;
    if (units !== undefined) return units.filter((unit) => unit >= 1 && unit <= 247);
    const range = Array.from({ length: SCANNED.last }, (_, index) => SCANNED.first + index);
    return scan ? [...new Set([...range, ...USUAL_UNITS])] : USUAL_UNITS;
  }

  /** Profiles of this rate and unit first; all others too, for both can be set. */
  #candidates(unit: number, baud: number | undefined): readonly RegisterCandidate[] {
    const { only, more = [] } = this.#options;
    return driverIds(more)
      .filter((id) => only?.includes(id) ?? true)
      .filter((id) => baud === undefined || !TCP_ONLY.test(id))
      .map((id) => driverFor(id, more))
      .filter((driver): driver is RegisterCandidate => driver.shape === 'registers')
      .toSorted((a, b) => strangeness(a, unit, baud) - strangeness(b, unit, baud));
  }

  #keep(found: Finding | undefined, baud: number | undefined): void {
    if (found !== undefined) this.#found.push({ ...found, ...rate(baud) });
  }

  #tell(baud: number | undefined, what: string, asks = true): void {
    if (asks) this.#asked += 1;
    this.#options.told?.(baud === undefined ? what : `${baud} baud, ${what}`);
  }
}

const strangeness = (driver: RegisterCandidate, unit: number, baud: number | undefined): number =>
  Number(driver.defaultUnit !== unit) + 2 * Number(baud !== undefined && driver.line.baud !== baud);

const rate = (baud: number | undefined): { baud?: number } => (baud === undefined ? {} : { baud });
const at = (address: number | undefined): { address?: number } => (address === undefined ? {} : { address });

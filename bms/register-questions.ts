import type { RegisterExchange } from '#bridge';
import type { Fields, RegisterBlock, RegisterDriver } from './drivers/driver.ts';
import type { Sample } from './model/sample.ts';
import type { Question } from './polled-device.ts';

/** Units as configured; absent ones are the driver's usual ones. */
export interface Units {
  readonly unit?: number;
  readonly units?: Readonly<Record<string, number>>;
}

/** How failures of a driver are put. */
export interface Telling {
  /** Throws a time-out with what the driver knows of silence, anything else as it is. */
  explain(error: unknown): never;
  /** The fields of a good block, or an error that says which was refused. */
  fieldsOf(result: ReturnType<RegisterBlock['decode']>, label: string): Fields;
}

/** The reads of a Modbus driver, bound to its bus. */
export function registerQuestions(
  driver: RegisterDriver<Sample>,
  bus: RegisterExchange,
  configured: Units,
  { explain, fieldsOf }: Telling,
): readonly Question[] {
  const own = configured.unit ?? driver.defaultUnit;
  const units = { ...driver.units, ...configured.units };
  const unitOf = ({ unit }: RegisterBlock): number => (unit === undefined ? own : (units[unit] ?? own));
  const discovery = new Discovery(driver, bus, own);
  return driver.reads.map((block) => ({
    name: block.name,
    cadence: block.cadence,
    optional: block.optional ?? false,
    async ask(signal, _, tries) {
      const found = await discovery.found(signal).catch(explain);
      const read = block.locate === undefined ? block.read : block.locate(found);
      if (read === undefined) return found;
      try {
        const words = await bus
          .read({ ...read, unit: unitOf(block), signal, ...(tries === undefined ? {} : { tries }) })
          .catch(explain);
        return { ...found, ...fieldsOf(block.decode(words), `${driver.id} ${block.name}`) };
      } catch (error) {
        // The map may be another one by now: it is walked again before the next read.
        discovery.forget();
        throw error;
      }
    },
  }));
}

/** Where the blocks of a device lie, found once for each connection. */
class Discovery {
  readonly #driver: RegisterDriver<Sample>;
  readonly #bus: RegisterExchange;
  readonly #unit: number;
  #known: { readonly reconnects: number; readonly found: Fields } | undefined;

  constructor(driver: RegisterDriver<Sample>, bus: RegisterExchange, unit: number) {
    this.#driver = driver;
    this.#bus = bus;
    this.#unit = unit;
  }

  async found(signal: AbortSignal): Promise<Fields> {
    const { discover } = this.#driver;
    if (discover === undefined) return NOTHING;
    const { reconnects } = this.#bus.stats;
    if (this.#known?.reconnects === reconnects) return this.#known.found;
    const found = await discover((read) => this.#bus.read({ ...read, unit: this.#unit, signal }));
    this.#known = { reconnects: this.#bus.stats.reconnects, found };
    return found;
  }

  forget(): void {
    this.#known = undefined;
  }
}

const NOTHING: Fields = {};

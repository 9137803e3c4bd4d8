import type { BridgeError } from '#bridge';
import { reservedW, toMilliwatts, withBudget } from '../rack/budget.ts';
import type { Admission, PortSample, SwitchSample } from '../rack/samples.ts';
import { type Clock, systemClock } from '../runtime/clock.ts';
import type { PoeSwitch } from '../shutdown/promises.ts';
import { known } from './figures.ts';
import { sum } from './rfc3621.ts';
import { type Failures, type PortNow, type SwitchingSite, switchPorts } from './switching.ts';

/** The shape of every driver whose ports are known by one name each. */

export interface ControlReading {
  readonly ports: readonly PortSample[];
  readonly budgetW?: number;
  /** As the switch itself says. */
  readonly drawnW?: number;
  /** Promised to classes, as the switch itself says. */
  readonly reservedW?: number;
  readonly guardW?: number;
  readonly admission?: Admission;
  /** Why a port must not be switched, by its name. */
  readonly refusals?: ReadonlyMap<string, string>;
}

export interface PortControl {
  /** For messages: `mikrotik:10.0.0.2`. */
  readonly name: string;
  /** Between two looks at a settling port, ms. */
  readonly lookEveryMs?: number;
  /** Rejects with a BridgeError. */
  read(signal?: AbortSignal): Promise<ControlReading>;
  /** The same for some ports, where that is cheaper. */
  readonly readSome?: (ports: readonly string[], signal?: AbortSignal) => Promise<ControlReading>;
  /**
   * Writes these ports and no other; resolves with what failed.
   * @param asSet by port, what its sample told as `asSet` before it was cut
   */
  write(
    ports: readonly string[],
    enabled: boolean,
    signal?: AbortSignal,
    asSet?: ReadonlyMap<string, string>,
  ): Promise<Failures>;
  /** Throws away what a session needs. */
  close(): Promise<void>;
}

export interface ControlledSwitch {
  readonly id: string;
  readonly budgetW?: number | undefined;
  readonly guardW?: number | undefined;
  readonly admission?: Admission | undefined;
  readonly settle: number;
  readonly protect: readonly string[];
}

export interface ControlClocks {
  /** Stamps samples. */
  readonly clock?: Clock;
  /** Waits between reads of a settling port: real time, whatever the stamps are. */
  readonly wire?: Clock;
}

const PORT_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/i;

/** A switch made of a driver's control. */
export function controlledSwitch(
  { id, budgetW, guardW, admission, settle, protect }: ControlledSwitch,
  control: PortControl,
  { clock = systemClock, wire = systemClock }: ControlClocks = {},
): PoeSwitch {
  let last: Promise<unknown> = Promise.resolve();
  // A session is logged into once, and settings that are read, changed and put back must not be so twice at a time.
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };
  const site = {
    name: control.name,
    protect,
    settleMs: settle * 1000,
    lookEveryMs: control.lookEveryMs,
    wire,
    form: 'expected its name, such as 7 or ether5',
    key: (name: string) => (PORT_NAME.test(name) ? name : undefined),
    look: async (ports: readonly string[], signal?: AbortSignal) =>
      portsNow(await inTurn(() => control.readSome?.(ports, signal) ?? control.read(signal))),
    noSuchPort: (port: string) => `switch ${id} has no PoE port ${port}`,
  };
  return {
    id,
    read: async (signal) => {
      const reading = await inTurn(() => control.read(signal));
      return controlSample({ ...reading, ...known({ budgetW, guardW, admission }) }, clock.wallMs());
    },
    setPorts: (ports, enabled, signal, asSet) => {
      const write: SwitchingSite['write'] = (keys, on, until) => inTurn(() => control.write(keys, on, until, asSet));
      return switchPorts({ ...site, write }, ports, enabled, signal);
    },
    close: () => control.close(),
  };
}

/**
 * A whole sample. The total is what the switch says, unless that is 0 while ports deliver; then what its ports add up
 * to, if each of them tells.
 */
export function controlSample({ ports, budgetW, drawnW, ...told }: ControlReading, measuredAtMs: number): SwitchSample {
  const delivering = ports.filter(({ state }) => state === 'delivering');
  const trusted = drawnW !== 0 || delivering.length === 0;
  const summable =
    ports.some(({ powerW }) => powerW !== undefined) && delivering.every(({ powerW }) => powerW !== undefined);
  const summed = summable ? toMilliwatts(sum(ports.map(({ powerW }) => powerW)) ?? 0) : undefined;
  const total = drawnW !== undefined && trusted ? drawnW : summed;
  const promisedW =
    told.reservedW ??
    (ports.some(({ state }) => state !== 'unknown')
      ? toMilliwatts(delivering.reduce((watts, port) => watts + reservedW(port), 0))
      : undefined);
  return withBudget({
    kind: 'switch',
    measuredAtMs,
    ...(budgetW === undefined ? {} : { budgetW }),
    ...(total === undefined ? {} : { drawnW: total }),
    ...known({ reservedW: promisedW, guardW: told.guardW, admission: told.admission }),
    totalTrusted: trusted,
    ports,
  });
}

function portsNow({ ports, refusals }: ControlReading): ReadonlyMap<string, PortNow> {
  return new Map(
    ports.map(({ port, enabled, state }) => {
      const refusal = refusals?.get(port);
      const now: PortNow = {
        state,
        ...(enabled === undefined ? {} : { enabled }),
        ...(refusal === undefined ? {} : { refusal }),
      };
      return [port, now];
    }),
  );
}

/** Writes ports one after the other; a failure that would meet all of them ends it. */
export async function oneByOne(
  ports: readonly string[],
  write: (port: string) => Promise<void>,
  failureOf: (error: unknown) => BridgeError,
): Promise<Failures> {
  const failures = new Map<string, BridgeError>();
  for (const port of ports) {
    try {
      await write(port);
    } catch (error) {
      const failure = failureOf(error);
      failures.set(port, failure);
      if (failure.code === 'refused' && failure.reason !== 'credentials' && failure.reason !== 'forbidden') continue;
      for (const other of ports.slice(ports.indexOf(port))) failures.set(other, failure);
      break;
    }
  }
  return failures;
}

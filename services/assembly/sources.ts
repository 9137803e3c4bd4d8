import { bindDevice, type Driver, driverFor, UnknownDriverError } from '#bms';
import type { MeterConfig, PackConfig, UpsConfig } from '../config/schema.ts';
import { HOST_PROBE_S } from '../rack/store.ts';
import type { Clock } from '../runtime/clock.ts';
import { UserError } from '../runtime/errors.ts';
import type { Source } from '../runtime/poller.ts';
import type { ClusterControl, HostControl, PoeSwitch } from '../shutdown/promises.ts';
import { boardOptionsOf } from './board-options.ts';
import type { Buses } from './buses.ts';
import { sensorSource } from './i2c.ts';

/** What is polled: each configured device as a source. */

/** Where the configuration lists what a driver measures. */
const LISTS = { pack: 'packs', meter: 'meters', ups: 'ups' } as const;

/** A UPS or an inverter that a driver of ours reads. */
export type UpsDeviceConfig = Extract<UpsConfig, { via: unknown }>;

/** A pack, a meter or a UPS through its driver and bus. `own`: drivers of the user's profiles. @throws UserError when the driver is unknown or measures something else */
export function deviceSource(
  kind: 'pack' | 'meter' | 'ups',
  config: PackConfig | MeterConfig | UpsDeviceConfig,
  buses: Buses,
  clock: Clock,
  wire: Clock,
  own: readonly Driver[] = [],
): Source<unknown> {
  const { via } = config;
  if ('mqtt' in via || 'http' in via) return buses.inputs.source(kind, { ...config, via }, clock, wire);
  const driver = lookUp(kind, config, own);
  if (driver.shape === 'i2c') return sensorSource(config as PackConfig, buses.i2c, clock, wire);
  const bus = buses.for(driver, via, `${kind} ${config.id}`);
  const device = bindDevice(driver, config.id, bus, {
    now: () => clock.wallMs(),
    mono: () => wire.monoMs(),
    shared: () => buses.isShared(bus),
    ...boardOptionsOf(config),
  });
  return { id: config.id, kind, everyMs: config.every * 1000, poll: (signal) => device.poll(signal) };
}

function lookUp(
  kind: 'pack' | 'meter' | 'ups',
  config: PackConfig | MeterConfig | UpsDeviceConfig,
  own: readonly Driver[],
): Driver {
  try {
    const driver = driverFor(config.driver, own);
    if (driver.measures === kind) return driver;
    throw new UserError(
      `${kind} ${config.id}: driver ${config.driver} reads a ${driver.measures}`,
      `list it under ${LISTS[driver.measures]}:`,
    );
  } catch (error) {
    if (error instanceof UnknownDriverError) throw new UserError(`${kind} ${config.id}: ${error.message}`);
    throw error;
  }
}

export function switchSource(poe: PoeSwitch, everyS: number): Source<unknown> {
  return { id: poe.id, kind: 'switch', everyMs: everyS * 1000, poll: (signal) => poe.read(signal) };
}

export function clusterSource(cluster: ClusterControl, everyS: number): Source<unknown> {
  return { id: 'cluster', kind: 'cluster', everyMs: everyS * 1000, poll: () => cluster.observe() };
}

/** Hosts are asked more often while they go down or come up. */
export function hostSource(host: HostControl, clock: Clock, hurried: () => boolean): Source<unknown> {
  return {
    id: host.id,
    kind: 'host',
    get everyMs() {
      return hurried() ? 1000 : HOST_PROBE_S * 1000;
    },
    poll: async (signal) => {
      const reachable = await host.reachable(signal);
      return { kind: 'host', measuredAtMs: clock.wallMs(), reachable };
    },
  };
}

import { type PlacedSensor, SensorPack, usualAddress } from '#bms';
import { type I2cExchange, i2cBusAt, i2cExchange } from '#bridge';
import { aloneSensor } from '../config/i2c.ts';
import type { PackConfig } from '../config/schema.ts';
import type { Clock } from '../runtime/clock.ts';
import { UserError } from '../runtime/errors.ts';
import type { Source } from '../runtime/poller.ts';

/** The I2C adapters in use, one exchange for each: packs and switches on one wire must not talk at the same time. */
export class I2cBuses {
  readonly #open = new Map<string, I2cExchange>();

  /** The bus at a path such as `/dev/i2c-1`; opened with its first conversation. */
  at(path: string): I2cExchange {
    const known = this.#open.get(path);
    if (known !== undefined) return known;
    const exchange = i2cExchange(i2cBusAt(path));
    this.#open.set(path, exchange);
    return exchange;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((exchange) => exchange.close()));
    this.#open.clear();
  }
}

/** A pack that chips on I2C watch. @throws UserError when it is on another kind of line, or nothing is known of its chips */
export function sensorSource(config: PackConfig, buses: I2cBuses, clock: Clock, wire: Clock): Source<unknown> {
  const { id, via, cells } = config;
  if (!('i2c' in via)) throw new UserError(`pack ${id}: driver ${config.driver} is on I2C`, 'via: { i2c: /dev/i2c-1 }');
  const pack = new SensorPack({
    id,
    cells,
    sensors: placed(config, via, buses),
    now: () => clock.wallMs(),
    mono: () => wire.monoMs(),
  });
  return { id, kind: 'pack', everyMs: config.every * 1000, poll: (signal) => pack.poll(signal) };
}

function placed(
  config: PackConfig,
  via: Extract<PackConfig['via'], { i2c: string }>,
  buses: I2cBuses,
): readonly PlacedSensor[] {
  const { sensors } = config;
  if (sensors !== undefined)
    return sensors.map(({ i2c = via.i2c, address, mux, ...sensor }) => ({
      sensor,
      bus: buses.at(i2c),
      place: { address: address ?? usualAddress(sensor.chip), mux },
    }));
  const alone = aloneSensor(config);
  if (alone === undefined) throw new UserError(`pack ${config.id} has no sensors`, 'add sensors: [{ chip: … }]');
  return [
    {
      sensor: alone,
      bus: buses.at(via.i2c),
      place: { address: via.address ?? usualAddress(alone.chip), mux: via.mux },
    },
  ];
}

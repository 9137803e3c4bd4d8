import type { BindOptions } from '#bms';
import type { MeterConfig, PackConfig } from '../config/schema.ts';
import type { UpsDeviceConfig } from './sources.ts';

/** How the board of a configured device differs from the driver's usual one. */
export function boardOptionsOf(config: PackConfig | MeterConfig | UpsDeviceConfig): Omit<BindOptions, 'now' | 'mono'> {
  const { via } = config;
  return {
    ...('unit' in via && via.unit !== undefined ? { unit: via.unit } : {}),
    ...('units' in via && via.units !== undefined ? { units: via.units } : {}),
    ...('address' in config && config.address !== undefined ? { address: config.address } : {}),
    ...('invertCurrent' in config && config.invertCurrent !== undefined ? { invertCurrent: config.invertCurrent } : {}),
    ...('readSettings' in config && config.readSettings === true ? { settings: true } : {}),
    ...('checksum' in config && config.checksum !== undefined ? { checksum: config.checksum } : {}),
    ...('hex' in config && config.hex !== undefined ? { hex: config.hex } : {}),
  };
}

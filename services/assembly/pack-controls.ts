import { bindControl, type Driver, driverFor, type PackControl } from '#bms';
import type { Config } from '../config/schema.ts';
import type { Buses } from './buses.ts';

/**
 * The switches of those packs whose configuration allows it (`control: { mosfets: true }`), over the buses that poll them.
 * @param own drivers of the user's profiles
 */
export function packControls(
  packs: Config['packs'],
  buses: Buses,
  own: readonly Driver[] = [],
): readonly PackControl[] {
  return packs.flatMap((pack) => {
    if (pack.control?.mosfets !== true) return [];
    const { via } = pack;
    if ('mqtt' in via || 'http' in via) return [];
    const driver = driverFor(pack.driver, own);
    const address = pack.address === undefined ? {} : { address: pack.address };
    return [bindControl(driver, pack.id, buses.for(driver, via, `pack ${pack.id}`), address)];
  });
}

import { bindControl, type Driver, driverFor, type PackControl } from '#bms';
import type { Config } from '../config/schema.ts';
import { boardOptionsOf } from './board-options.ts';
import type { Buses } from './buses.ts';

/**
 * The switches of those packs whose configuration allows some of them (`control`), over the buses that poll them. What it
 * does not allow is refused.
 * @param own drivers of the user's profiles
 */
export function packControls(
  packs: Config['packs'],
  buses: Buses,
  own: readonly Driver[] = [],
): readonly PackControl[] {
  return packs.flatMap((pack) => {
    const { via, control: allow } = pack;
    if (allow === undefined || !(allow.mosfets || allow.balancing)) return [];
    if ('mqtt' in via || 'http' in via) return [];
    const driver = driverFor(pack.driver, own);
    const { address, unit } = boardOptionsOf(pack);
    const board = { ...(address === undefined ? {} : { address }), ...(unit === undefined ? {} : { unit }) };
    return [bindControl(driver, pack.id, buses.for(driver, via, `pack ${pack.id}`), { ...board, allow })];
  });
}

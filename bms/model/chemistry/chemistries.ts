import type { Chemistry, ChemistryId } from './chemistry.ts';
import { lfp } from './lfp.ts';
import { lto } from './lto.ts';

const CHEMISTRIES: Readonly<Record<ChemistryId, Chemistry>> = { lifepo4: lfp, lto };

/** The chemistry by its word in the configuration. */
export function chemistryOf(id: ChemistryId): Chemistry {
  return CHEMISTRIES[id];
}

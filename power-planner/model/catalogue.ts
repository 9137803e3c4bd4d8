import { chemistryOf } from '#bms/model';
import catalogue from '../data/cells.json' with { type: 'json' };
import converters from '../data/converters.json' with { type: 'json' };
import type { OcvName } from './battery.ts';
import type { EfficiencyPoint } from './converter.ts';
import type { Candidate } from './sizing.ts';

interface CellRecord {
  readonly id: string;
  readonly chemistry: 'LFP' | 'LTO';
  readonly form: string;
  readonly ocv: OcvName;
  readonly capacity_ah: number;
  readonly r_dc_mohm: number | null;
  readonly cont_discharge_c: number;
  readonly cont_charge_c: number | null;
  readonly cycle_life: readonly CycleRecord[] | null;
  readonly mass_kg: number | null;
  readonly price_usd: readonly number[] | null;
  readonly unverified: readonly string[];
}

interface CycleRecord {
  readonly cycles: number;
  readonly dod: number;
  readonly temp_c: number;
  readonly end_soh: number;
}

// The JSON is data we ship; a test holds every record against this shape.
const RECORDS = catalogue.cells as unknown as readonly CellRecord[];

/**
 * Cells of the catalogue a pack can be built from: single cells with a resistance, a mass and a price (the middle of
 * its range). Charge and cut-off voltage are the defaults of the chemistry.
 */
export const CELLS: readonly Candidate[] = RECORDS.flatMap((cell) => {
  if (cell.form === 'battery' || cell.r_dc_mohm === null || cell.mass_kg === null || cell.price_usd === null) return [];
  const { chargeV, cutoffV } = chemistryOf(cell.chemistry === 'LFP' ? 'lifepo4' : 'lto').limits;
  const [low = 0, high = low] = cell.price_usd;
  return [
    {
      id: cell.id,
      cell: { ocv: cell.ocv, capacityAh: cell.capacity_ah, resistanceMohm: cell.r_dc_mohm },
      chargeV,
      cutoffV,
      dischargeC: cell.cont_discharge_c,
      chargeC: cell.cont_charge_c ?? undefined,
      priceUsd: (low + high) / 2,
      massKg: cell.mass_kg,
      cycles: cyclesTo80(cell.cycle_life ?? []),
      unverified: cell.unverified,
    },
  ];
});

/** At about room temperature, by depth. */
function cyclesTo80(records: readonly CycleRecord[]): Candidate['cycles'] {
  const found = records.filter(({ temp_c, end_soh }) => temp_c >= 20 && temp_c <= 30 && end_soh === 0.8);
  return found.length === 0 ? undefined : found.map(({ dod, cycles }) => [dod, cycles] as const);
}

/** Efficiency points of a converter by its id, e.g. `80plus-115v-gold`; undefined when there are none. */
export function converterPoints(id: string): readonly EfficiencyPoint[] | undefined {
  const found = converters.converters.find((one) => one.id === id);
  return found?.points.map(([load = 0, efficiency = 0]): EfficiencyPoint => [load, efficiency]);
}

import { type Chemistry, checkPack, defineChemistry, lfp, lto, ltoLmo, type PackSpec, type Points } from '#bms/model';
import {
  LFP_10C_OHM_AH,
  LFP_40C_OHM_AH,
  LFP_CHARGE_10C_OHM_AH,
  LFP_CHARGE_25C_OHM_AH,
  LFP_CHARGE_40C_OHM_AH,
  PRADA2013_OCV_V,
} from './battery-tables.ts';

/** Open-circuit curve by name: the chemistries of `bms/model`, and a slow LiFePO4 model cell to compare with. */
export type OcvName = 'lfp' | 'lto-nmc' | 'lto-lmo' | 'prada2013';
/** Resistance by charge at a temperature, divided by the cell's Ah. */
export type ResistanceTable = 'lfp-10c' | 'lfp-25c' | 'lfp-40c';

export interface PlannedCell {
  readonly ocv: OcvName;
  readonly capacityAh: number;
  /** Direct-current resistance over minutes; goes before a table. */
  readonly resistanceMohm?: number | undefined;
  readonly resistanceTable?: ResistanceTable | undefined;
}

/** A pack on paper. */
export interface PlannedPack {
  readonly cell: PlannedCell;
  readonly series: number;
  readonly parallel: number;
  /** Pack voltage under load where the discharge stops; the chemistry's default when absent. */
  readonly cutoffV?: number | undefined;
  /** Age and cold together, against new at 25 °C; 1 when absent. */
  readonly capacityFactor?: number | undefined;
  readonly resistanceFactor?: number | undefined;
  /** Wiring, fuse and BMS of the whole pack, ohm. */
  readonly extraResistanceOhm?: number | undefined;
}

/**
 * The pack as `bms/model` computes with it; `charge` takes the resistance LiFePO4 shows while it is charged.
 * @throws RangeError naming the figure that makes no sense.
 */
export function packSpecOf(planned: PlannedPack, way: 'discharge' | 'charge' = 'discharge'): PackSpec {
  const { cell, series, parallel, cutoffV, capacityFactor, resistanceFactor, extraResistanceOhm } = planned;
  if (!Number.isInteger(parallel) || parallel < 1) {
    throw new RangeError(`pack parallel is ${String(parallel)}: expected a whole number of strings`);
  }
  const spec: PackSpec = {
    chemistry: way === 'charge' ? chargingChemistry(cell) : chemistryFor(cell),
    cells: series,
    capacityAh: cell.capacityAh * parallel,
    ...(cell.resistanceMohm !== undefined && { resistanceOhm: ((cell.resistanceMohm / 1000) * series) / parallel }),
    ...(extraResistanceOhm !== undefined && { wiringOhm: extraResistanceOhm }),
    ...(cutoffV !== undefined && { cutoffCellV: cutoffV / series }),
    ...(capacityFactor !== undefined && { capacityRatio: capacityFactor }),
    ...(resistanceFactor !== undefined && { resistanceRatio: resistanceFactor }),
  };
  checkPack(spec);
  return spec;
}

const CURVES: Readonly<Record<OcvName, Chemistry>> = {
  lfp,
  'lto-nmc': lto,
  'lto-lmo': ltoLmo,
  prada2013: variant(lfp, { title: 'LiFePO4 (Prada 2013)', ocvV: PRADA2013_OCV_V }),
};

const TABLES: Readonly<Record<ResistanceTable, Points>> = {
  'lfp-10c': LFP_10C_OHM_AH,
  'lfp-25c': lfp.facts.resistanceOhmAh,
  'lfp-40c': LFP_40C_OHM_AH,
};

function chemistryFor({ ocv, resistanceTable }: PlannedCell): Chemistry {
  const chemistry = CURVES[ocv];
  if (resistanceTable === undefined) return chemistry;
  return variant(chemistry, { resistanceOhmAh: TABLES[resistanceTable] });
}

const CHARGE_TABLES: Readonly<Record<ResistanceTable, Points>> = {
  'lfp-10c': LFP_CHARGE_10C_OHM_AH,
  'lfp-25c': LFP_CHARGE_25C_OHM_AH,
  'lfp-40c': LFP_CHARGE_40C_OHM_AH,
};

function chargingChemistry({ ocv, resistanceTable }: PlannedCell): Chemistry {
  const chemistry = CURVES[ocv];
  if (resistanceTable === undefined && chemistry.facts.id !== 'lifepo4') return chemistry;
  return variant(chemistry, { resistanceOhmAh: CHARGE_TABLES[resistanceTable ?? 'lfp-25c'] });
}

function variant(chemistry: Chemistry, other: { title?: string; ocvV?: Points; resistanceOhmAh?: Points }): Chemistry {
  return defineChemistry({ ...chemistry.facts, ...other });
}

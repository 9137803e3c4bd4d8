import cells from '../data/cells.json' with { type: 'json' };
import converters from '../data/converters.json' with { type: 'json' };
import loads from '../data/loads.json' with { type: 'json' };

// What the catalogues say of one thing, with its source. The JSON is data we ship; tests hold it against these shapes.

export interface LoadRecord {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly idle_w: number | null;
  readonly typical_w: number | null;
  readonly max_w: number | null;
  readonly at: string;
  readonly source: string;
  readonly psu_w?: number;
  readonly poe_budget_w?: number;
  readonly poe_ports?: number;
  /** `"1-16": 30`: what each of these ports gives, W. */
  readonly port_max_w?: Readonly<Record<string, number>>;
  readonly total_max_w?: number;
}

export interface CellRecord {
  readonly id: string;
  readonly chemistry: 'LFP' | 'LTO';
  readonly ocv: 'lfp' | 'lto-nmc' | 'lto-lmo';
  readonly capacity_ah: number;
  readonly nominal_v: number;
  readonly r_dc_mohm: number | null;
  readonly cont_discharge_c: number;
  readonly cont_charge_c: number;
  readonly cycle_life?: readonly { readonly cycles: number; readonly dod: number; readonly temp_c: number }[];
  readonly charge_temp_c?: readonly number[];
  readonly discharge_temp_c?: readonly number[];
  readonly mass_kg: number | null;
  readonly price_usd: readonly number[] | null;
  readonly source: Readonly<Record<string, string>>;
  readonly unverified: readonly string[];
}

export interface ConverterRecord {
  readonly id: string;
  readonly kind: string;
  readonly points: readonly (readonly number[])[];
  readonly source: string;
}

const LOADS = loads.devices as unknown as readonly LoadRecord[];
const CELLS = cells.cells as unknown as readonly CellRecord[];
const CONVERTERS: readonly ConverterRecord[] = converters.converters;

export const LOAD_IDS: readonly string[] = LOADS.map(({ id }) => id);
/** Cells a pack can be built from: those whose resistance is known. */
export const CELL_IDS: readonly string[] = CELLS.filter(({ r_dc_mohm }) => r_dc_mohm !== null).map(({ id }) => id);
export const CONVERTER_IDS: readonly string[] = CONVERTERS.map(({ id }) => id);

export const loadRecord = (id: string): LoadRecord | undefined => LOADS.find((one) => one.id === id);
export const cellRecord = (id: string): CellRecord | undefined => CELLS.find((one) => one.id === id);
export const converterRecord = (id: string): ConverterRecord | undefined => CONVERTERS.find((one) => one.id === id);

/** A source that names nothing but memory could not be checked. */
export const isVerified = (source: string): boolean => !/memory|unverified|derived/.test(source);

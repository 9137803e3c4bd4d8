import type { CircuitLoad } from './circuit.ts';

export type PackChemistry = 'LFP' | 'LTO' | 'PbA';

/** What is known of a plan, by whoever asked; a warning speaks only of what is there. */
export interface Facts {
  // Mains
  readonly volts?: number | undefined;
  readonly breakerA?: number | undefined;
  /** 0.8 when absent. */
  readonly continuousFactor?: number | undefined;
  readonly loads?: readonly CircuitLoad[] | undefined;
  /** Of all loads but the charger, A. */
  readonly currentA?: number | undefined;
  /** What the charger takes from mains, A. */
  readonly chargerAcA?: number | undefined;
  /** Plug of the rack, e.g. `5-15P`, and what goes through it for hours, A (`currentA` when absent). */
  readonly plug?: string | undefined;
  readonly continuousA?: number | undefined;
  /** Voltage lost on the branch, as a share. */
  readonly dropRatio?: number | undefined;
  /** Sum of the inrush peaks of what is switched on together, A. */
  readonly inrushA?: number | undefined;

  // PoE and supplies
  /** Through one switch, and what it can give, W. */
  readonly poeTotalW?: number | undefined;
  readonly poeBudgetW?: number | undefined;
  readonly portW?: number | undefined;
  readonly portLimitW?: number | undefined;
  readonly portV?: number | undefined;
  readonly loopOhm?: number | undefined;
  readonly deviceW?: number | undefined;
  /** The pack feeds the PoE source without a converter. */
  readonly directFeed?: boolean | undefined;
  /** 1..4; 2 (802.3at, from 50 V) when absent. */
  readonly poeType?: number | undefined;
  readonly supplyW?: number | undefined;
  readonly supplyRatedW?: number | undefined;

  // Pack
  readonly chemistry?: PackChemistry | undefined;
  readonly temperatureC?: number | undefined;
  readonly charging?: boolean | undefined;
  /** Cell's own ranges, °C; the chemistry's when absent. */
  readonly chargeRangeC?: readonly [number, number] | undefined;
  readonly dischargeRangeC?: readonly [number, number] | undefined;
  readonly series?: number | undefined;
  readonly parallel?: number | undefined;
  /** Per cell, V. */
  readonly cellChargeV?: number | undefined;
  readonly cellCutoffV?: number | undefined;
  readonly cellBmsCutoffV?: number | undefined;
  /** Of the whole pack, V; before the figures per cell. */
  readonly fullV?: number | undefined;
  readonly cutoffV?: number | undefined;
  readonly bmsCutoffV?: number | undefined;
  readonly busMinV?: number | undefined;
  readonly busMaxV?: number | undefined;
  /** Of one cell, Ah. */
  readonly capacityAh?: number | undefined;
  /** What the cell takes for hours, 1/h. */
  readonly cellDischargeC?: number | undefined;
  readonly cellChargeC?: number | undefined;
  readonly bmsA?: number | undefined;
  /** Worst case of the whole pack, A; power / cut-off when absent. */
  readonly dischargeA?: number | undefined;
  readonly chargeA?: number | undefined;
  /** From the pack, W. */
  readonly powerW?: number | undefined;
  readonly openV?: number | undefined;
  readonly packOhm?: number | undefined;
  /** Some state of charge could not deliver the power. */
  readonly undeliverable?: boolean | undefined;
  /** Mean rate, 1/h, and whether the cell's figures cover it. */
  readonly rateC?: number | undefined;
  readonly rateIsMeasured?: boolean | undefined;

  // Time and life
  readonly hours?: number | undefined;
  readonly targetHours?: number | undefined;
  readonly reserveWh?: number | undefined;
  readonly energyWh?: number | undefined;
  readonly rechargeHours?: number | undefined;
  readonly standbySoc?: number | undefined;
  readonly yearsTo80?: number | undefined;
  readonly targetYears?: number | undefined;

  // Safety and data
  readonly fuse?: boolean | undefined;
  readonly fuseBreakingA?: number | undefined;
  /** Absent: open voltage / resistance. */
  readonly shortCircuitA?: number | undefined;
  readonly stringFuses?: boolean | undefined;
  readonly cellGrade?: string | undefined;
  readonly unverified?: readonly string[] | undefined;
  readonly extrapolated?: boolean | undefined;
  /** Inside a building; true when absent. */
  readonly indoors?: boolean | undefined;
  /** Rated energy of the pack, Wh. */
  readonly ratedWh?: number | undefined;
}

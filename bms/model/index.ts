export type { Alarm, AlarmCode, AlarmLevel } from './alarms.ts';
export { type BankFigure, type BankMember, bankFigure, bankUsableWh, reckonedOn } from './bank.ts';
export { chemistryOf } from './chemistry/chemistries.ts';
export {
  type CellLimits,
  type Chemistry,
  type ChemistryFacts,
  type ChemistryId,
  capacityFactor,
  chargeCurrentFactor,
  defineChemistry,
  ocvAt,
  socAtOcv,
} from './chemistry/chemistry.ts';
export { type Curve, curveOf, inverseAt, type Points, valueAt } from './chemistry/curve.ts';
export { lfp } from './chemistry/lfp.ts';
export { lto, ltoLmo } from './chemistry/lto.ts';
export { resistanceFactor } from './chemistry/temperature.ts';
export { modelAlarms, type Plausibility, plausible } from './limits.ts';
export { moduleAlarms, partOf, presentShare, remembered, type StringMemory } from './modules.ts';
export {
  checkPack,
  cutoffV,
  healthyAh,
  type PackDescription,
  type PackSpec,
  packOcvV,
  packOf,
  packResistanceOhm,
  worn,
} from './pack.ts';
export {
  type Discharge,
  type DischargeEnd,
  type Draw,
  deliverableEnergyWh,
  discharge,
  energyBetweenWh,
  runtimeS,
  stopSoc,
  terminalV,
} from './runtime.ts';
export type { BoardLimits, MeterSample, PackSample, Sample, UpsSample } from './sample.ts';
export { type AnchorKind, bmsSoc, type SocState, socStart, socStep } from './soc.ts';

export { type OcvName, type PlannedCell, type PlannedPack, packSpecOf, type ResistanceTable } from './model/battery.ts';
export { type EfficiencyPoint, fitLosses, inputPowerW, type LossFit } from './model/converter.ts';
export { type CapacityTable, type Derating, derate } from './model/derate.ts';
export { type Reserve, reserve, type ShutdownNeed, triggerSoc } from './model/reserve.ts';
export { type RuntimeAnswer, type RuntimeQuestion, runtimeHours } from './model/runtime.ts';
export { type ShedAnswer, type ShedStage, type ShedStageAnswer, shed } from './model/shed.ts';

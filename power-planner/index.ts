export type { Answer, Assumption, Finding } from './answers/answer.ts';
export { type BudgetAnswer, budgetOf } from './answers/budget.ts';
export type { Chain, Flow } from './answers/chain.ts';
export { type LifeAnswer, lifeOf } from './answers/life.ts';
export type { PackFigures } from './answers/pack.ts';
export { type RunAnswer, runtimeOf } from './answers/runtime.ts';
export { type PackOffer, type SizeAnswer, sizeOf } from './answers/size.ts';
export { runPlanner } from './cli/commands.ts';
export {
  type Advice,
  type Comparison,
  type ComparisonQuestion,
  compareOutage,
  type Deviation,
} from './compare/compare.ts';
export { type Estimate, type PackFit, TooLittleError } from './compare/fit-pack.ts';
export { type JournalOutage, journalOutages } from './compare/journal.ts';
export { type Reading, type Recording, RecordingError, readRecording } from './compare/recording.ts';
export { type OutageWindow, outageWindow } from './compare/window.ts';
export { type Evaluated, evaluateCase, evaluateLine, KIND_NAMES, type NotEvaluated } from './eval/evaluate.ts';
export { type OcvName, type PlannedCell, type PlannedPack, packSpecOf, type ResistanceTable } from './model/battery.ts';
export { CELLS, converterPoints } from './model/catalogue.ts';
export {
  assumedPowerFactor,
  breakerNote,
  type Charger,
  type Circuit,
  type CircuitBudget,
  type CircuitLoad,
  chargerHeadroom,
  circuitBudget,
  inrushLimitA,
  inrushPeakA,
  PLUGS,
  plugLimitA,
} from './model/circuit.ts';
export { type EfficiencyPoint, fitLosses, inputPowerW, type LossFit } from './model/converter.ts';
export { type CapacityTable, type Derating, derate } from './model/derate.ts';
export type { Facts } from './model/facts.ts';
export {
  agedResistanceFactor,
  CALENDAR_MODELS,
  type CalendarModel,
  calendarLoss,
  calendarLossOver,
  cycleLoss,
  datasheetCycles,
  LONGEST_YEARS,
  lifeYears,
} from './model/life.ts';
export { DEVICES, deviceTotals, type PoeRack, poeRackPower, stageInputW } from './model/load.ts';
export { cableLoopOhm, poeClass, poeLink, poeTotals, poeType } from './model/poe.ts';
export { type LoadProfile, type ProfileStep, peakWatts, stretchesOf } from './model/profile.ts';
export { type RechargeAnswer, type RechargeQuestion, recharge, rechargeWhPerDay } from './model/recharge.ts';
export { type Reserve, reserve, type ShutdownNeed, triggerSoc } from './model/reserve.ts';
export { type RuntimeAnswer, type RuntimeQuestion, runtimeHours } from './model/runtime.ts';
export {
  type RackStage,
  rackStages,
  type ShedAnswer,
  type ShedStage,
  type ShedStageAnswer,
  shed,
} from './model/shed.ts';
export {
  type Candidate,
  type Objective,
  type Refusal,
  type SizedPack,
  type SizingAnswer,
  type SizingCharge,
  type SizingLife,
  type SizingQuestion,
  sizePack,
} from './model/sizing.ts';
export { seriesWindow } from './model/strings.ts';
export {
  type Stretch,
  type Timeline,
  type TimelineOptions,
  type TimelinePoint,
  timeline,
} from './model/timeline.ts';
export { peukertHours, UPS_TABLES, type UpsPoint, upsMinutes } from './model/ups.ts';
export { WARNING_CODES, type WarningCode, warningsFor, warningText } from './model/warnings.ts';
export { MAX_BRANCH_DROP_RATIO, wireDrop } from './model/wire.ts';
export { type Report, reportOf } from './report/gather.ts';
export { reportHtml } from './report/html.ts';
export { reportMarkdown } from './report/markdown.ts';
export { type LoadedScenario, loadScenario } from './scenario/load.ts';
export { type Problem, showProblem } from './scenario/problems.ts';
export { type Scenario, scenarioSchema } from './scenario/schema.ts';

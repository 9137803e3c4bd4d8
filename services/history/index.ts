export { History, type HistoryOptions } from './history.ts';
export type { HealthPoint, Outage } from './records.ts';
export type { EnergyPeriod, PackHealth } from './summary.ts';

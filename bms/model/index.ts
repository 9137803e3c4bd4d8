export type { Alarm, AlarmCode, AlarmLevel } from './alarms.ts';
export type { MeterSample, PackSample, Sample } from './sample.ts';

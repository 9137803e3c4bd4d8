export type { Certainty } from './belief.ts';
export type { Finding, ProbeReport } from './finding.ts';
export { type I2cFinding, type I2cReport, probeI2c } from './i2c-probe.ts';
export { ASKED_BY_NAME } from './plan.ts';
export { type ProbeOptions, type ProbePlace, probe } from './probe.ts';

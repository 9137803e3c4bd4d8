export type { Certainty } from './belief.ts';
export type { Finding, ProbeReport } from './finding.ts';
export { ASKED_BY_NAME } from './plan.ts';
export { type ProbeOptions, type ProbePlace, probe } from './probe.ts';

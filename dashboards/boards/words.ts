import { present } from '../panels/query.ts';
import { type Step, stateWords } from '../panels/spec.ts';

/** Words, colors and factors that several boards share. */

/** J to Wh, C to Ah. */
export const PER_HOUR = 1 / 3600;
/** Grafana's times are ms. */
export const MS = 1000;

export const mainsWords = stateWords(present('mains_verdict'), { present: 'green', absent: 'red', unknown: 'orange' });

export const phaseWords = stateWords(present('shutdown_phase'), {
  mains: 'green',
  'on-battery': 'yellow',
  'shutting-down': 'orange',
  dark: 'gray',
  restoring: 'blue',
});

export const roleWords = stateWords(present('lease_role'), { unknown: 'orange', watching: 'blue', acting: 'green' });

export const stageWords = stateWords(present('stage_state'), {
  waiting: 'green',
  'going-down': 'orange',
  down: 'gray',
  'coming-back': 'blue',
});

export const hostWords = stateWords(present('host_phase'), {
  up: 'green',
  cordoned: 'yellow',
  drained: 'orange',
  halting: 'orange',
  halted: 'purple',
  cut: 'gray',
  powering: 'blue',
});

/** A ratio that should not be low: charge, health. */
export const charge: readonly Step[] = [
  { color: 'red' },
  { from: 0.2, color: 'orange' },
  { from: 0.4, color: 'green' },
];

/** A ratio that should not come near 1. */
export const use: readonly Step[] = [{ color: 'green' }, { from: 0.8, color: 'orange' }, { from: 0.95, color: 'red' }];

/** A number that should be 0. */
export const none: readonly Step[] = [{ color: 'green' }, { from: 1, color: 'red' }];

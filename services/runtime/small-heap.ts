import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const FLAGS = [
  '--semi-space-growth-factor=1',
  '--no-opt',
  '--no-maglev',
  '--optimize-for-size',
  '--heap-growing-percent=10',
];

/**
 * Trades peak speed for memory, once and before anything big is loaded. The service works a few milliseconds a second
 * on a board that may have 1 GB: a young generation that does not grow, no optimising compilers, and an old generation
 * that is collected when a tenth has been added to it (docs/performance.md). None of it depends on the processor.
 */
export function keepHeapSmall(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
}

/**
 * Gives back what only the start needed: the code of functions that ran once, and the room they took. What is still used
 * is compiled again when it is called. Blocks for a tenth of a second, once.
 */
export function forgetStart(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (how: { type: 'major'; flavor: 'last-resort' }) => void;
  setFlagsFromString('--no-expose-gc');
  setFlagsFromString('--stress-flush-code');
  collect({ type: 'major', flavor: 'last-resort' });
  setFlagsFromString('--no-stress-flush-code');
}

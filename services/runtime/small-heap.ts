import { setFlagsFromString } from 'node:v8';

/**
 * Trades peak speed for memory, once and before anything big is loaded. The service works a few milliseconds a second
 * on a board that may have 1 GB: a young generation that does not grow and no optimising compilers save about 75 MiB and
 * cost no measurable processor time at rest (docs/performance.md).
 */
export function keepHeapSmall(): void {
  for (const flag of ['--semi-space-growth-factor=1', '--no-opt', '--no-maglev']) setFlagsFromString(flag);
}

import { expect, it } from 'vitest';
import { rightsWatch } from '../../../services/assembly/rights.ts';
import type { Clock } from '../../../services/runtime/clock.ts';
import type { Log } from '../../../services/runtime/log.ts';

/** A clock whose sleeps end at once, written down; the last one is as long as the test. */
function naps(count: number): { readonly clock: Clock; readonly slept: number[]; readonly over: Promise<void> } {
  const slept: number[] = [];
  let end = (): void => undefined;
  const over = new Promise<void>((resolve) => {
    end = resolve;
  });
  const sleep = (ms: number, signal?: AbortSignal): Promise<void> => {
    slept.push(ms);
    if (slept.length < count) return Promise.resolve();
    end();
    return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  };
  return { clock: { wallMs: () => 0, monoMs: () => 0, sleep }, slept, over };
}

it('asks daily, sooner after a failure, and says what is missing every time', async () => {
  const said: string[] = [];
  const note = (level: string) => (_: unknown, text: string) => said.push(`${level} ${text}`);
  const log = { error: note('error'), warn: note('warn') } as unknown as Log;
  const answers = [
    () => Promise.resolve(['patch nodes (nodes cannot be cordoned)', 'delete pods (optional: no override)']),
    () => Promise.reject(new Error('away')),
    () => Promise.resolve([]),
  ];
  const { clock, slept, over } = naps(3);
  const watch = rightsWatch({ missingRights: () => answers.shift()?.() ?? Promise.resolve([]) }, clock, log);
  await watch.start();
  await over;
  await watch.stop();
  expect(said).toEqual([
    'error patch nodes (nodes cannot be cordoned)',
    'warn delete pods (optional: no override)',
    'warn rights in the cluster could not be checked',
  ]);
  expect(slept).toEqual([86_400_000, 600_000, 86_400_000]);
});

it('does nothing without a cluster', async () => {
  const { clock, slept } = naps(1);
  const watch = rightsWatch(undefined, clock, {} as Log);
  await watch.start();
  await watch.stop();
  expect(slept).toEqual([]);
});

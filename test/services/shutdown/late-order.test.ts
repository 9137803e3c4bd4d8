import { expect, it } from 'vitest';
import { Bench } from './bench.ts';

it('takes down in the dark who is no longer left alone, also when its stage had not begun', () => {
  const bench = new Bench({ stages: { batch: { afterS: 5 }, workers: { afterS: 6 } } });
  bench.loseMains();
  for (const host of ['cp1', 'cp2']) bench.command({ kind: 'skip', host });
  const obey = (seconds: number): void => {
    for (let second = 0; second < seconds; second += 1) {
      for (const kind of ['cordon', 'drain', 'cut'] as const) bench.answer(kind);
      for (const { host } of bench.flying('halt')) bench.rack.asleep(host);
      bench.answer('halt');
      bench.pass();
    }
  };
  obey(60);
  expect(bench.state.phase).toBe('dark');
  bench.command({ kind: 'unskip', host: 'cp1' });
  obey(30);
  expect(bench.host('cp1')).toMatchObject({ phase: 'cut', forced: false });
  expect(bench.host('cp2')).toMatchObject({ phase: 'up', skipped: true });
  expect(bench.effects.filter(({ kind }) => kind === 'drain').at(-1)).toMatchObject({ stage: 'control-plane' });
});

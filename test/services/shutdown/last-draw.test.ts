import { expect, it } from 'vitest';
import { Bench } from './bench.ts';

/** Halting, off the network, and its switch falls silent at the end of `seconds`. */
function silentAfter(seconds: number): Bench {
  const bench = new Bench();
  bench.loseMains();
  bench.runShort();
  bench.answer('cordon');
  bench.answer('drain');
  bench.pass();
  bench.answer('halt');
  bench.rack.host('b1').reachable = false;
  for (let second = 0; second < seconds; second += 1) {
    // Off for a moment, and booting since.
    bench.rack.host('b1').powerW = second < 2 ? 1 : 7;
    bench.pass();
  }
  bench.rack.readAtMs = bench.rack.nowMs;
  bench.rack.switchFreshness = 'stale';
  return bench;
}

it('counts the silence of a machine from the last moment its port was seen to feed it', () => {
  const bench = silentAfter(15);
  bench.pass(15);
  expect(bench.host('b1').phase).toBe('halting');
  bench.pass(10);
  expect(bench.host('b1').phase).toBe('halted');
});

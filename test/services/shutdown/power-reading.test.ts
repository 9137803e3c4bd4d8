import { describe, expect, it } from 'vitest';
import { Bench } from './bench.ts';

/** Dark, mains back, the first group switched on, and the switch's answer to that just in. */
function switchedOn(): { bench: Bench; host: string } {
  const bench = new Bench();
  bench.goDark();
  bench.recharge();
  for (let second = 0; second < 120 && bench.flying('power').length === 0; second += 1) bench.pass();
  const host = bench.flying('power')[0]?.targets[0]?.host ?? '';
  bench.rack.readAtMs = bench.rack.nowMs;
  bench.rack.nowMs += 1000;
  bench.answer('power');
  return { bench, host };
}

const powersOf = (bench: Bench, host: string): number =>
  bench.effects.filter((effect) => effect.kind === 'power' && effect.targets.some((each) => each.host === host)).length;

/** A reading of the switch comes in, and nothing else for a while. */
function read(bench: Bench, enabled: boolean, host: string): void {
  Object.assign(bench.rack.host(host), { enabled, portState: enabled ? 'searching' : 'disabled' });
  bench.rack.readAtMs = bench.rack.nowMs + 1000;
  bench.pass(3);
}

describe('the port of a host that was switched on', () => {
  it('is not switched on again because of a reading that was under way meanwhile', () => {
    const { bench, host } = switchedOn();
    expect(host).not.toBe('');
    read(bench, false, host);
    expect(powersOf(bench, host)).toBe(1);
    read(bench, true, host);
    expect(powersOf(bench, host)).toBe(1);
  });

  it('is switched on again when a reading that began afterwards says that it is off', () => {
    const { bench, host } = switchedOn();
    read(bench, false, host);
    read(bench, false, host);
    expect(powersOf(bench, host)).toBe(2);
  });
});

import { describe, expect, it } from 'vitest';
import type { OutcomeCode } from '../../../services/shutdown/promises.ts';
import { Bench } from './bench.ts';

/**
 * Mains is back while a halt was sent and nobody has said yes to it. No answer proves that it was not obeyed: connections
 * drop because the machine goes down, a script can fail after its poweroff, a Proxmox host refuses when its guests are
 * down already, and the life before this one may have sent another. So the machine is waited for, and only what it then
 * does tells.
 */
function halting(code: OutcomeCode): Bench {
  const bench = new Bench();
  bench.loseMains();
  bench.runShort();
  bench.answer('cordon');
  bench.answer('drain');
  bench.pass();
  expect(bench.all('halting', ['b1', 'b2'])).toBe(true);
  bench.answer('halt', code);
  bench.recharge();
  return bench;
}

describe.each<OutcomeCode>(['refused', 'unreachable', 'timeout'])('a halt that was answered with %s', (code) => {
  it('is not called off when mains is back: the machine may go down all the same', () => {
    const bench = halting(code);
    for (let second = 0; second < 40; second += 1) {
      bench.answer('halt', code);
      bench.pass();
    }
    expect(bench.host('b1')).toMatchObject({ phase: 'halting', cordonedByUs: true });
    for (const id of Object.keys(bench.state.hosts)) bench.rack.asleep(id);
    bench.pass(5);
    for (const { targets } of bench.flying('cut'))
      for (const { host } of targets) Object.assign(bench.rack.host(host), { enabled: false, portState: 'disabled' });
    bench.answer('cut');
    bench.pass(2);
    bench.answer('uncordon');
    bench.pass(60);
    // Called off it would have stayed dark: nothing starts what counts as up.
    expect(bench.effects.filter(({ kind }) => kind === 'power')).not.toEqual([]);
  });

  it('is sent again: half a halt is neither up nor off', () => {
    const bench = halting(code);
    const sent = bench.effects.filter(({ kind }) => kind === 'halt').length;
    bench.answer('halt', code);
    bench.pass(40);
    expect(bench.effects.filter(({ kind }) => kind === 'halt').length).toBeGreaterThan(sent);
  });

  it('keeps its power when it is seen to run at its deadline', () => {
    const bench = halting(code);
    for (let second = 0; second < 80; second += 1) {
      bench.answer('halt', code);
      bench.pass();
    }
    expect(bench.effects.filter(({ kind }) => kind === 'cut' || kind === 'power')).toEqual([]);
    expect(bench.host('b1').phase).toBe('powering');
    for (const id of Object.keys(bench.state.hosts))
      bench.rack.host(id).heartbeatAtMs = bench.rack.nowMs + bench.rack.wallOffsetMs;
    bench.pass(2);
    bench.answer('uncordon');
    bench.pass(2);
    expect(bench.all('up')).toBe(true);
  });
});

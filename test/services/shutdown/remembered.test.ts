import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../../services/shutdown/state.ts';
import { emptyWatch } from '../../../services/shutdown/turn.ts';
import { Bench } from './bench.ts';

/** Another node began the outage and had switched off this much when it died; its last words told of nothing yet. */
function takenOver(entries: readonly JournalEntry[]): Bench {
  const bench = new Bench();
  bench.loseMains();
  for (const entry of entries) bench.note(entry);
  bench.pass(5);
  bench.watch = emptyWatch;
  for (const id of ['cp1', 'cp2']) {
    bench.rack.asleep(id);
    Object.assign(bench.rack.host(id), { enabled: false, portState: 'disabled', powerW: 0 });
  }
  bench.pass();
  bench.runShort();
  return bench;
}

describe('who takes over in the middle of an outage', () => {
  it('takes a port that is off for one the other node has switched off, and so brings it back', () => {
    const bench = takenOver([{ kind: 'lease', epoch: 2, acting: true }]);
    expect(bench.host('cp1')).toMatchObject({ drawBeforeW: 10, portBefore: { enabled: true } });
    expect(bench.host('b1')).toMatchObject({ drawBeforeW: 7, portBefore: { enabled: true } });
  });

  it('knows it was off before where there is one node only', () => {
    const bench = takenOver([]);
    expect(bench.host('cp1')).toMatchObject({ portBefore: { enabled: false } });
  });
});

describe('a switch that has fallen silent', () => {
  const shortWith = (readAtMs: (nowMs: number) => number): Bench => {
    const bench = new Bench();
    bench.pass(20);
    bench.rack.readAtMs = readAtMs(bench.host('b1').sinceMs);
    bench.rack.switchFreshness = 'stale';
    Object.assign(bench.rack.host('b1'), { enabled: false, portState: 'disabled', powerW: 0 });
    bench.loseMains();
    bench.runShort();
    return bench;
  };

  it('shows of a host that came up since what we had done to its port, and not how it was before', () => {
    const bench = shortWith((upMs) => upMs - 5000);
    expect(bench.host('b1')).toMatchObject({ drawBeforeW: 10, portBefore: { enabled: true } });
  });

  it('still tells how a port was that nobody has touched', () => {
    const bench = shortWith((upMs) => upMs + 5000);
    expect(bench.host('b1')).toMatchObject({ portBefore: { enabled: false } });
  });
});

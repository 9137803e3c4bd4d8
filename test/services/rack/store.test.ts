import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MeterSample, PackSample } from '#bms/model';
import { RackStore, type SocNote } from '../../../services/rack/store.ts';
import { configOf, sound } from '../config/sound-config.ts';
import { PlayedClock } from '../runtime/played-clock.ts';

/** 16 cells of 100 Ah, resting at 3.3 V each. */
const packSample = (more: Partial<PackSample> = {}): PackSample => ({
  kind: 'pack',
  measuredAtMs: 0,
  voltageV: 52.8,
  currentA: -10,
  socRatio: 0.6,
  cellsV: Array.from({ length: 16 }, () => 3.3),
  ...more,
});
const meterSample = (more: Partial<MeterSample> = {}): MeterSample => ({
  kind: 'meter',
  measuredAtMs: 0,
  voltageV: 110,
  currentA: 3,
  powerW: 300,
  ...more,
});

function bench(notes: Record<string, SocNote> = {}, config: object = { ...sound(), packs: sound().packs.slice(0, 1) }) {
  const clock = new PlayedClock();
  clock.nowMs = 100_000;
  const store = new RackStore(configOf(config), clock, notes);
  /** Feeds samples at once, then lets time pass. */
  const feed = (seconds: number, pack: Partial<PackSample> | undefined, meter?: Partial<MeterSample>): void => {
    for (let second = 0; second < seconds; second += 1) {
      clock.nowMs += 1000;
      if (pack !== undefined) store.sampled('pack', 'lfp1', packSample(pack));
      if (meter !== undefined) store.sampled('meter', 'sdm1', meterSample(meter));
      store.snapshot();
    }
  };
  return { clock, store, feed };
}

const twoPacks = (): object => sound();

describe('before anything was heard', () => {
  it('nothing is known, nothing is zero, and nobody is alarmed', () => {
    const rack = bench().store.snapshot();
    expect(rack.bank).toEqual({ complete: false, freshness: 'absent' });
    expect(rack.packs).toEqual({ lfp1: { freshness: 'absent' } });
    expect(rack.mains.verdict).toBe('unknown');
    expect(rack.circuit).toEqual({ limitA: 16, meters: ['sdm1'], freshness: 'absent' });
    expect(rack.alarms).toEqual([]);
  });

  it('a cluster is there only when one is configured', () => {
    expect(bench().store.snapshot()).toHaveProperty('cluster');
    expect(bench({}, { packs: [] }).store.snapshot()).not.toHaveProperty('cluster');
  });
});

describe('samples', () => {
  it('of every kind come out as they went in, with their age', () => {
    const { store, clock } = bench();
    const samples = {
      pack: packSample(),
      meter: meterSample(),
      switch: { kind: 'switch', measuredAtMs: 0, totalTrusted: true, ports: [] },
      host: { kind: 'host', measuredAtMs: 0, reachable: true },
      cluster: { kind: 'cluster', measuredAtMs: 0, serverNowMs: 0, nodes: [] },
    } as const;
    expect(store.sampled('pack', 'lfp1', samples.pack)).toBeUndefined();
    store.sampled('meter', 'sdm1', samples.meter);
    store.sampled('switch', 'sw1', samples.switch);
    store.sampled('host', 'pi1', samples.host);
    store.sampled('cluster', 'cluster', samples.cluster);
    clock.nowMs += 700;
    const rack = store.snapshot();
    for (const [observed, sample] of [
      [rack.packs.lfp1, samples.pack],
      [rack.meters.sdm1, samples.meter],
      [rack.switches.sw1, samples.switch],
      [rack.hosts.pi1, samples.host],
      [rack.cluster, samples.cluster],
    ])
      expect(observed).toEqual({ sample, receivedAtMs: 100_000, ageMs: 700, freshness: 'fresh' });
  });

  it('grow stale by the interval of their source', () => {
    const { store, clock } = bench();
    store.sampled('pack', 'lfp1', packSample());
    store.sampled('host', 'pi1', { kind: 'host', measuredAtMs: 0, reachable: true });
    clock.nowMs += 3001;
    expect(store.snapshot().packs.lfp1?.freshness).toBe('stale');
    expect(store.snapshot().hosts.pi1?.freshness).toBe('fresh');
    clock.nowMs += 12_000;
    expect(store.snapshot().hosts.pi1?.freshness).toBe('stale');
  });

  it.each([
    ['a voltage of another pack', { voltageV: 12.8, cellsV: [3.2, 3.2, 3.2, 3.2] }],
    ['a current that would melt it', { currentA: 50_000 }],
    ['a cell that no chemistry has', { cellsV: Array.from({ length: 16 }, () => 33) }],
  ])('that such a pack cannot have said are refused and counted: %s', (_, lie) => {
    const { store, clock } = bench();
    store.sampled('pack', 'lfp1', packSample());
    const before = store.socNotes();
    clock.nowMs += 1000;
    expect(store.sampled('pack', 'lfp1', packSample(lie))).toMatchObject({ code: 'implausible' });
    const { packs } = store.snapshot();
    // The last good one stays, with its true age.
    expect(packs.lfp1).toMatchObject({ sample: packSample(), ageMs: 1000, failure: { code: 'implausible' } });
    expect(store.socNotes().lfp1?.soc).toEqual(before.lfp1?.soc);
    const health = store.health().find(({ device }) => device === 'lfp1');
    expect(health).toMatchObject({ up: false, polls: 2, failures: { implausible: 1 } });
  });

  it('tell the health of every device there is', () => {
    const { store } = bench();
    store.failed('meter', 'sdm1', { code: 'timeout', message: 'no answer' });
    const kinds = store.health().map(({ kind, device }) => `${kind} ${device}`);
    expect(kinds).toEqual(
      expect.arrayContaining(['pack lfp1', 'meter sdm1', 'switch sw1', 'host pi1', 'cluster cluster']),
    );
    expect(store.snapshot().meters.sdm1).toMatchObject({ freshness: 'absent', failure: { code: 'timeout' } });
    expect(store.snapshot().alarms.map(({ code }) => code)).toEqual(['meter-absent']);
  });

  it('never throw, whatever the numbers are', () => {
    const number = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, 0, -0, 1e308));
    const lie = fc.record(
      {
        voltageV: number,
        currentA: number,
        powerW: number,
        socRatio: number,
        cellsV: fc.array(number, { maxLength: 20 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(lie, fc.integer({ min: 0, max: 100_000 })), { maxLength: 12 }), (lies) => {
        const { store, clock } = bench();
        for (const [each, afterMs] of lies) {
          clock.nowMs += afterMs;
          store.sampled('pack', 'lfp1', { kind: 'pack', measuredAtMs: 0, ...(each as Partial<PackSample>) });
          const { bank } = store.snapshot();
          for (const figure of [bank.socRatio, bank.usableWh, bank.usableLowWh, bank.fullWh])
            if (figure !== undefined) expect(figure).toBeGreaterThanOrEqual(0);
          if (bank.socRatio !== undefined) expect(bank.socRatio).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

describe('the bank', () => {
  it('has our own figures of the energy', () => {
    const { store, feed } = bench();
    feed(3, {});
    const { bank } = store.snapshot();
    expect(bank).toMatchObject({ complete: true, freshness: 'fresh', measuredAtMs: 103_000 });
    expect(bank.currentA).toBeCloseTo(-10, 6);
    expect(bank.powerW).toBeCloseTo(-528, 6);
    expect(bank.usableLowWh ?? Number.NaN).toBeLessThanOrEqual(bank.usableWh ?? Number.NaN);
    expect(bank.usableWh ?? Number.NaN).toBeLessThan(bank.fullWh ?? Number.NaN);
    expect(bank.fullWh).toBeGreaterThan(4500);
  });

  it('counts down what flows: a tenth of an hour at 10 A is a hundredth of 100 Ah', () => {
    const { store, feed } = bench();
    feed(1, {});
    const before = store.snapshot().bank.socRatio ?? Number.NaN;
    feed(360, {});
    expect(before - (store.snapshot().bank.socRatio ?? Number.NaN)).toBeCloseTo(0.01, 3);
  });

  it('that falls silent keeps its last energy and says nothing of what flows', () => {
    const { store, clock, feed } = bench();
    feed(3, {});
    const before = store.snapshot().bank;
    clock.nowMs += 60_000;
    const { bank } = store.snapshot();
    expect(bank).toMatchObject({
      complete: false,
      freshness: 'stale',
      measuredAtMs: 103_000,
      usableWh: before.usableWh,
      usableLowWh: before.usableLowWh,
      socRatio: before.socRatio,
      fullWh: before.fullWh,
    });
    for (const key of ['currentA', 'powerW', 'voltageV', 'runtimeS']) expect(bank).not.toHaveProperty(key);
    feed(1, {});
    expect(store.snapshot().bank).toMatchObject({ complete: true, freshness: 'fresh', measuredAtMs: 164_000 });
  });

  it('tells our own count of each pack that is heard, which need not be what its BMS says', () => {
    const { store, clock } = bench({}, twoPacks());
    store.sampled('pack', 'lfp1', packSample({ currentA: -20, socRatio: 0.9 }));
    store.sampled('pack', 'lfp2', packSample({ currentA: -20, socRatio: 0.3 }));
    const both = store.snapshot().bank;
    expect(Object.keys(both.packs ?? {})).toEqual(['lfp1', 'lfp2']);
    expect(both.packs?.lfp1?.socRatio).toBeGreaterThan((both.packs?.lfp2?.socRatio ?? 1) + 0.3);
    expect(both.packs?.lfp1?.socSigma).toBeGreaterThan(0);
    clock.nowMs += 60_000;
    store.sampled('pack', 'lfp2', packSample({ currentA: -20, socRatio: 0.3 }));
    expect(Object.keys(store.snapshot().bank.packs ?? {})).toEqual(['lfp2']);
  });

  it.each([
    ['tells less than is configured', 0.8, 0.8],
    ['tells nothing', undefined, 1],
    ['tells what cannot be', 0.02, 1],
  ] as const)('counts on the health of a pack whose BMS %s', (_, sohRatio, share) => {
    const usable = (health: number | undefined): number => {
      const { store } = bench();
      store.sampled('pack', 'lfp1', packSample(health === undefined ? {} : { sohRatio: health }));
      return store.snapshot().bank.usableWh ?? 0;
    };
    expect(usable(sohRatio) / usable(undefined)).toBeCloseTo(share, 1);
    const { store } = bench();
    store.sampled('pack', 'lfp1', packSample(sohRatio === undefined ? {} : { sohRatio }));
    const whole = bench();
    whole.store.sampled('pack', 'lfp1', packSample());
    const ah = (of: typeof store): number => of.snapshot().bank.packs?.lfp1?.capacityAh ?? 0;
    expect(ah(store) / ah(whole.store)).toBeCloseTo(share, 6);
    expect(store.snapshot().bank.fullWh).toBe(whole.store.snapshot().bank.fullWh);
  });

  it('of two packs has the energy of both, and says when one is missing', () => {
    const { store, clock } = bench({}, twoPacks());
    store.sampled('pack', 'lfp1', packSample());
    const one = store.snapshot().bank;
    expect(one).toMatchObject({ complete: false, freshness: 'fresh' });
    store.sampled('pack', 'lfp2', packSample({ currentA: -20 }));
    const both = store.snapshot().bank;
    expect(both.complete).toBe(true);
    expect(both.currentA).toBeCloseTo(-30, 6);
    expect(both.usableWh ?? 0).toBeGreaterThan((one.usableWh ?? 0) * 1.5);
    clock.nowMs += 4000;
    store.sampled('pack', 'lfp2', packSample({ currentA: -20 }));
    const { bank } = store.snapshot();
    expect(bank).toMatchObject({ complete: false, freshness: 'fresh', measuredAtMs: 104_000 });
  });

  it('goes on with a pack that fell silent the way the others go, cautiously, and for two hours at most', () => {
    const { store, clock } = bench({}, twoPacks());
    const both = (): void => {
      store.sampled('pack', 'lfp1', packSample({ currentA: -20 }));
      store.sampled('pack', 'lfp2', packSample({ currentA: -20 }));
    };
    both();
    const before = store.snapshot().bank;
    const alone = (seconds: number): void => {
      for (let second = 0; second < seconds; second += 1) {
        clock.nowMs += 1000;
        store.sampled('pack', 'lfp2', packSample({ currentA: -20 }));
        store.snapshot();
      }
    };
    alone(10);
    const silent = store.snapshot().bank;
    // A cable came loose: nothing was lost, and the load is what both carry.
    expect(silent).toMatchObject({ complete: false, reckoned: ['lfp1'] });
    expect(silent.currentA).toBeCloseTo(-40, 6);
    expect(silent.usableWh).toBeGreaterThan((before.usableWh ?? 0) * 0.97);
    expect(silent.usableLowWh ?? 0).toBeLessThan(before.usableLowWh ?? 0);
    alone(360);
    const later = store.snapshot().bank;
    expect((silent.socRatio ?? 0) - (later.socRatio ?? 0)).toBeGreaterThan(0.02 * 1.05);
    expect(later.socSigma ?? 0).toBeGreaterThan(silent.socSigma ?? 1);
    both();
    expect(store.snapshot().bank.reckoned).toBeUndefined();
    clock.nowMs += 7_300_000;
    store.sampled('pack', 'lfp2', packSample({ currentA: -20 }));
    const gone = store.snapshot().bank;
    expect(gone.reckoned).toBeUndefined();
    expect(gone.currentA).toBeCloseTo(-20, 6);
  });

  it('does not reckon on a pack whose switch was open when it was last heard', () => {
    const { store, clock } = bench({}, twoPacks());
    store.sampled('pack', 'lfp1', packSample({ currentA: 0, dischargeFetClosed: false }));
    store.sampled('pack', 'lfp2', packSample({ currentA: -20 }));
    const before = store.snapshot().bank;
    clock.nowMs += 10_000;
    store.sampled('pack', 'lfp2', packSample({ currentA: -20 }));
    const { bank } = store.snapshot();
    expect(bank.currentA).toBeCloseTo(-20, 6);
    expect(bank.usableWh ?? 0).toBeLessThanOrEqual(before.usableWh ?? 0);
  });
});

describe('a string of parallel modules', () => {
  const missing = (store: RackStore) => store.snapshot().alarms.filter(({ code }) => code === 'modules-missing');
  const usable = (store: RackStore) => store.snapshot().bank.usableWh ?? Number.NaN;

  it('that loses one is warned of, and only what still answers is counted on', () => {
    const { store, feed } = bench();
    feed(2, { parallelModules: 3, currentA: 0 });
    const [whole, { fullWh }] = [usable(store), store.snapshot().bank];
    expect(missing(store)).toEqual([]);
    feed(1, { parallelModules: 2, currentA: 0 });
    expect(missing(store)).toMatchObject([{ subject: 'lfp1', severity: 'warning' }]);
    expect(missing(store)[0]?.message).toContain('2 of 3 modules answer');
    expect(usable(store) / whole).toBeCloseTo(2 / 3, 2);
    expect(store.snapshot().bank.fullWh).toBe(fullWh);
    feed(1, { parallelModules: 3, currentA: 0 });
    expect(missing(store)).toEqual([]);
    expect(usable(store) / whole).toBeCloseTo(1, 2);
  });

  it('is remembered over a restart, and anew for another configured capacity', () => {
    const { store, feed } = bench();
    feed(2, { parallelModules: 3 });
    const notes = JSON.parse(JSON.stringify(store.socNotes()));
    const again = bench(notes);
    again.feed(1, { parallelModules: 2 });
    expect(missing(again.store)).toHaveLength(1);
    const packs = sound().packs.slice(0, 1);
    const smaller = bench(notes, { ...sound(), packs: packs.map((pack) => ({ ...pack, capacityAh: 66 })) });
    smaller.feed(1, { parallelModules: 2 });
    expect(missing(smaller.store)).toEqual([]);
  });
});

describe('the count of charge over a restart', () => {
  it('goes on from the note, and counts what flowed in between', () => {
    const first = bench();
    first.feed(600, { currentA: -10 });
    const notes = first.store.socNotes();
    expect(notes.lfp1?.wallMs).toBe(first.clock.wallMs());
    const second = bench(notes);
    second.clock.nowMs = first.clock.nowMs;
    // The BMS is wrong; our own count does not begin from it again.
    second.feed(1, { socRatio: 0.2 });
    const soc = second.store.snapshot().bank.socRatio ?? Number.NaN;
    expect(soc).toBeCloseTo(notes.lfp1?.soc.socRatio ?? Number.NaN, 2);
    const anew = bench();
    anew.feed(1, { socRatio: 0.2 });
    expect(anew.store.snapshot().bank.socRatio).not.toBeCloseTo(soc, 1);
  });

  it('is less sure after a long gap', () => {
    const first = bench();
    first.feed(60, {});
    const notes = first.store.socNotes();
    const sigmaAfter = (gapMs: number): number => {
      const { clock, feed, store } = bench(notes);
      clock.nowMs = first.clock.nowMs + gapMs;
      feed(1, {});
      return store.snapshot().bank.socSigma ?? Number.NaN;
    };
    expect(sigmaAfter(36_000_000)).toBeGreaterThan(sigmaAfter(0));
  });

  it('has no note of a pack that was never heard, and none for one that is not configured any more', () => {
    const { store } = bench();
    expect(store.socNotes()).toEqual({});
    const first = bench();
    first.feed(3, {});
    const note = first.store.socNotes().lfp1;
    if (note === undefined) throw new Error('no note');
    expect(bench({ gone: note }).store.socNotes()).toEqual({});
  });

  it('can be written down and read back', () => {
    const { store, feed } = bench();
    feed(30, {});
    const notes = store.socNotes();
    expect(JSON.parse(JSON.stringify(notes))).toEqual(notes);
  });
});

describe('mains', () => {
  it('is believed at once in the beginning, lost only when that is confirmed, and back when that is', () => {
    const { store, feed } = bench();
    feed(1, { currentA: 0 }, {});
    expect(store.snapshot().mains.verdict).toBe('present');
    feed(3, { currentA: -10 }, { voltageV: 0, currentA: 0, powerW: 0 });
    expect(store.snapshot().mains.verdict).toBe('present');
    feed(1, { currentA: -10 }, { voltageV: 0, currentA: 0, powerW: 0 });
    expect(store.snapshot().mains.verdict).toBe('absent');
    feed(10, { currentA: 5 }, {});
    expect(store.snapshot().mains.verdict).toBe('absent');
    feed(1, { currentA: 5 }, {});
    expect(store.snapshot().mains.verdict).toBe('present');
  });

  it('is not lost because everybody fell silent', () => {
    const { store, clock, feed } = bench();
    feed(5, { currentA: 5 }, {});
    clock.nowMs += 600_000;
    expect(store.snapshot().mains).toMatchObject({ verdict: 'present', disputed: false });
  });

  it('hears only the witnesses that are named', () => {
    const { store, feed } = bench({}, { ...sound(), mains: { evidence: [{ meter: 'sdm1', presentAboveV: 200 }] } });
    feed(20, { currentA: -30 }, { voltageV: 150 });
    expect(store.snapshot().mains).toMatchObject({
      verdict: 'unknown',
      votes: [{ source: 'meter sdm1', says: 'silent' }],
    });
  });

  it('hears every meter and the packs as one when none is named', () => {
    const { store } = bench({}, { ...twoPacks(), mains: {} });
    expect(store.snapshot().mains.votes.map(({ source }) => source)).toEqual(['meter sdm1', 'bank']);
    expect(
      bench({}, { ...sound(), packs: [], mains: {} })
        .store.snapshot()
        .mains.votes.map(({ source }) => source),
    ).toEqual(['meter sdm1']);
  });

  it('hears a bank of which one pack is named, and by the smallest threshold that is', () => {
    const of = (evidence: object[]) => bench({}, { ...sound(), mains: { evidence } });
    const one = of([{ pack: 'lfp2', dischargeAboveA: 3 }, { meter: 'sdm1' }]);
    one.store.sampled('pack', 'lfp1', packSample({ currentA: -2 }));
    one.store.sampled('pack', 'lfp2', packSample({ currentA: -0.9 }));
    expect(one.store.snapshot().mains.votes).toMatchObject([
      { source: 'bank', says: 'silent', because: '-2.9 A of 2 packs tells neither' },
      { source: 'meter sdm1' },
    ]);
    const both = of([
      { pack: 'lfp1', dischargeAboveA: 4 },
      { pack: 'lfp2', dischargeAboveA: 2 },
    ]);
    both.store.sampled('pack', 'lfp1', packSample({ currentA: -2 }));
    both.store.sampled('pack', 'lfp2', packSample({ currentA: -0.9 }));
    expect(both.store.snapshot().mains.votes).toMatchObject([{ source: 'bank', says: 'absent' }]);
  });

  it('is not lost to current that packs pass to each other, nor to a cable that comes loose meanwhile', () => {
    const { store, clock } = bench({}, { ...twoPacks(), meters: [], mains: {} });
    const seconds = (count: number, ...currentsA: readonly number[]): string => {
      for (let second = 0; second < count; second += 1) {
        clock.nowMs += 1000;
        currentsA.forEach((currentA, index) => {
          if (!Number.isNaN(currentA)) store.sampled('pack', `lfp${index + 1}`, packSample({ currentA }));
        });
        store.snapshot();
      }
      return store.snapshot().mains.verdict;
    };
    expect(seconds(30, 2.2, -1.5)).toBe('present');
    expect(seconds(60, Number.NaN, -1.5)).toBe('present');
    // An outage is told by the one that is still heard, and so is its end.
    expect(seconds(10, Number.NaN, -4)).toBe('absent');
    expect(seconds(20, Number.NaN, 8)).toBe('present');
  });
});

describe('the circuit', () => {
  it('is what its meter says while that is fresh', () => {
    const { store, clock, feed } = bench();
    feed(1, undefined, { currentA: 17, powerW: 1800 });
    expect(store.snapshot().circuit).toMatchObject({ limitA: 16, freshness: 'fresh', currentA: 17, powerW: 1800 });
    expect(store.snapshot().alarms.map(({ code }) => code)).toContain('circuit-over-limit');
    clock.nowMs += 60_000;
    expect(store.snapshot().circuit).toEqual({ limitA: 16, meters: ['sdm1'], freshness: 'stale' });
    expect(store.snapshot().alarms.map(({ code }) => code)).not.toContain('circuit-over-limit');
  });
});

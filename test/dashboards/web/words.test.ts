import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clock } from '../../../dashboards/web/drill-result.ts';
import { faultWords } from '../../../dashboards/web/faults.ts';
import {
  amps,
  byNumber,
  duration,
  millivolts,
  NOTHING,
  percent,
  shortWatts,
  signed,
  volts,
  wattHours,
  watts,
} from '../../../dashboards/web/format.ts';
import { headline } from '../../../dashboards/web/headline.ts';
import { sentence, weight } from '../../../dashboards/web/journal-sentence.ts';
import { ticks } from '../../../dashboards/web/schedule.ts';
import type { Picture } from '../../../dashboards/web/wire.ts';
import { finite } from '../../../services/http/finite.ts';
import { emptySnapshot, journalOf, type Scene, snapshotOf } from '../../services/http/rack-fixture.ts';

const plain = (text: string) => text.replaceAll('\u202f', ' ');

describe('numbers', () => {
  it.each([
    [volts(53.62), '53.6 V'],
    [volts(9.996), '10.0 V'],
    [volts(3.3456), '3.35 V'],
    [amps(-6.31), '−6.31 A'],
    [amps(-0.001), '0.00 A'],
    [amps(0), '0 A'],
    [watts(366.4), '366 W'],
    [watts(999.4), '999 W'],
    [watts(999.6), '1.00 kW'],
    [watts(-1834), '−1.83 kW'],
    [wattHours(512), '512 Wh'],
    [wattHours(4630), '4.63 kWh'],
    [millivolts(0.0164), '16.4 mV'],
    [percent(0.943), '94.3 %'],
    [percent(1), '100 %'],
    [percent(undefined), NOTHING],
    [volts(undefined), NOTHING],
    [volts(Number.NaN), NOTHING],
    [signed(1.84, amps), '+1.84 A'],
    [signed(-1.84, amps), '−1.84 A'],
    [signed(0.001, amps), '0.00 A'],
    [shortWatts(6.24), '6.2'],
    [shortWatts(15.4), '15'],
  ])('%s', (text, expected) => {
    expect(plain(text)).toBe(expected);
  });

  it('never show more than three significant digits', () => {
    fc.assert(
      fc.property(fc.double({ min: -99_000, max: 99_000, noNaN: true }), (value) => {
        const text = plain(wattHours(value));
        expect(text.replace(/\D/g, '').replace(/^0+/, '').length).toBeLessThanOrEqual(3);
      }),
    );
  });

  it('stay within one unit of their last digit', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 999, noNaN: true }), (value) => {
        const shown = Number.parseFloat(plain(volts(value)));
        expect(Math.abs(shown - value)).toBeLessThanOrEqual(Math.max(0.0051, value * 0.0051));
      }),
    );
  });
});

describe('durations', () => {
  it.each([
    [0, '0 s'],
    [-5, '0 s'],
    [12.9, '12 s'],
    [119, '119 s'],
    [120, '2 min'],
    [1_390, '23 min'],
    [5_999, '99 min'],
    [6_000, '1 h 40 min'],
    [7_200, '2 h'],
    [11_520, '3 h 12 min'],
    [172_800, '2 d'],
    [187_200, '2 d 4 h'],
    [undefined, NOTHING],
    [Number.NaN, NOTHING],
  ])('of %s s is %s', (seconds, expected) => {
    expect(duration(seconds)).toBe(expected);
  });

  it('never promise more time than there is', () => {
    const units: Record<string, number> = { s: 1, min: 60, h: 3600, d: 86_400 };
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e7, noNaN: true }), (seconds) => {
        const parts = duration(seconds).split(' ');
        let total = 0;
        for (let index = 0; index < parts.length; index += 2)
          total += Number(parts[index]) * (units[parts[index + 1] ?? ''] ?? Number.NaN);
        expect(total).toBeLessThanOrEqual(seconds);
        const smallest = seconds < 120 ? 1 : seconds < 172_800 ? 60 : 3600;
        expect(seconds - total).toBeLessThan(smallest);
      }),
    );
  });
});

it('pi2 stands before pi10', () => {
  expect(['pi10', 'pi2', 'pi1'].sort(byNumber)).toEqual(['pi1', 'pi2', 'pi10']);
});

describe('a time axis', () => {
  it('has few marks, none of them past its end', () => {
    fc.assert(
      fc.property(fc.double({ min: 60, max: 1e6, noNaN: true }), (spanS) => {
        const marks = ticks(spanS);
        expect(marks.length).toBeLessThanOrEqual(5);
        for (const mark of marks) expect(mark).toBeLessThan(spanS);
      }),
    );
  });
});

const pictureOf = (scene: Scene): Picture => {
  const snapshot = finite(snapshotOf(scene));
  return { ...snapshot, wallMs: snapshot.rack.wallMs, ageMs: 0, freshness: 'fresh' };
};
const words = (picture: Picture) => {
  const { title, next } = headline(picture);
  return plain([title, ...next].join(' · '));
};

describe('the headline', () => {
  it.each<[Scene, string]>([
    ['mains', 'On mains · an outage beginning now could last 3 h 22 min before everything is off · 4.62 kWh usable'],
    ['on-battery', 'On battery · batch goes down in 3 min · everything off in 1 h 46 min · mains away for 96 s'],
    [
      'shutting-down',
      'Shutting down · workers going down, 3 of 12 off · control-plane goes down in 44 min · everything off in 48 min',
    ],
    ['dark', 'Dark · 23 hosts off · mains away for 2 h 30 min'],
    ['restoring', 'Restoring · mains back 2 min ago · workers coming back, 4 of 12 up'],
    ['stale-pack', 'On mains · battery figures are stale: no prediction for an outage'],
    ['disputed', 'Mains in doubt · witnesses disagree about mains; see the evidence'],
  ])('of scene %s', (scene, expected) => {
    expect(words(pictureOf(scene))).toBe(expected);
  });

  it('says that workers go down in 23 min', () => {
    const picture = pictureOf('on-battery');
    const stages = picture.coordinator.schedule.stages.filter((stage) => stage.name === 'workers');
    const { coordinator } = picture;
    const alone = { ...picture, coordinator: { ...coordinator, schedule: { ...coordinator.schedule, stages } } };
    expect(words(alone)).toContain('workers go down in 23 min');
  });

  it('says that mains came back before the coordinator trusts it', () => {
    const picture = pictureOf('on-battery');
    const mains = { ...picture.rack.mains, verdict: 'present' as const, sinceMs: picture.rack.monoMs - 12_000 };
    const { title, next, tone } = headline({ ...picture, rack: { ...picture.rack, mains } });
    expect([title, ...next, tone]).toEqual(['On battery', 'mains back 12 s ago', 'waiting for it to hold', 'back']);
  });

  it('promises nothing without a battery figure', () => {
    const picture = pictureOf('on-battery');
    const { usableWh: _, allOffInS: __, ...schedule } = picture.coordinator.schedule;
    const stages = schedule.stages.map(({ beginsInS: ___, ...stage }) => stage);
    const blind = { ...picture, coordinator: { ...picture.coordinator, schedule: { ...schedule, stages } } };
    expect(words(blind)).toBe('On battery · no battery figure: no prediction · mains away for 96 s');
  });

  it('tells of a rehearsal, of an ordered shutdown, and of what holds things up', () => {
    const mains = pictureOf('mains');
    const during = (change: object, scene: Scene = 'mains') => {
      const picture = pictureOf(scene);
      return words({ ...picture, coordinator: { ...picture.coordinator, ...change } });
    };
    expect(during({ rehearsal: { stage: 'batch', depth: 'drain' } })).toBe(
      'Rehearsing · batch is drained and comes back',
    );
    expect(during({ rehearsal: { stage: 'batch', depth: 'whole' } })).toContain('batch goes down and comes back');
    expect(during({ heldForS: 300 }, 'on-battery')).toContain('held by order for 5 min more');
    expect(during({ waitingFor: 'the bank holds 4 %' })).toContain('nothing is started yet: the bank holds 4 %');
    const battery = pictureOf('on-battery');
    const forcedShutdown = { ups: 'apc', because: 'FSD is set' };
    expect(words({ ...battery, rack: { ...battery.rack, forcedShutdown } })).toContain('apc orders everything down');
    expect(words({ ...mains, rack: { ...mains.rack, forcedShutdown } })).not.toContain('orders');
  });

  it('has words for a rack with nothing in it', () => {
    const snapshot = finite(emptySnapshot());
    expect(words({ ...snapshot, wallMs: 0, ageMs: 0, freshness: 'fresh' })).toBe(
      'Mains in doubt · nobody can tell whether mains is there',
    );
  });
});

describe('journal sentences', () => {
  it('tell an outage', () => {
    expect(journalOf('restoring').map((line) => sentence(finite(line.entry)))).toEqual([
      'holdover 0.1.0 started; journal is empty',
      'Running on battery: sdm1 and lfp1 say mains is away',
      'Stage batch begins: its time on battery is over',
      'Shutting down: stage batch is due',
      'Cordon pi5',
      'cordon done: pi5',
      'Tell pi5 to halt',
      'halt failed: pi5 timed out, no answer on port 22 within 5 s',
      'pi5 was cut by force (not seen to be off within 90 s)',
      'Stage workers begins: the energy left allows no later start',
      'pi9 is cordoned (stage workers goes down)',
      'The rack is dark: every host is off',
      'Restoring: mains is back for 60 s and the bank holds 20 %',
      'http:ops holds the schedule for 10 min',
      'pi14 is in trouble: did not come up after 2 power cycles',
    ]);
  });

  it.each([
    [{ kind: 'stage', stage: 'batch', began: false }, 'Stage batch is called back'],
    [{ kind: 'host', host: 'pi9', change: { phase: 'cordoned' }, because: 'cordoned' }, 'pi9 is cordoned'],
    [{ kind: 'hold', forS: 600 }, 'The schedule is held for 10 min'],
    [{ kind: 'command', command: { kind: 'abort' }, author: 'http:ops' }, 'http:ops turns the shutdown round'],
    [{ kind: 'command', command: { kind: 'begin' }, author: 'mqtt' }, 'mqtt orders the shutdown to begin'],
    [{ kind: 'command', command: { kind: 'skip', host: 'pi7' }, author: 'cli' }, 'cli skips pi7'],
    [
      { kind: 'command', command: { kind: 'power-cycle', host: 'pi7', force: true }, author: 'cli' },
      'cli has pi7 switched off and on, though it answers',
    ],
    [{ kind: 'command', command: { kind: 'take-over', host: 'pi7', as: 'off' }, author: 'cli' }, 'cli says pi7 is off'],
    [
      { kind: 'command', command: { kind: 'rehearse', stage: 'batch', depth: 'whole' }, author: 'cli' },
      'cli has batch rehearsed, whole',
    ],
    [
      { kind: 'rehearsal', stage: 'batch', depth: 'drain', began: false, because: 'batch was drained in 9 s' },
      'Rehearsal of batch ends: batch was drained in 9 s',
    ],
    [{ kind: 'stage', stage: 'batch', began: true, trigger: 'rehearsal' }, 'Stage batch begins: it is rehearsed'],
    [{ kind: 'host', host: 'pi7', change: { skipped: true }, because: 'x' }, 'pi7 is skipped'],
    [{ kind: 'host', host: 'pi7', change: { skipped: false }, because: 'x' }, 'pi7 takes part again'],
    [
      {
        kind: 'command',
        command: { kind: 'switch-board', pack: 'lfp1', what: 'discharge', on: false, force: true },
        author: 'cli',
      },
      'cli has discharge of lfp1 switched off, by force',
    ],
    [
      { kind: 'intent', effect: { kind: 'output', pack: 'lfp1', on: true, what: 'balancing' } },
      'Switch balancing of lfp1 on',
    ],
    [{ kind: 'intent', effect: { kind: 'output', pack: 'lfp1', on: false } }, 'Switch the output of lfp1 off'],
    [{ kind: 'output', pack: 'lfp1', on: false, because: 'the last act' }, 'Output of lfp1 off: the last act'],
    [{ kind: 'host', host: 'pi1', change: { trouble: null }, because: 'up again' }, 'pi1 is out of trouble (up again)'],
    [{ kind: 'host', host: 'pi1', change: { powerCycles: 1 }, because: 'no answer' }, 'pi1: noted (no answer)'],
    [
      {
        kind: 'intent',
        effect: { kind: 'drain', targets: ['a', 'b', 'c', 'd', 'e'].map((host) => ({ host })), deadlineMs: 120_000 },
      },
      'Drain a, b, c and 2 more, at most 2 min',
    ],
    [
      { kind: 'intent', effect: { kind: 'cut', switchId: 'sw1', targets: [{ host: 'pi1' }] } },
      'Cut power of pi1 on sw1',
    ],
    [
      { kind: 'outcome', effectKind: 'cut', results: [{ host: 'pi1', code: 'disobeyed' }] },
      'cut failed: pi1 said yes and did not',
    ],
    [{ kind: 'from-the-future', what: 1 }, 'from-the-future'],
    [{ kind: 'intent' }, 'Intend ?'],
    [{ kind: 'outcome' }, '? done'],
  ])('%j', (entry, expected) => {
    expect(sentence(entry)).toBe(expected);
  });

  it('are found for any entry', () => {
    const kinds = ['phase', 'stage', 'host', 'hold', 'intent', 'outcome', 'command', 'note', 'x'];
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.dictionary(fc.string(), fc.jsonValue()), (kind, rest) => {
        const entry = { ...rest, kind };
        expect(typeof sentence(entry)).toBe('string');
        expect(['strong', 'bad', 'plain']).toContain(weight(entry));
      }),
    );
  });

  it('stand out when something went wrong', () => {
    const bad = journalOf('restoring').filter((line) => weight(finite(line.entry)) === 'bad');
    expect(bad.map((line) => sentence(finite(line.entry)).split(' ')[0])).toEqual(['halt', 'pi5', 'pi14']);
  });
});

describe('words of a drill', () => {
  it('tell the time from the loss of mains, and what goes wrong', () => {
    expect([clock(3), clock(3725), clock(-5), clock(100_000)]).toEqual(['0:00:03', '1:02:05', '−0:00:05', '27:46:40']);
    expect(['hang:pi3', 'stuck:all', 'silent:api', 'odd'].map(faultWords)).toEqual([
      'pi3 hangs',
      'every node drains for ever',
      'the API falls silent',
      ' odd',
    ]);
  });
});

import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { currencyOf } from '../../../dashboards/web/app.ts';
import { History } from '../../../dashboards/web/history.ts';
import type { Order } from '../../../dashboards/web/orders.ts';
import type { askDrill } from '../../../dashboards/web/send.ts';
import { MessageParser, type ServerMessage } from '../../../dashboards/web/sse.ts';
import type { JournalLine, Picture, DrillAnswer as ShownDrill } from '../../../dashboards/web/wire.ts';
import { finite } from '../../../services/http/finite.ts';
import { type JournalAnswer, type SnapshotEvent, snapshotEvent } from '../../../services/http/schemas/answers.ts';
import type { DrillAnswer, DrillBody } from '../../../services/http/schemas/drill.ts';
import type { Command } from '../../../services/shutdown/state.ts';
import { type Scene, snapshotOf } from '../../services/http/rack-fixture.ts';

const pictureAt = (scene: Scene, tick: number): Picture => {
  const snapshot = finite(snapshotOf(scene, tick));
  return { ...snapshot, wallMs: snapshot.rack.wallMs, ageMs: 0, freshness: 'fresh' };
};

describe('what the page reads', () => {
  it('is what the service sends', () => {
    expectTypeOf<SnapshotEvent>().toExtend<Picture>();
    expectTypeOf<JournalAnswer['entries'][number]>().toExtend<JournalLine>();
    expectTypeOf<DrillAnswer>().toExtend<ShownDrill>();
    expect(snapshotEvent.safeParse(pictureAt('mains', 0)).success).toBe(true);
  });
});

describe('what the page sends', () => {
  it('is what the service takes', () => {
    expectTypeOf<Order>().toExtend<Command>();
    expectTypeOf<Parameters<typeof askDrill>[0]>().toExtend<Readonly<{ outageS: DrillBody['outageS'] }>>();
  });
});

describe('the event stream parser', () => {
  const parse = (chunks: readonly string[]): readonly ServerMessage[] => {
    const parser = new MessageParser();
    return chunks.flatMap((chunk) => parser.push(chunk));
  };

  it('reads messages, comments, fields and line ends as the standard has them', () => {
    expect(parse(['retry: 2000\n\n: hello\n\nevent: a\ndata: 1\n\ndata:2\ndata: 3\r\n\r\nevent: empty\n\n'])).toEqual([
      { event: 'a', data: '1' },
      { event: 'message', data: '2\n3' },
    ]);
  });

  it('does not mind where the stream is cut', () => {
    const whole = 'event: snapshot\ndata: {"a":1}\n\nevent: heartbeat\ndata: {}\n\ndata: rest';
    fc.assert(
      fc.property(fc.array(fc.nat({ max: whole.length }), { maxLength: 12 }), (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), whole.length];
        const chunks = places.slice(1).map((end, index) => whole.slice(places[index], end));
        expect(parse(chunks)).toEqual(parse([whole]));
      }),
    );
  });

  it('gives up on a message that never ends', () => {
    const parser = new MessageParser();
    const flood = () => {
      for (let count = 0; count < 6; count += 1) parser.push('x'.repeat(1_000_000));
    };
    expect(flood).toThrow('does not end');
  });
});

describe('the chart’s memory', () => {
  it('takes each snapshot once', () => {
    const history = new History();
    expect(history.add(pictureAt('mains', 0))).toBe(true);
    expect(history.add(pictureAt('mains', 0))).toBe(false);
    expect(history.add(pictureAt('mains', 1))).toBe(true);
    expect(history.columns[0]).toHaveLength(2);
  });

  it('draws a gap where nothing was current', () => {
    const history = new History();
    history.add(pictureAt('mains', 0));
    history.add(pictureAt('stale-pack', 1));
    history.add({ ...pictureAt('mains', 2), freshness: 'stale' });
    history.add(pictureAt('mains', 3));
    expect(history.columns[1].map((value) => value === null)).toEqual([false, true, true, false]);
    expect(history.columns[2].map((value) => value === null)).toEqual([false, true, true, false]);
  });

  it('stays small for days, in order, with its beginning', () => {
    const history = new History();
    const base = pictureAt('mains', 0);
    const start = base.rack.wallMs;
    for (let second = 0; second < 20_000; second += 1) {
      history.add({ ...base, rack: { ...base.rack, wallMs: start + second * 1000 } });
    }
    const [times, soc, power] = history.columns;
    expect(times.length).toBeLessThanOrEqual(3_600);
    expect(soc.length).toBe(times.length);
    expect(power.length).toBe(times.length);
    expect(times[0]).toBe(start / 1000);
    expect(times.at(-1)).toBe(start / 1000 + 19_999);
    expect(times.every((at, index) => index === 0 || at > (times[index - 1] ?? 0))).toBe(true);
  });

  it('begins anew when the clock of the service is set back', () => {
    const history = new History();
    history.add(pictureAt('mains', 3_600));
    history.add(pictureAt('mains', 0));
    expect(history.columns[0]).toHaveLength(1);
  });
});

describe('currency', () => {
  const picture = pictureAt('on-battery', 0);
  const live = { link: 'live' as const, picture, journal: [], heardAtMs: 1_000, snapshotAgeMs: 0 };

  it('holds while the service ticks', () => {
    expect(currencyOf(live, 2_000).freshness).toBe('fresh');
  });

  it('ends with the connection, at once', () => {
    const lost = currencyOf({ ...live, link: 'lost' }, 13_000);
    expect(lost.freshness).toBe('stale');
    expect(lost.why).toBe('Connection lost. Last data 12 s ago; reconnecting.');
  });

  it('ends when the service only beats', () => {
    const hung = currencyOf({ ...live, snapshotAgeMs: 34_000, heardAtMs: 2_000 }, 2_000);
    expect(hung.freshness).toBe('stale');
    expect(hung.why).toBe('The service answers, but has made no new snapshot for 34 s.');
  });

  it('ends when nothing is heard although the connection looks alive', () => {
    expect(currencyOf(live, 12_500).freshness).toBe('stale');
  });
});

import type { MqttClient } from 'mqtt';
import { describe, expect, it } from 'vitest';
import { Board } from '../../../services/telemetry/mqtt-board.ts';
import { Posting } from '../../../services/telemetry/mqtt-posting.ts';
import { snapshotFixture } from './snapshot-fixture.ts';

type Answer = (error?: Error) => void;

/** A connection that answers when it is told to. */
function connection() {
  const asked: { readonly topic: string; readonly payload: string; readonly answer: Answer }[] = [];
  const client = {
    connected: true,
    publish: (topic: string, payload: string, _: object, answer: Answer) => {
      asked.push({ topic, payload, answer });
    },
  };
  return { asked, client: client as unknown as MqttClient };
}

const item = (topic: string, payload = 'x') => ({ topic, payload, key: payload });
const status = item('holdover/status', 'online');

function posting() {
  const refused: string[] = [];
  const { asked, client } = connection();
  const made = new Posting({ client: () => client, onRefused: (topic) => refused.push(topic) });
  return { made, asked, client, refused };
}

describe('posting', () => {
  it('has a few under way at a time, and the others as these are answered', () => {
    const { made, asked } = posting();
    for (let count = 0; count < 40; count += 1) made.outbox.offer(item(`t/${count}`));
    made.pump();
    expect(asked).toHaveLength(16);
    asked[3]?.answer();
    expect(asked).toHaveLength(17);
    expect(made.sent).toBe(1);
  });

  it('is drained when the last one is answered, and not before', async () => {
    const { made, asked } = posting();
    let over = false;
    made.outbox.offer(item('a'));
    made.outbox.offer(item('b'));
    const drained = made.drained().then(() => {
      over = true;
    });
    asked[0]?.answer();
    await Promise.resolve();
    expect(over).toBe(false);
    asked[1]?.answer();
    await drained;
    await made.drained();
  });

  it('says once for each connection that something is refused, and counts every time', () => {
    const { made, asked, client, refused } = posting();
    made.begin(client, status);
    made.outbox.offer(item('a'));
    made.outbox.offer(item('b'));
    made.pump();
    for (const { answer } of [...asked]) answer(new Error('not authorized'));
    expect([refused, made.dropped]).toEqual([['holdover/status'], 3]);
    made.begin(client, status);
    asked.at(-1)?.answer(new Error('not authorized'));
    expect([refused.length, made.dropped]).toEqual([2, 4]);
  });

  it('hears no answers from a connection that is over', () => {
    let { asked, client } = connection();
    const before = asked;
    const made = new Posting({ client: () => client, onRefused: () => {} });
    made.outbox.offer(item('a'));
    made.pump();
    ({ asked, client } = connection());
    before[0]?.answer();
    expect(made.sent).toBe(0);
    made.begin(client, status);
    made.pump();
    expect(asked.map(({ topic }) => topic)).toEqual(['holdover/status', 'a']);
  });
});

describe('the board', () => {
  it('is cleared of what is gone from the rack, and of what hung there before', () => {
    const { made, asked } = posting();
    const board = new Board('holdover', made.outbox, undefined);
    const cleared = (): string[] => {
      const from = asked.length;
      made.pump();
      // Each answer lets the next one go.
      for (let at = from; at < asked.length; at += 1) asked[at]?.answer();
      return asked
        .slice(from)
        .filter(({ payload }) => payload === '')
        .map(({ topic }) => topic);
    };
    board.found('holdover/pack/old/state');
    board.show(snapshotFixture);
    expect(cleared()).toEqual(['holdover/pack/old/state', 'holdover/pack/old/availability']);
    const { rack } = snapshotFixture;
    board.show({ ...snapshotFixture, rack: { ...rack, packs: {} } });
    expect(cleared()).toEqual(['holdover/pack/lfp1/state', 'holdover/pack/lfp1/availability']);
    board.show({ ...snapshotFixture, rack: { ...rack, packs: {} } });
    expect(cleared()).toEqual([]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Command } from '../../../services/shutdown/state.ts';
import { Orders, parseOrder } from '../../../services/telemetry/mqtt-orders.ts';
import { covers, orderTopic } from '../../../services/telemetry/mqtt-topics.ts';
import { PlayedClock, settle } from '../runtime/played-clock.ts';
import { testLog } from './snapshot-fixture.ts';

const parsed = (topic: string, payload: string) => parseOrder('holdover', `holdover/${topic}`, Buffer.from(payload));

describe('an order over MQTT', () => {
  it.each<[string, string, Command]>([
    ['coordinator/main/set/begin', 'PRESS', { kind: 'begin' }],
    ['coordinator/main/set/begin', '{}', { kind: 'begin' }],
    ['coordinator/main/set/abort', ' PRESS\n', { kind: 'abort' }],
    ['coordinator/main/set/hold', 'PRESS', { kind: 'hold', forS: 900 }],
    ['coordinator/main/set/hold', '600', { kind: 'hold', forS: 600 }],
    ['coordinator/main/set/hold', '{"forS":60}', { kind: 'hold', forS: 60 }],
    ['coordinator/main/set/command', '{"kind":"hold","forS":60}', { kind: 'hold', forS: 60 }],
    ['coordinator/main/set/skip', '{"host":"pi1"}', { kind: 'skip', host: 'pi1' }],
    ['host/pi1/set/power-cycle', 'PRESS', { kind: 'power-cycle', host: 'pi1' }],
    ['host/pi1/set/take-over', '{"as":"off"}', { kind: 'take-over', host: 'pi1', as: 'off' }],
    ['coordinator/main/set/lease', '{"do":"take","force":true}', { kind: 'lease', do: 'take', force: true }],
    [
      'coordinator/main/set/rehearse',
      '{"stage":"batch","depth":"drain"}',
      { kind: 'rehearse', stage: 'batch', depth: 'drain' },
    ],
  ])('%s %s', (topic, payload, command) => {
    expect(parsed(topic, payload)).toEqual({ command });
  });

  it.each([
    ['coordinator/main/set/begin', '', /empty payload/],
    ['coordinator/main/set/begin', 'ON', /neither PRESS nor JSON/],
    ['coordinator/main/set/begin', '5', /JSON object/],
    ['coordinator/main/set/begin', '[]', /JSON object/],
    ['coordinator/main/set/begin', '{"now":true}', /now/],
    ['coordinator/main/set/begin', '{"kind":"abort","x":1}', /x/],
    ['coordinator/main/set/hold', '-5', /forS/],
    ['coordinator/main/set/hold', '{"forS":"60"}', /forS/],
    ['coordinator/main/set/hold', '{}', /forS/],
    ['coordinator/main/set/explode', 'PRESS', /there is no such order; there are begin, hold/],
    ['coordinator/main/set/skip', 'PRESS', /host/],
    ['coordinator/other/set/begin', 'PRESS', /coordinator\/main/],
    ['pack/lfp1/set/charge', 'PRESS', /coordinator\/main or to a host/],
    ['switch/sw1/set/port', '{"port":"7","on":false}', /power-cycle/],
    ['coordinator/main/set/begin', `{"id":"${'x'.repeat(5000)}"}`, /4096 bytes/],
  ])('%s %s is refused with its reason', (topic, payload, reason) => {
    expect(parsed(topic, payload)).toMatchObject({ refused: expect.stringMatching(reason) });
  });

  it('is never about another host than its topic says', () => {
    expect(parsed('host/pi1/set/skip', '{"host":"pi2"}')).toEqual({ command: { kind: 'skip', host: 'pi1' } });
    expect(parsed('coordinator/main/set/begin', '{"kind":"abort"}')).toEqual({ command: { kind: 'begin' } });
  });

  it('keeps the id it came with for the answer', () => {
    expect(parsed('coordinator/main/set/begin', '{"id":"a1"}')).toEqual({ command: { kind: 'begin' }, id: 'a1' });
    expect(parsed('coordinator/main/set/hold', '{"id":"a1"}')).toMatchObject({ refused: /forS/, id: 'a1' });
  });

  it('may be anything at all', () => {
    fc.assert(
      fc.property(fc.string(), fc.oneof(fc.string(), fc.json(), fc.string({ unit: 'binary' })), (what, payload) => {
        const answer = parsed(`coordinator/main/set/${what}`, payload);
        expect('command' in answer || answer.refused.length > 0).toBe(true);
      }),
    );
  });
});

describe('topics', () => {
  it.each([
    ['#', 'a/b', true],
    ['#', '$SYS/x', false],
    ['a/#', 'a', true],
    ['a/#', 'a/b/c', true],
    ['a/+', 'a/b', true],
    ['a/+', 'a', false],
    ['a/+', 'a/b/c', false],
    ['+/set/x', 'host/set/x', true],
    ['a/b', 'a/b', true],
    ['a/b', 'a/bc', false],
    ['a', 'a/b', false],
  ])('%s covers %s: %s', (filter, topic, expected) => {
    expect(covers(filter, topic)).toBe(expected);
  });

  it.each([
    'holdover/a/b/set',
    'holdover/a/b/set/',
    'holdover/a/b/set/c/result',
    'other/a/b/set/c',
    'holdoverx/a/b/set/c',
    `holdover/a/b/set/${'c'.repeat(300)}`,
  ])('%s is none for orders', (topic) => {
    expect(orderTopic('holdover', topic)).toBeUndefined();
  });

  it('are taken apart below a root of several levels', () => {
    expect(orderTopic('home/rack', 'home/rack/host/pi1/set/skip')).toEqual({ kind: 'host', id: 'pi1', what: 'skip' });
  });
});

describe('whoever takes orders', () => {
  const BEGIN = 'holdover/coordinator/main/set/begin';

  function office(
    reply: () => Promise<{ accepted: boolean; because: string }> = async () => ({ accepted: true, because: 'yes' }),
  ) {
    const clock = new PlayedClock();
    const log = testLog();
    const asked: [Command, string][] = [];
    const answers: { topic: string; accepted: boolean; because: string; id?: string; ts: number }[] = [];
    const orders = new Orders({
      root: 'holdover',
      clock,
      log,
      desk: {
        command: (command, author) => {
          asked.push([command, author]);
          return reply();
        },
      },
      answer: (topic, payload) => answers.push({ topic, ...JSON.parse(payload) }),
    });
    const give = (payload: string, more: { retain?: boolean; user?: string; topic?: string } = {}) =>
      orders.take({ topic: BEGIN, payload: Buffer.from(payload), retain: false, ...more });
    return { clock, log, asked, answers, give };
  }

  it('answers what the coordinator says, and says who gave the order when that is known', async () => {
    const { give, asked, answers, clock } = office();
    await give('{"id":"7"}', { user: 'ann' });
    await give('PRESS');
    expect(asked).toEqual([
      [{ kind: 'begin' }, 'mqtt:ann'],
      [{ kind: 'begin' }, 'mqtt'],
    ]);
    expect(answers[0]).toEqual({
      topic: `${BEGIN}/result`,
      ts: clock.wallMs(),
      accepted: true,
      because: 'yes',
      id: '7',
    });
  });

  it('ignores a retained order and says so', async () => {
    const { give, asked, answers, log } = office();
    await give('PRESS', { retain: true });
    await give('', { retain: true });
    expect(asked).toEqual([]);
    expect(answers).toMatchObject([{ accepted: false, because: expect.stringMatching(/retained orders are ignored/) }]);
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('does not look at more than it can bear, says so once, and looks again later', async () => {
    const { give, asked, answers, clock, log } = office();
    for (let order = 0; order < 500; order += 1) await give('PRESS');
    expect(asked).toHaveLength(10);
    expect(answers).toHaveLength(11);
    expect(answers.at(-1)?.because).toMatch(/too many/);
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    await clock.pass(4_000);
    for (let order = 0; order < 5; order += 1) await give('PRESS');
    expect(asked).toHaveLength(12);
  });

  it('does not wait for ever, and survives a coordinator that fails', async () => {
    const slow = office(() => new Promise(() => {}));
    const given = slow.give('PRESS');
    await slow.clock.pass(6_000);
    await given;
    expect(slow.answers).toMatchObject([{ accepted: false, because: expect.stringMatching(/not answered in time/) }]);
    const failing = office(() => Promise.reject(new Error('secret detail')));
    await failing.give('PRESS');
    await settle();
    expect(failing.answers).toMatchObject([{ accepted: false }]);
    expect(JSON.stringify(failing.answers)).not.toContain('secret detail');
  });

  it('answers nothing on topics that are none for orders', async () => {
    const { give, answers } = office();
    await give('PRESS', { topic: `${BEGIN}/result` });
    expect(answers).toEqual([]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Outbox } from '../../../services/telemetry/mqtt-outbox.ts';

const item = (topic: string, payload: string) => ({ topic, payload, key: payload });

describe('the outbox', () => {
  it('keeps the newest of a topic and counts what it replaced unsent', () => {
    const outbox = new Outbox();
    for (const payload of ['1', '2', '3']) outbox.offer(item('a', payload));
    expect(outbox.replaced).toBe(2);
    expect(outbox.take()?.payload).toBe('3');
    expect(outbox.take()).toBeUndefined();
  });

  it('has nothing new to say when the key is the same', () => {
    const outbox = new Outbox();
    outbox.offer({ topic: 'a', payload: '{"ts":1}', key: 'k' });
    const first = outbox.take();
    if (first) outbox.settled(first);
    outbox.offer({ topic: 'a', payload: '{"ts":2}', key: 'k' });
    expect(outbox.idle).toBe(true);
  });

  it('does not let a newer state overtake the one under way', () => {
    const outbox = new Outbox();
    outbox.offer(item('a', '1'));
    const first = outbox.take();
    outbox.offer(item('a', '2'));
    expect(outbox.take()).toBeUndefined();
    if (first) outbox.settled(first);
    expect(outbox.take()?.payload).toBe('2');
    expect(outbox.replaced).toBe(0);
  });

  it('has everything due again on a new connection, without counting a loss', () => {
    const outbox = new Outbox();
    for (const topic of ['a', 'b']) outbox.offer(item(topic, '1'));
    const first = outbox.take();
    if (first) outbox.settled(first);
    outbox.take();
    outbox.everythingDue();
    expect([outbox.take()?.topic, outbox.take()?.topic].toSorted()).toEqual(['a', 'b']);
    expect(outbox.replaced).toBe(0);
  });

  it('clears what is retired, and forgets it', () => {
    const outbox = new Outbox();
    outbox.offer(item('a', '1'));
    const first = outbox.take();
    if (first) outbox.settled(first);
    outbox.retire('a');
    const cleared = outbox.take();
    expect(cleared).toMatchObject({ topic: 'a', payload: '' });
    if (cleared) outbox.settled(cleared);
    outbox.everythingDue();
    expect(outbox.take()).toBeUndefined();
  });

  it('has everything due again when somebody asks, but not twice at a time', () => {
    const outbox = new Outbox();
    for (const topic of ['a', 'b']) outbox.offer(item(topic, '1'));
    const [a, b] = [outbox.take(), outbox.take()];
    if (a) outbox.settled(a);
    outbox.again();
    expect(outbox.take()?.topic).toBe('a');
    expect(outbox.take()).toBeUndefined();
    if (b) outbox.settled(b);
    expect(outbox.take()?.topic).toBe('b');
  });

  it('ends with the newest state of each topic delivered, however connections break', () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant('offer'),
        topic: fc.constantFrom('a', 'b', 'c'),
        payload: fc.string({ minLength: 1 }),
      }),
      fc.record({ do: fc.constant('retire'), topic: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ do: fc.constantFrom('send', 'break') }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const outbox = new Outbox();
        const broker = new Map<string, string>();
        const newest = new Map<string, string>();
        const send = () => {
          const taken = outbox.take();
          if (!taken) return false;
          if (taken.payload === '') broker.delete(taken.topic);
          else broker.set(taken.topic, taken.payload);
          outbox.settled(taken);
          return true;
        };
        for (const one of steps) {
          if (one.do === 'retire' && 'topic' in one) {
            newest.delete(one.topic);
            outbox.retire(one.topic);
          } else if ('payload' in one) {
            newest.set(one.topic, one.payload);
            outbox.offer(item(one.topic, one.payload));
          } else if (one.do === 'send') {
            send();
          } else {
            outbox.take();
            broker.clear();
            outbox.everythingDue();
          }
        }
        while (send());
        expect(broker).toEqual(newest);
      }),
    );
  });
});

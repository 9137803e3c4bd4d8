import { afterEach, describe, expect, it } from 'vitest';
import { Buses } from '../../../services/assembly/buses.ts';
import { deviceSource } from '../../../services/assembly/sources.ts';
import { configSchema } from '../../../services/config/schema.ts';
import { PlayedClock } from '../runtime/played-clock.ts';

/** Nothing is opened before the first conversation, and no test machine has this bus. */

const clock = new PlayedClock();
const buses = new Buses();
afterEach(() => buses.close());

function source(more: Record<string, unknown>) {
  const [pack] = configSchema.parse({
    packs: [{ id: 'p', chemistry: 'lifepo4', cells: 1, capacityAh: 5, via: { i2c: '/dev/i2c-9999' }, ...more }],
  }).packs;
  if (pack === undefined) throw new Error('no pack');
  return deviceSource('pack', pack, buses, clock, clock);
}

describe('a pack on I2C', () => {
  it('is polled like any other, and says what is wrong with its bus', async () => {
    const { id, kind, poll } = source({ driver: 'max17040' });
    expect([id, kind]).toEqual(['p', 'pack']);
    await expect(poll(new AbortController().signal)).rejects.toMatchObject({ code: 'open' });
  });

  it('has one exchange for each bus, whoever is on it', () => {
    expect(buses.i2c.at('/dev/i2c-1')).toBe(buses.i2c.at('/dev/i2c-1'));
    expect(buses.i2c.at('/dev/i2c-1')).not.toBe(buses.i2c.at('/dev/i2c-2'));
  });

  it.each([
    [{ driver: 'ina228' }, /no sensors/],
    [{ driver: 'max17040', via: { serial: '/dev/x' } }, /on I2C/],
    [{ driver: 'jbd' }, /do not fit/],
  ])('is refused with %j', (more, words) => {
    expect(() => source(more)).toThrow(words);
  });
});

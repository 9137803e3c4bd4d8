import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bindDevice } from '../../bms/bind.ts';
import type { ExchangeDriver } from '../../bms/drivers/driver.ts';
import { driverFor, driverIds } from '../../bms/drivers/registry.ts';
import { byteExchange } from '../../firmware-bridge/index.ts';
import { MemoryTransport } from '../firmware-bridge/memory-transport.ts';
import { answered, capturesOf } from './drivers/captures.ts';

/**
 * In made time, where nothing but the line and the pauses takes any: what is polled against what the line and the gap that the
 * device needs allow. How fast the machine is does not matter here.
 */

const MINUTE_MS = 60_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const drivers = driverIds().filter((id) => driverFor(id).shape === 'exchange');

describe('a line of its own', () => {
  it.each(drivers)('is used to 95 % and more by %s', async (id) => {
    const driver = answered(driverFor(id) as ExchangeDriver);
    const answers = capturesOf(driver);
    const byteMs = 10_000 / driver.line.baud;
    let bytes = 0;
    const line = new MemoryTransport();
    line.device = async (request) => {
      await new Promise((resolve) => setTimeout(resolve, request.length * byteMs));
      const answer = answers(request);
      if (answer === undefined) throw new Error('no capture answers this');
      bytes += request.length + answer.length;
      setTimeout(() => line.say(answer), answer.length * byteMs);
    };
    const bus = byteExchange(line, { ...driver, now: () => Date.now() });
    const device = bindDevice(driver, 'pack', bus, { now: () => Date.now(), mono: () => Date.now() });
    let polls = 0;
    let over = false;
    const loop = (async () => {
      while (!over) {
        await device.poll();
        polls += 1;
      }
    })();
    await vi.advanceTimersByTimeAsync(MINUTE_MS);
    const { answers: asked } = bus.stats;
    const busyMs = bytes * byteMs + asked * driver.gapMs;
    over = true;
    await vi.advanceTimersByTimeAsync(MINUTE_MS);
    await loop;
    await bus.close();
    expect(polls).toBeGreaterThan(0);
    expect(busyMs / MINUTE_MS).toBeGreaterThan(0.95);
    expect(bus.stats.timeouts).toBe(0);
  });
});

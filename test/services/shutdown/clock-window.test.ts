import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clockWindow, secondsUntilWindow } from '../../../services/shutdown/clock-window.ts';
import { Bench } from './bench.ts';

const at = (time: string): number => Date.parse(`2026-01-15T${time}Z`);
const until = (time: string, ...windows: string[]): number =>
  secondsUntilWindow(at(time), windows.map(clockWindow), 'UTC');

describe('a window of the day', () => {
  it('is entered at its first minute and left at its last', () => {
    expect(until('21:59:00', '22:00-06:30')).toBe(60);
    expect(until('22:00:00', '22:00-06:30')).toBe(0);
    expect(until('03:00:00', '22:00-06:30')).toBe(0);
    expect(until('06:29:59', '22:00-06:30')).toBe(0);
    expect(until('06:30:00', '22:00-06:30')).toBe(15.5 * 3600);
    expect(until('12:00:00', '09:00-17:00')).toBe(0);
  });

  it('is the whole day when it ends where it begins', () => {
    expect(until('12:34:56', '08:00-08:00')).toBe(0);
  });

  it('counts in its own zone', () => {
    expect(secondsUntilWindow(at('20:59:00'), [clockWindow('22:00-06:00')], 'Europe/Berlin')).toBe(60);
    expect(secondsUntilWindow(at('20:59:00'), [clockWindow('22:00-06:00')], 'UTC')).toBe(3660);
  });

  it('is the first of several, and always within a day', () => {
    expect(until('08:00:00', '22:00-06:00', '09:00-10:00')).toBe(3600);
    const minute = fc.integer({ min: 0, max: 1439 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2e12 }), minute, minute, (wallMs, fromMin, toMin) => {
        const seconds = secondsUntilWindow(wallMs, [{ fromMin, toMin }], 'UTC');
        expect(seconds).toBeGreaterThanOrEqual(0);
        expect(seconds).toBeLessThanOrEqual(86_400);
      }),
    );
  });
});

describe('triggers that can only bring a stage forward', () => {
  const first = (bench: Bench) => bench.take({ kind: 'tick' }).schedule.stages[0];

  it('a window: waits for it, says so, and begins in it', () => {
    // The bench's day begins at 03:04:05 UTC.
    const windows = [clockWindow('03:05-04:00')];
    const bench = new Bench({ stages: { batch: { windows } } }, undefined);
    Object.assign(bench.policy, { timeZone: 'UTC' });
    bench.loseMains();
    expect(first(bench)).toMatchObject({ state: 'waiting', decidedBy: 'window' });
    expect(first(bench)?.beginsInS).toBeCloseTo(54, 0);
    bench.pass(56);
    expect(first(bench)).toMatchObject({ state: 'going-down' });
    expect(bench.entries('stage')).toMatchObject([{ stage: 'batch', began: true, trigger: 'window' }]);
  });

  it('a rate: a load that would empty the bank too quickly begins it at once', () => {
    const bench = new Bench({ stages: { batch: { fasterThanPerH: 0.5 } } });
    bench.loseMains();
    expect(first(bench)?.decidedBy).not.toBe('rate');
    bench.rack.bank = { ...bench.rack.bank, powerW: -600 };
    bench.pass();
    expect(bench.entries('stage')[0]).toMatchObject({ stage: 'batch', trigger: 'rate' });
  });

  it('neither begins anything while a person holds them', () => {
    const bench = new Bench({ stages: { batch: { fasterThanPerH: 0.01, windows: [clockWindow('00:00-00:00')] } } });
    bench.rack.setMains('absent');
    bench.rack.nowMs += 1000;
    bench.take({ kind: 'tick' });
    // It has begun with the loss; turned round, it stays held.
    bench.command({ kind: 'abort' });
    bench.pass(30);
    expect(first(bench)?.state).toBe('waiting');
  });
});

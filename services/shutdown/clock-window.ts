import { Zone } from '../runtime/zone.ts';

/** Times of day, in minutes since midnight. `toMin` before `fromMin` reaches over midnight. */
export interface ClockWindow {
  readonly fromMin: number;
  readonly toMin: number;
}

const DAY_MIN = 1440;

/** `22:00-06:30` as the schema lets it through. */
export function clockWindow(text: string): ClockWindow {
  const [from = '', to = ''] = text.split('-');
  return { fromMin: minutes(from), toMin: minutes(to) };
}

const minutes = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));

/**
 * Seconds until the clock enters the first of some windows; 0 inside one, at most a day. Pure. On days on which the
 * clock is put forward or back the answer is off by that hour until the change has happened.
 * @param wallMs ms since the epoch
 * @param timeZone IANA name; the machine's own zone when absent
 */
export function secondsUntilWindow(wallMs: number, windows: readonly ClockWindow[], timeZone?: string): number {
  const nowMin = minuteOfDay(wallMs, timeZone);
  const untilMin = windows.map(({ fromMin, toMin }) => {
    const lengthMin = (toMin - fromMin + DAY_MIN) % DAY_MIN || DAY_MIN;
    const sinceMin = (nowMin - fromMin + DAY_MIN) % DAY_MIN;
    return sinceMin < lengthMin ? 0 : DAY_MIN - sinceMin;
  });
  return Math.min(...untilMin) * 60;
}

const zones = new Map<string | undefined, Zone>();

function minuteOfDay(wallMs: number, timeZone: string | undefined): number {
  let zone = zones.get(timeZone);
  if (zone === undefined) {
    zone = new Zone(timeZone);
    zones.set(timeZone, zone);
  }
  return zone.minuteOfDay(wallMs) + ((wallMs / 1000) % 60) / 60;
}

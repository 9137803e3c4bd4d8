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

const formats = new Map<string, Intl.DateTimeFormat>();

function minuteOfDay(wallMs: number, timeZone: string | undefined): number {
  const key = timeZone ?? '';
  let format = formats.get(key);
  if (format === undefined) {
    const zone = timeZone === undefined ? {} : { timeZone };
    format = new Intl.DateTimeFormat('en-GB', { ...zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    formats.set(key, format);
  }
  const seconds = ((wallMs / 1000) % 60) / 60;
  return minutes(format.format(wallMs)) + seconds;
}

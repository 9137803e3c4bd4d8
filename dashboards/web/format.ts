/** Numbers as people read them: at most three significant digits, a thin space before the unit. */

const GAP = '\u202f';
const MINUS = '−';
/** Shown where a value is not known. */
export const NOTHING = '–';

const digits = (magnitude: number): string => {
  if (magnitude === 0) return '0';
  if (magnitude >= 99.95) return magnitude.toFixed(0);
  return magnitude.toFixed(magnitude >= 9.995 ? 1 : 2);
};

function quantity(value: number | undefined, unit: string, kilo?: string): string {
  if (value === undefined || !Number.isFinite(value)) return NOTHING;
  const large = kilo !== undefined && Math.abs(value) >= 999.5;
  const magnitude = Math.abs(large ? value / 1000 : value);
  const text = digits(magnitude);
  const sign = value < 0 && Number(text) !== 0 ? MINUS : '';
  return `${sign}${text}${GAP}${large ? kilo : unit}`;
}

export const volts = (value: number | undefined): string => quantity(value, 'V');
export const amps = (value: number | undefined): string => quantity(value, 'A');
export const watts = (value: number | undefined): string => quantity(value, 'W', 'kW');
export const wattHours = (value: number | undefined): string => quantity(value, 'Wh', 'kWh');
export const hertz = (value: number | undefined): string => quantity(value, 'Hz');
export const celsius = (value: number | undefined): string => quantity(value, '°C');
export const millivolts = (valueV: number | undefined): string =>
  quantity(valueV === undefined ? undefined : valueV * 1000, 'mV');

/** Watts in little room, without a unit: `6.2`, `15`. */
export const shortWatts = (value: number): string => (value >= 9.95 ? value.toFixed(0) : value.toFixed(1));

/** A charging or discharging value, always with its sign. */
export function signed(value: number | undefined, format: (value: number | undefined) => string): string {
  const text = format(value);
  return value !== undefined && value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

export function percent(ratio: number | undefined): string {
  if (ratio === undefined || !Number.isFinite(ratio)) return NOTHING;
  return `${(ratio * 100).toFixed(Math.abs(ratio) >= 0.9995 ? 0 : 1)}${GAP}%`;
}

const S = 1;
const MIN = 60 * S;
const HOUR = 60 * MIN;
const DAY = 24 * HOUR;

/** `45 s`, `23 min`, `3 h 12 min`, `2 d 4 h`. Whole units, rounded down: nobody is told of more time than there is. */
export function duration(seconds: number | undefined): string {
  if (seconds === undefined || !Number.isFinite(seconds)) return NOTHING;
  const s = Math.max(0, Math.floor(seconds));
  if (s < 2 * MIN) return `${s} s`;
  if (s < 100 * MIN) return `${Math.floor(s / MIN)} min`;
  if (s < 2 * DAY) return pair(Math.floor(s / HOUR), 'h', Math.floor((s % HOUR) / MIN), 'min');
  return pair(Math.floor(s / DAY), 'd', Math.floor((s % DAY) / HOUR), 'h');
}

const pair = (big: number, bigUnit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`;

/** Time of day, `19:42:07`, in the reader's own time zone. */
export function timeOfDay(wallMs: number): string {
  const date = new Date(wallMs);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `1 host`, `3 hosts`. */
export const count = (amount: number, noun: string): string => `${amount} ${noun}${amount === 1 ? '' : 's'}`;

/** Orders `pi2` before `pi10`. */
export const byNumber = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });

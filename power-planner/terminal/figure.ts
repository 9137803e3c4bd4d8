/** Figures for people: three digits and a unit. */

const BIG = 10_000;

/** `281 W`, `14.4 kWh`, `0.421 V`; infinity and what is no number as a dash. */
export function figure(value: number | undefined, unit = ''): string {
  if (value === undefined || !Number.isFinite(value)) return '–';
  const scaled = Math.abs(value) >= BIG && /^(W|VA|Wh|A|g)$/.test(unit);
  const shown = rounded(scaled ? value / 1000 : value);
  const symbol = scaled ? `k${unit}` : unit;
  return symbol === '' ? shown : `${shown} ${symbol}`;
}

/** `51.2 h`, `23 min`; infinity: it never ends. */
export function duration(hours: number): string {
  if (hours === Number.POSITIVE_INFINITY) return 'for ever';
  if (hours < 1) return `${rounded(hours * 60)} min`;
  return hours < 1000 ? `${rounded(hours)} h` : `${rounded(hours / 24)} days`;
}

export const percent = (ratio: number): string => (Number.isFinite(ratio) ? `${rounded(ratio * 100)} %` : '–');

function rounded(value: number): string {
  if (value === 0 || Math.abs(value) < 1e-9) return '0';
  const text = Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

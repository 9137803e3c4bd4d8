/**
 * Units that publishers write behind a number, or that a mapping says it is in, and what makes SI of them. Only units of
 * one kind can stand for each other: a voltage that says `A` is no voltage.
 */
const UNITS = {
  V: { kind: 'voltage', factor: 1 },
  mV: { kind: 'voltage', factor: 0.001 },
  A: { kind: 'current', factor: 1 },
  mA: { kind: 'current', factor: 0.001 },
  W: { kind: 'power', factor: 1 },
  kW: { kind: 'power', factor: 1000 },
  VA: { kind: 'apparent power', factor: 1 },
  kVA: { kind: 'apparent power', factor: 1000 },
  Wh: { kind: 'energy', factor: 1 },
  kWh: { kind: 'energy', factor: 1000 },
  Ah: { kind: 'charge', factor: 1 },
  mAh: { kind: 'charge', factor: 0.001 },
  Hz: { kind: 'frequency', factor: 1 },
  '%': { kind: 'ratio', factor: 0.01 },
  '°C': { kind: 'temperature', factor: 1 },
  C: { kind: 'temperature', factor: 1 },
  s: { kind: 'time', factor: 1 },
  min: { kind: 'time', factor: 60 },
  h: { kind: 'time', factor: 3600 },
} as const;

export type Unit = keyof typeof UNITS;
export const UNIT_NAMES = Object.keys(UNITS) as [Unit, ...Unit[]];

const NUMBER = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(\S{0,8})$/i;
/** Longer text is no number. */
const MAX_TEXT = 64;

/**
 * A number in SI out of what was published: a number, or text with or without a unit. undefined for anything else, NaN and
 * infinity among it, and for a unit of another kind than is expected.
 * @param expected the unit of a bare number; none: it is taken as it stands, and text with a unit is refused
 */
export function toldNumber(value: unknown, expected: Unit | undefined): number | undefined {
  if (typeof value === 'number') return scaled(value, expected);
  if (typeof value !== 'string' || value.length > MAX_TEXT) return undefined;
  const [, digits, unit] = NUMBER.exec(value.trim()) ?? [];
  if (digits === undefined) return undefined;
  if (unit === undefined || unit === '') return scaled(Number(digits), expected);
  if (expected === undefined || !isUnit(unit) || UNITS[unit].kind !== UNITS[expected].kind) return undefined;
  return scaled(Number(digits), unit);
}

const isUnit = (text: string): text is Unit => Object.hasOwn(UNITS, text);

function scaled(value: number, unit: Unit | undefined): number | undefined {
  if (!Number.isFinite(value)) return undefined;
  const factor = unit === undefined ? 1 : UNITS[unit].factor;
  // Divided, so that 3301 mV is 3.301 V and not 3.3010000000000002.
  return factor < 1 ? value / Math.round(1 / factor) : value * factor;
}

/** Numbers as devices with text interfaces send them. */

/** Class 8 at its port is 90 W; more is another unit, or nonsense. */
const MOST = { powerW: 100, voltageV: 100, currentA: 5, budgetW: 10_000 } as const;

/** A number, or a text that is nothing but a decimal number; unknown for everything else, `3,24` and `""` too. */
export function decimal(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string' || !/^\d{1,9}(\.\d{1,9})?$/.test(value)) return undefined;
  return Number(value);
}

/** As a figure of that kind; unknown when it is beyond what such a thing can have. */
export function plausible(kind: keyof typeof MOST, value: number | undefined): number | undefined {
  return value === undefined || value < 0 || value > MOST[kind] ? undefined : value;
}

export const watts = (value: unknown): number | undefined => plausible('powerW', decimal(value));
export const volts = (value: unknown): number | undefined => plausible('voltageV', decimal(value));
export const amps = (value: unknown): number | undefined => plausible('currentA', decimal(value));
/** From milliamperes to A. */
export function milliamps(value: unknown): number | undefined {
  const raw = decimal(value);
  return raw === undefined ? undefined : plausible('currentA', raw / 1000);
}

/** The fields that are known. */
export function known<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

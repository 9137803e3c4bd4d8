import type { EnergyPrice } from '../config/history.ts';
import type { Zone } from '../runtime/zone.ts';

const minutes = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));

/** Price of a kilowatt-hour from mains at this moment: the first of `hours` that fits, else the general one. Pure. */
export function priceAt(price: EnergyPrice, zone: Zone, atMs: number): number {
  const now = zone.minuteOfDay(atMs);
  const today = zone.weekday(atMs);
  for (const each of price.hours) {
    const from = minutes(each.from);
    const to = minutes(each.to);
    const overnight = to <= from;
    const inside = overnight ? now >= from || now < to : now >= from && now < to;
    // The small hours of a night belong to the day it began on.
    const day = overnight && now < to ? (today + 6) % 7 : today;
    const weekend = day === 0 || day === 6;
    if (inside && (each.days === 'every-day' || weekend === (each.days === 'weekend'))) return each.perKwh;
  }
  return price.perKwh;
}

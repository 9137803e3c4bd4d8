import type { SizedPack } from './sizing.ts';

/**
 * Packs that no other beats in cost, mass, hours and years to 80 % at once.
 * @param byCost rising cost, ties by mass, hours and years: what beats a pack comes before it, and a pack that is beaten by
 *   a beaten one is beaten by the front
 */
export function paretoFront(byCost: readonly SizedPack[]): SizedPack[] {
  const front: SizedPack[] = [];
  for (const pack of byCost) {
    if (!front.some((other) => dominates(other, pack))) front.push(pack);
  }
  return front;
}

function dominates(a: SizedPack, b: SizedPack): boolean {
  const aYears = a.years ?? 0;
  const bYears = b.years ?? 0;
  if (a.costUsd > b.costUsd || a.massKg > b.massKg || a.hours < b.hours || aYears < bYears) return false;
  return a.costUsd < b.costUsd || a.massKg < b.massKg || a.hours > b.hours || aYears > bYears;
}

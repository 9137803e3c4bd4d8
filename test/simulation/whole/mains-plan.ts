import { between, type Random } from '../random.ts';

export interface MainsChange {
  readonly atS: number;
  readonly present: boolean;
}

/** Mains goes away and comes back one to three times, at any moment; the first time for long in a `deep` story. */
export function mainsPlan(rng: Random, deep: boolean): MainsChange[] {
  const plan: MainsChange[] = [];
  let atS = between(rng, 60, 150);
  const outages = between(rng, 1, 3);
  for (let index = 0; index < outages; index += 1) {
    plan.push({ atS, present: false });
    if (deep && index === 0) atS += between(rng, 240, 420);
    else atS += rng() < 0.3 ? between(rng, 2, 60) : between(rng, 60, 500);
    plan.push({ atS, present: true });
    atS += rng() < 0.3 ? between(rng, 2, 60) : between(rng, 60, 300);
  }
  return plan;
}

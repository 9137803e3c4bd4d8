/** Numbers in 0..1 that follow from a seed. */
export type Random = () => number;

/** A small seeded generator (mulberry32). */
export function random(seed: number): Random {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A whole number from `least` to `most`, both included. */
export const between = (rng: Random, least: number, most: number): number =>
  least + Math.floor(rng() * (most - least + 1));

/** One of them. @throws RangeError when there is none */
export function oneOf<T>(rng: Random, items: readonly T[]): T {
  const item = items[Math.floor(rng() * items.length)];
  if (item === undefined) throw new RangeError('nothing to choose from');
  return item;
}

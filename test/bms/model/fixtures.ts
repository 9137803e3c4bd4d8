import { readFileSync } from 'node:fs';

/** A column of one of the CSV tables in test/fixtures/planner, as [x, y] pairs; empty cells left out. */
export function column(file: string, name: string): [number, number][] {
  const text = readFileSync(new URL(`../../fixtures/planner/${file}`, import.meta.url), 'utf8');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const names = lines[0]?.split(',') ?? [];
  const index = names.indexOf(name);
  if (index < 1) throw new Error(`${file} has no column ${name}`);
  return lines
    .slice(1)
    .map((line) => line.split(','))
    .filter((cells) => cells[index] !== '')
    .map((cells) => [Number(cells[0]), Number(cells[index])]);
}

/** Straight-line interpolation written on its own, so that the tests do not lean on the code under test. */
export function look(table: readonly (readonly [number, number])[], x: number): number {
  let before = table[0];
  for (const point of table) {
    if (before === undefined || point[0] >= x) {
      if (before === undefined || before === point || x <= before[0]) return point[1];
      return before[1] + ((x - before[0]) / (point[0] - before[0])) * (point[1] - before[1]);
    }
    before = point;
  }
  return before?.[1] ?? Number.NaN;
}

/** Seeded noise: mulberry32, uniform 0..1, and a normal deviate from it. */
export function seeded(seed: number): { uniform: () => number; normal: () => number } {
  let a = seed >>> 0;
  const uniform = (): number => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal };
}

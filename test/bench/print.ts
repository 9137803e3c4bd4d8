import type { Bench, Figure, Outcome, Spread } from './bench.ts';

/** One bench and what came of it, for people. */
export function textOf({ name, about }: Bench, outcome: Outcome): string {
  const lines = [`${name}: ${about}`];
  if ('skipped' in outcome) lines.push(`  SKIPPED: ${outcome.skipped}`);
  else {
    for (const figure of outcome.figures) lines.push(...figureLines(figure));
    for (const remark of outcome.remarks ?? []) lines.push(`  (${remark})`);
  }
  return lines.join('\n');
}

function figureLines({ what, unit, value, against }: Figure): string[] {
  const lines = [`  ${what}: ${spread(value)} ${unit}`];
  if (against !== undefined)
    lines.push(`    ${spread(against.ratio)} times ${against.what} (${number(against.value.median)} ${unit})`);
  return lines;
}

const spread = ({ median, min, max, runs }: Spread): string =>
  runs === 1 ? number(median) : `${number(median)} [${number(min)} … ${number(max)}, ${runs} runs]`;

/** Three digits that mean something. */
function number(value: number): string {
  if (!Number.isFinite(value) || value === 0) return String(value);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(6, digits));
}

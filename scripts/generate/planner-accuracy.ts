import { readFileSync } from 'node:fs';
import { evaluateCase, UPS_TABLES, upsMinutes } from '../../power-planner/index.ts';

/** A figure of somebody else, as a case of the planner. */
interface Reference {
  readonly group: string;
  readonly what: string;
  readonly kind: string;
  readonly inputs: unknown;
  readonly figure: string;
  readonly unit: string;
  readonly value: number;
  /** Largest deviation that is allowed, as a share; null: shown only. */
  readonly limit: number | null;
  readonly source: string;
}

const FILE = new URL('../../test/fixtures/planner/references.json', import.meta.url);

const HEAD = `<!-- Generated from test/fixtures/planner/references.json by scripts/generate. Do not edit. -->

# How well the planner agrees

Each row is one figure of another model or of a datasheet, and what \`power-planner\` says to the same question. A test
holds every row with a limit inside it. The references were run or read for this project; their figures are in
\`test/fixtures/planner/references.json\` as cases for \`holdover plan eval\`.
`;

/** The page docs/generated/planner-accuracy.md. */
export function plannerAccuracy(): string {
  const { references } = JSON.parse(readFileSync(FILE, 'utf8')) as { references: readonly Reference[] };
  const groups = [...Map.groupBy(references, ({ group }) => group)];
  return [HEAD, ...groups.map(([group, rows]) => section(group, rows)), upsSection()].join('\n');
}

function section(group: string, rows: readonly Reference[]): string {
  const lines = rows.map((one) => {
    const ours = answered(one);
    const limit = one.limit === null ? 'none' : share(one.limit, '');
    return row([one.what, said(one.value, one.unit), said(ours, one.unit), share(ours / one.value - 1, '+'), limit]);
  });
  const sources = [...new Set(rows.map(({ source }) => source))].map((source) => `- ${source}`);
  const head = [row(['', 'theirs', 'ours', 'off by', 'limit']), '| --- | ---: | ---: | ---: | ---: |'];
  const remark = rows.some(({ limit }) => limit === null)
    ? [
        '',
        'A circuit of curve and resistance is too hopeful for this slow cell at higher rates: above 0.5C the planner warns',
        '(`HIGH_RATE_UNCERTAIN`), and these rows have no limit.',
      ]
    : [];
  return [`## ${group}`, '', ...head, ...lines, ...remark, '', ...sources, ''].join('\n');
}

function answered({ what, kind, inputs, figure }: Reference): number {
  const answer = evaluateCase({ id: what, kind, inputs });
  const value = 'result' in answer ? answer.result[figure] : undefined;
  if (typeof value !== 'number') throw new Error(`${what}: the planner gives no ${figure}`);
  return value;
}

/** Every published point from its neighbours, with the one itself left out. */
function upsSection(): string {
  const lines = UPS_TABLES.filter(({ points }) => points.length > 4).map(({ model, points, source }) => {
    const inner = points.slice(1, -1).map(([load, minutes], i) => {
      return upsMinutes(points.toSpliced(i + 1, 1), load).minutes / minutes - 1;
    });
    const worst = inner.reduce((most, one) => (Math.abs(one) > Math.abs(most) ? one : most), 0);
    return row([model, String(inner.length), share(worst, '+'), share(0.08, ''), source]);
  });
  return [
    '## UPS tables of the maker',
    '',
    'Interpolated in log-log between published points, never by a power law through two. Each inner point is left out and',
    'asked for; the worst deviation of each table:',
    '',
    row(['', 'points', 'worst', 'limit', 'source']),
    '| --- | ---: | ---: | ---: | --- |',
    ...lines,
    '',
  ].join('\n');
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

const said = (value: number, unit: string): string => `${Number(value.toPrecision(5))}${unit === '' ? '' : ` ${unit}`}`;

function share(ratio: number, plus: string): string {
  const percent = Number((100 * ratio).toFixed(2));
  return `${percent > 0 ? plus : ''}${percent === 0 ? 0 : percent} %`;
}

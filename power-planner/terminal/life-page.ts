import type { LifeAnswer } from '../answers/life.ts';
import { bar, plot } from './chart.ts';
import { figure, percent } from './figure.ts';
import { closing, type PageOptions, section } from './page.ts';
import { pairs, table } from './table.ts';

const BAR = 24;

/** `plan life` for people. */
export function lifePage(answer: LifeAnswer, options: PageOptions): string[] {
  const { style } = options;
  const { pack, endHealth, temperatureC, standbySoc, outagesPerYear, depth } = answer;
  const target = answer.targetYears === undefined ? '' : `, wanted ${figure(answer.targetYears)}`;
  return [
    style.strong(`${answer.name}: how long does the pack live?`),
    ...pairs(
      [
        ['pack', `${pack.series}s${pack.parallel}p ${pack.cell}`],
        ['stands at', `${percent(standbySoc)} charge and ${figure(temperatureC)} °C`],
        ['outages', `${figure(outagesPerYear)} a year, ${percent(depth)} deep`],
        [
          'lives',
          `${range(answer.yearsMin, answer.yearsMax, answer.longestYears)} until ${percent(endHealth)} is left${target}`,
        ],
      ],
      style,
    ),
    ...section('by model', models(answer, options), options),
    ...section('charge left, by the most cautious model', curve(answer, options), options),
    ...section('what standing otherwise would do', choices(answer, options), options),
    ...closing(answer, options),
  ];
}

const yearsOf = (years: number, longest: number): string =>
  years >= longest ? `more than ${longest} years` : `${figure(years)} years`;

function range(min: number, max: number, longest: number): string {
  if (max - min < 0.05) return yearsOf(min, longest);
  return `${figure(min)} to ${yearsOf(max, longest)}`;
}

function models({ models: all, datasheetCycles, longestYears }: LifeAnswer, { style }: PageOptions): string[] {
  const lines = all.map((one) => [
    one.model,
    yearsOf(one.years, longestYears),
    percent(one.calendarLoss),
    percent(one.cycleLoss),
  ]);
  const sheet =
    datasheetCycles === undefined ? [] : [`  the datasheet says ${figure(datasheetCycles)} cycles of this depth`];
  return [...table(['', 'lives', 'lost by standing', 'lost by cycles'], lines, style), ...sheet];
}

function curve({ models: [cautious] }: LifeAnswer, { columns }: PageOptions): string[] {
  return plot(
    (cautious?.curve ?? []).map(({ years, healthRatio }) => ({ x: years, y: healthRatio })),
    {
      columns: Math.min(Math.max(columns - 16, 20), 48),
      rows: 6,
      xLabel: (value) => `${figure(value)} a`,
      yLabel: percent,
    },
  );
}

function choices(
  { choices: all, savedAt80Ratio, standbySoc, longestYears }: LifeAnswer,
  { style }: PageOptions,
): string[] {
  const most = Math.max(...all.map(({ yearsMin }) => yearsMin));
  const lines = all.map((one) => [
    percent(one.standbySoc),
    `${figure(one.temperatureC)} °C`,
    range(one.yearsMin, one.yearsMax, longestYears),
    percent(one.tenYearLoss),
    bar(one.yearsMin / most, BAR),
  ]);
  const saved =
    standbySoc > 0.8
      ? [`  standing at 80 % instead of ${percent(standbySoc)} saves ${percent(savedAt80Ratio)} of the loss`]
      : [];
  return [...table(['stands at', 'at', 'lives', 'lost in 10 years', ''], lines, style, [0, 4]), ...saved];
}

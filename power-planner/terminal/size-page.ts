import type { PackOffer, SizeAnswer } from '../answers/size.ts';
import { duration, figure, percent } from './figure.ts';
import { closing, type PageOptions, section } from './page.ts';
import { pairs, table, wrapped } from './table.ts';

const MOST_ROWS = 12;

/** `plan size` for people. */
export function sizePage(answer: SizeAnswer, options: PageOptions): string[] {
  const { style } = options;
  return [
    style.strong(`${answer.name}: which pack?`),
    ...pairs(
      [
        [
          'wanted',
          `${duration(answer.targetHours)} at ${percent(answer.healthRatio)} health and ${figure(answer.coldestC)} °C`,
        ],
        [
          'load',
          `${figure(answer.packW, 'W')} from the pack, at most ${figure(answer.peakW, 'W')}; ${figure(answer.reserveWh, 'Wh')} kept for the shutdown`,
        ],
        ['bus', `${figure(answer.busMinV)} to ${figure(answer.busMaxV, 'V')}`],
        ['by', answer.objective],
      ],
      style,
    ),
    ...section('the choice', choice(answer, options), options),
    ...section('no other beats these in cost, mass, hours and life at once', front(answer, options), options),
    ...section('what cannot be', refused(answer, options), options),
    ...closing(answer, options),
  ];
}

function row(what: string, offer: PackOffer): string[] {
  const limits = { energy: 'energy', current: 'current', 'one-string': 'one string' }[offer.limitedBy];
  return [
    what,
    `${offer.series}s${offer.parallel}p ${offer.cell}`,
    offer.chemistry === 'lto' ? 'LTO' : 'LiFePO4',
    duration(offer.hours),
    figure(offer.energyWh, 'Wh'),
    `${figure(offer.costUsd)} USD`,
    figure(offer.massKg, 'kg'),
    offer.rechargeHours === undefined ? '–' : duration(offer.rechargeHours),
    offer.years === undefined ? '–' : figure(offer.years),
    limits,
  ];
}

const HEAD = ['', 'pack', 'chemistry', 'lasts', 'gives', 'cost', 'mass', 'full in', 'years', 'limited by'];

function choice({ winner, runnerUp, otherChemistry }: SizeAnswer, { style }: PageOptions): string[] {
  if (winner === undefined) return [`  ${style.danger('no pack of the catalogue fulfils these wishes')}`];
  const lines = [row('best', winner)];
  if (runnerUp !== undefined) lines.push(row('next cell', runnerUp));
  if (otherChemistry !== undefined) lines.push(row('other chemistry', otherChemistry));
  const missing = otherChemistry === undefined ? ['  no pack of another chemistry fulfils them'] : [];
  return [...table(HEAD, lines, style, [0, 1, 2, 9]), ...missing];
}

function front({ pareto }: SizeAnswer, { style }: PageOptions): string[] {
  if (pareto.length < 2) return [];
  const shown = pareto.slice(0, MOST_ROWS).map((offer) => row('', offer));
  const more = pareto.length > MOST_ROWS ? [`  and ${pareto.length - MOST_ROWS} more; --json has all`] : [];
  return [...table(HEAD, shown, style, [0, 1, 2, 9]), ...more];
}

function refused({ refused: all, thinned }: SizeAnswer, { columns }: PageOptions): string[] {
  const same = Map.groupBy(all, ({ text }) => text);
  const lines = [...same].flatMap(([text, those]) =>
    wrapped('  ', `${those.map(({ id }) => id).join(', ')}: ${text}`, columns),
  );
  return thinned === undefined ? lines : [...lines, ...wrapped('  ', thinned, columns)];
}

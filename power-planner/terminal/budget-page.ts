import type { BudgetAnswer } from '../answers/budget.ts';
import { bar } from './chart.ts';
import { figure, percent } from './figure.ts';
import { closing, type PageOptions, section } from './page.ts';
import { pairs, table } from './table.ts';

const BAR = 20;

/** `plan budget` for people. */
export function budgetPage(answer: BudgetAnswer, options: PageOptions): string[] {
  const { style } = options;
  return [
    style.strong(`${answer.name}: does it fit?`),
    ...circuit(answer, options),
    ...section('load on the circuit', rows(answer, options), options),
    ...section('who takes it (at most load)', consumers(answer, options), options),
    ...section('PoE (at most load, per switch)', switches(answer, options), options),
    ...section('charger and switching on', charger(answer, options), options),
    ...closing(answer, options),
  ];
}

function circuit({ circuit: of }: BudgetAnswer, { style }: PageOptions): string[] {
  const plug = of.plug === undefined ? '' : `, plug ${of.plug} ${figure(of.plugLimitA, 'A')}`;
  const limit = `${figure(of.breakerA, 'A')} at ${figure(of.volts, 'V')}: ${figure(of.limitA, 'A')} (${figure(of.limitVa, 'VA')}) for hours${plug}`;
  const wire: [string, string][] =
    of.dropV === undefined
      ? []
      : [['wire', `${figure(of.dropV, 'V')} (${percent(of.dropRatio ?? 0)}) lost at most load with the charger`]];
  return pairs([['circuit', limit], ...wire], style);
}

function rows(answer: BudgetAnswer, { style }: PageOptions): string[] {
  const lines = answer.rows.map((row) => [
    row.level,
    figure(row.devicesW, 'W'),
    figure(row.mainsW, 'W'),
    figure(row.apparentVa, 'VA'),
    figure(row.currentA, 'A'),
    figure(row.headroomA, 'A'),
    figure(row.packW, 'W'),
    figure(row.chargerSetA, 'A'),
    paint(row.usedRatio, style)(`${bar(row.usedRatio, BAR)} ${percent(row.usedRatio)}`),
  ]);
  const head = ['', 'devices', 'mains', 'VA', 'amperes', 'free', 'from pack', 'charger fits', 'of the limit'];
  return table(head, lines, style, [0, 8]);
}

function paint(ratio: number, style: PageOptions['style']): (text: string) => string {
  if (ratio > 1) return style.danger;
  return ratio > 0.9 ? style.caution : style.good;
}

function consumers({ consumers: all, circuit: of }: BudgetAnswer, { style }: PageOptions): string[] {
  const lines = all
    .slice(0, 12)
    .map(({ id, count, mainsW, powerFactor, currentA }) => [
      count > 1 ? `${count} × ${id}` : id,
      figure(mainsW, 'W'),
      figure(powerFactor),
      figure(currentA, 'A'),
      bar(currentA / of.limitA, BAR),
    ]);
  const more = all.length > 12 ? [`  and ${all.length - 12} more`] : [];
  return all.length === 0 ? [] : [...table(['', 'mains', 'pf', 'amperes', ''], lines, style, [0, 4]), ...more];
}

function switches({ switches: all }: BudgetAnswer, { style }: PageOptions): string[] {
  const lines = all.map((one) => [
    one.count > 1 ? `${one.count} × ${one.id}` : one.id,
    one.ports === undefined ? String(one.portsUsed) : `${one.portsUsed} of ${one.ports}`,
    figure(one.consumedW, 'W'),
    `${figure(one.budgetedW, 'W')}${one.allocates === 'class' ? ' by class' : ''}`,
    figure(one.budgetW, 'W'),
    one.portLimitW === undefined ? figure(one.portW, 'W') : `${figure(one.portW)} of ${figure(one.portLimitW, 'W')}`,
    figure(one.cableLossW, 'W'),
  ]);
  const head = ['', 'ports', 'taken', 'counted', 'budget', 'hungriest port', 'cables lose'];
  return lines.length === 0 ? [] : table(head, lines, style);
}

function charger({ charger: planned, rows: all, inrush }: BudgetAnswer, { style }: PageOptions): string[] {
  const at = (wanted: string): string => figure(all.find(({ level }) => level === wanted)?.chargerSetA, 'A');
  const verdict = (fits: boolean): string => (fits ? style.good('fits') : style.danger('does not fit'));
  const lines: [string, string][] =
    planned === undefined
      ? []
      : [
          [
            'planned',
            `${figure(planned.dcA, 'A')} into the pack, ${figure(planned.mainsW, 'W')} and ${figure(planned.currentA, 'A')} from mains: ${verdict(planned.fits)} beside the most load`,
          ],
        ];
  if (all.some(({ chargerSetA }) => chargerSetA !== undefined)) {
    lines.push(['set it to', `${at('max')} (beside the most load), ${at('typical')} beside a typical one`]);
  }
  lines.push([
    'inrush',
    `up to ${figure(inrush.peakA, 'A')} for some ms if ${inrush.supplies} supplies start together; this breaker may trip from ${figure(inrush.limitA, 'A')}`,
  ]);
  return pairs(lines, style);
}

import type { Chain } from '../answers/chain.ts';
import type { RunAnswer } from '../answers/runtime.ts';
import type { TimelinePoint } from '../model/timeline.ts';
import { bar, plot } from './chart.ts';
import { duration, figure, percent } from './figure.ts';
import { closing, type PageOptions, section } from './page.ts';
import { pairs, table } from './table.ts';

const BAR = 24;
const PLOT_ROWS = 8;

/** `plan runtime` for people. */
export function runtimePage(answer: RunAnswer, options: PageOptions): string[] {
  const { pack, style } = { ...answer, ...options };
  const load = answer.byProfile ? `a load over time, at most ${figure(answer.peakW, 'W')}` : figure(answer.packW, 'W');
  const [fresh] = answer.cases;
  return [
    style.strong(`${answer.name}: how long does it run?`),
    ...pairs(
      [
        [
          'pack',
          `${pack.series}s${pack.parallel}p ${pack.cell}, ${figure(pack.ratedWh, 'Wh')}, ${figure(pack.cutoffV, 'V')} to ${figure(pack.fullV, 'V')}`,
        ],
        ['load', `${load} from the pack`],
      ],
      style,
    ),
    ...section('where the watts go', answer.chain === undefined ? [] : chain(answer.chain, options), options),
    ...section('runtime', cases(answer, options), options),
    ...section('the discharge, new: voltage under load', curve(fresh?.curve ?? [], options), options),
    ...section('shedding, new', shedding(answer, options), options),
    ...section('shutdown and recharge', after(answer, options), options),
    ...closing(answer, options),
  ];
}

function chain({ parts, packW, usefulW }: Chain, { style }: PageOptions): string[] {
  if (!(packW > 0)) return ['  nothing draws power'];
  const lines = parts.map(({ what, watts }) => [
    what,
    figure(watts, 'W'),
    percent(watts / packW),
    bar(watts / packW, BAR),
  ]);
  const factor = usefulW > 0 ? `${figure(packW / usefulW)} times what the devices take` : '';
  return [
    ...table(['', 'watts', 'share', ''], [...lines, ['from the pack', figure(packW, 'W'), '', factor]], style, [0, 3]),
  ];
}

function cases({ cases: all, targetHours }: RunAnswer, { style }: PageOptions): string[] {
  const longest = Math.max(...all.map(({ hours }) => (Number.isFinite(hours) ? hours : 0)), targetHours ?? 0);
  const lines = all.map((one) => [
    one.label,
    `${one.temperatureC} °C`,
    percent(one.healthRatio),
    targetHours !== undefined && one.hours < targetHours ? style.danger(duration(one.hours)) : duration(one.hours),
    duration(one.hoursToTrigger),
    figure(one.energyWh, 'Wh'),
    bar(Math.min(one.hours / longest, 1), BAR),
  ]);
  const head = ['', 'at', 'health', 'to the cut-off', 'to the shutdown', 'delivers', ''];
  const wanted = targetHours === undefined ? [] : [`  wanted: ${duration(targetHours)}`];
  return [...table(head, lines, style, [0, 6]), ...wanted];
}

function curve(points: readonly TimelinePoint[], { columns }: PageOptions): string[] {
  return plot(
    points.map(({ hours, volts }) => ({ x: hours, y: volts })),
    {
      columns: Math.min(Math.max(columns - 16, 20), 64),
      rows: PLOT_ROWS,
      xLabel: duration,
      yLabel: (value) => figure(value, 'V'),
    },
  );
}

function shedding({ shedding: shed }: RunAnswer, { style }: PageOptions): string[] {
  if (shed === undefined) return [];
  const lines = shed.steps.map((step) => [
    step.name,
    step.off.join(', '),
    figure(step.packW, 'W'),
    duration(step.fromHours),
    duration(step.hours),
    `${percent(step.socStart)} → ${percent(step.socEnd)}`,
    bar(step.hours / shed.hours, BAR),
  ]);
  return [
    ...table(['step', 'goes off', 'from pack', 'after', 'lasts', 'charge', ''], lines, style, [0, 1, 6]),
    `  ${duration(shed.hours)} in all, ${duration(shed.unshedHours)} without shedding`,
  ];
}

function after({ reserve, recharge }: RunAnswer, { style }: PageOptions): string[] {
  const kept = `${figure(reserve.reserveWh, 'Wh')} (${percent(reserve.reserveRatio)}): begin the shutdown at ${percent(reserve.triggerSoc)} charge`;
  const refill =
    recharge === undefined
      ? 'nothing known'
      : `full after ${recharge.hours === Number.POSITIVE_INFINITY ? 'never: nothing is left for it' : duration(recharge.hours)}, with ${figure(recharge.currentA, 'A')} (the ${recharge.limitedBy} limits), ${figure(recharge.mainsWh, 'Wh')} from mains`;
  return pairs(
    [
      ['reserve', kept],
      ['recharge', refill],
    ],
    style,
  );
}

import type { Comparison, Deviation } from '../compare/compare.ts';
import type { Estimate } from '../compare/fit-pack.ts';
import { duration, figure, percent } from './figure.ts';
import type { Style } from './style.ts';
import { pairs, table } from './table.ts';

export type Compared = Comparison & {
  readonly name: string;
  readonly notes: readonly string[];
  readonly stages?: readonly { readonly name: string; readonly hours: number }[];
};

/** `plan compare` for people. */
export function comparePage(answer: Compared, style: Style): string[] {
  const { fit, measured, load, hours, hoursByPack, energyWh, advice, stages = [] } = answer;
  const heading = (title: string): string[] => ['', style.strong(title)];
  const end = measured.toCutoff ? 'it ends at the cut-off' : 'it ends before the cut-off';
  return [
    style.strong(`${answer.name}: the outage against the plan`),
    ...pairs(
      [
        [
          'recorded',
          `${duration(measured.hours)}, ${figure(measured.energyWh, 'Wh')}, ${figure(measured.usedAh, 'Ah')}; ${end}`,
        ],
        ['load', `${figure(measured.meanW, 'W')} on average`],
        ...(measured.longestGapS > 120
          ? [['gap', `${duration(measured.longestGapS / 3600)} without a reading`] as const]
          : []),
      ],
      style,
    ),
    ...heading('how far off the plan was'),
    ...table(
      ['', 'planned', 'real', 'the plan was'],
      [
        ...(load === undefined ? [] : [['load', figure(load.planned, 'W'), figure(load.real, 'W'), off(load)]]),
        ['runtime', duration(hours.planned), duration(hours.real), off(hours)],
        ['of it by the pack', duration(hoursByPack.planned), duration(hoursByPack.real), off(hoursByPack)],
        ['energy', figure(energyWh.planned, 'Wh'), figure(energyWh.real, 'Wh'), off(energyWh)],
      ],
      style,
    ),
    ...heading('the pack as it is'),
    ...pairs(
      [
        ['charge', `${estimate(fit.capacityAh, 'Ah')}, ${percent(fit.capacityRatio.value)} of the planned`],
        [
          'resistance',
          `${estimate({ value: fit.resistanceOhm.value * 1000, sigma: fit.resistanceOhm.sigma * 1000 }, 'mohm')}, ${percent(fit.resistanceRatio.value)} of the planned`,
        ],
        ['began at', `${percent(fit.socStart.value)} ± ${percent(fit.socStart.sigma)}`],
        ['left over', `${figure(fit.residualV, 'V')} between this pack and the readings`],
      ],
      style,
    ),
    ...heading('what to change in the scenario'),
    ...(advice.length === 0
      ? ['  nothing: the plan was right within what this recording can tell']
      : advice.map(
          (one) =>
            `  ${style.strong(one.what)}: ${figure(one.from, one.unit)} → ${figure(one.to, one.unit)}; ${one.because}`,
        )),
    ...(stages.length === 0 ? [] : heading('what went down')),
    ...stages.map(({ name, hours: at }) => `  ${name} after ${duration(at)}`),
    ...[...fit.notes, ...answer.notes].map((note) => style.caution(`  note: ${note}`)),
  ];
}

const estimate = ({ value, sigma }: Estimate, unit: string): string => `${figure(value)} ± ${figure(sigma, unit)}`;

const off = ({ ratio }: Deviation): string => {
  if (Math.abs(ratio) < 0.005) return 'right';
  return `${percent(Math.abs(ratio))} too ${ratio > 0 ? 'high' : 'low'}`;
};

import type { RunAnswer, RuntimeCase } from '../answers/runtime.ts';
import type { PackOffer, SizeAnswer } from '../answers/size.ts';
import type { TimelinePoint } from '../model/timeline.ts';
import { duration } from '../terminal/figure.ts';
import { element } from './markup.ts';
import { frame, HEIGHT, line, pathThrough, picture, text } from './plot.ts';

/** Points of a picture at most: a load that changes every hour for weeks has more than anybody sees. */
const MOST_POINTS = 400;

/** Voltage over time: new, at the end of the life, in the cold. Undefined when nothing draws power. */
export function dischargeChart({ cases, pack }: RunAnswer): string | undefined {
  const shown = cases.filter(({ hours, curve }) => Number.isFinite(hours) && hours > 0 && curve.length > 1);
  if (shown.length === 0) return undefined;
  const longest = Math.max(...shown.map(({ hours }) => hours));
  const lowest = pack.cutoffV - 0.06 * (pack.fullV - pack.cutoffV);
  const highest = Math.max(pack.fullV, ...shown.flatMap(({ curve }) => curve.map(({ volts }) => volts)));
  const axes = frame({ min: 0, max: longest, label: 'hours' }, { min: lowest, max: highest, label: 'volts' });
  const lines = shown.map((one, i) =>
    element('path', { d: pathThrough(placesOf(one, axes)), class: `course course-${i % 4}` }),
  );
  const cutoff = line(axes.inside.left, axes.y(pack.cutoffV), axes.inside.right, axes.y(pack.cutoffV), 'limit');
  const legend = shown.map(({ label, hours }, i) => {
    const y = axes.inside.bottom - 12 - (shown.length - i) * 15;
    return (
      line(axes.inside.left + 8, y - 3.5, axes.inside.left + 30, y - 3.5, `course course-${i % 4}`) +
      text(axes.inside.left + 35, y, `${label}: ${duration(hours)}`, { class: 'label' })
    );
  });
  return picture('voltage while the pack is discharged', HEIGHT, axes.drawn, cutoff, ...lines, ...legend);
}

const placesOf = ({ curve }: RuntimeCase, axes: ReturnType<typeof frame>): readonly (readonly [number, number])[] =>
  thinned(curve).map(({ hours, volts }) => [axes.x(hours), axes.y(volts)] as const);

function thinned(curve: readonly TimelinePoint[]): readonly TimelinePoint[] {
  const every = Math.ceil(curve.length / MOST_POINTS);
  return every <= 1 ? curve : curve.filter((_, i) => i % every === 0 || i === curve.length - 1);
}

/** Load and charge over time, with what goes off. Undefined when nothing draws power. */
export function sheddingChart({ shedding, cases }: RunAnswer): string | undefined {
  const [fresh] = cases;
  const curve = thinned(shedding?.curve ?? fresh?.curve ?? []);
  const longest = curve.at(-1)?.hours ?? 0;
  const most = curve.reduce((high, { watts }) => Math.max(high, watts), 0);
  if (!(longest > 0 && most > 0)) return undefined;
  const axes = frame(
    { min: 0, max: longest, label: 'hours' },
    { min: 0, max: most * 1.15, label: 'watts from the pack' },
    { min: 0, max: 115, label: 'charge, %' },
  );
  const load: (readonly [number, number])[] = [[axes.x(0), axes.y(0)]];
  for (const { hours, watts } of curve) load.push([axes.x(hours), axes.y(watts)]);
  load.push([axes.x(longest), axes.y(0)]);
  const charge = curve.map(({ hours, socRatio }) => [axes.x(hours), axes.y(socRatio * most)] as const);
  const names = (shedding?.steps ?? []).map(({ name, packW, fromHours, hours }, i) => {
    const wide = axes.x(fromHours + hours) - axes.x(fromHours);
    const fits = [...name].length + 2 <= (wide - 6) / 6.2;
    const edge = i === 0 ? '' : line(axes.x(fromHours), axes.inside.top, axes.x(fromHours), axes.inside.bottom, 'edge');
    const label = fits ? `${i + 1} ${name}` : String(i + 1);
    const y = Math.min(axes.y(packW) - 4, axes.inside.bottom - 4);
    return edge + (wide < 9 ? '' : text(axes.x(fromHours) + 4, y, label, { class: 'label' }));
  });
  return picture(
    'load and charge over time',
    HEIGHT,
    axes.drawn,
    element('path', { d: `${pathThrough(load)}Z`, class: 'load' }),
    ...names,
    element('path', { d: pathThrough(charge), class: 'course course-1' }),
  );
}

/** Cost against hours of every pack that fits; those that nothing beats carry the number of their row. */
export function paretoChart({ offers, pareto, winner, targetHours }: SizeAnswer, most: number): string | undefined {
  const shown = pareto.slice(0, most).filter(({ hours }) => Number.isFinite(hours));
  const others = offers.filter((one) => !shown.includes(one)).slice(0, 150);
  if (shown.length === 0) return undefined;
  const all = [...others, ...shown];
  const highestUsd = Math.max(...all.map(({ costUsd }) => costUsd));
  const longest = Math.max(...all.map(({ hours }) => hours), targetHours);
  const axes = frame(
    { min: 0, max: highestUsd * 1.1 || 1, label: 'cost of the cells, USD' },
    { min: 0, max: longest * 1.12, label: 'hours at the end of its life' },
  );
  const dot = ({ costUsd, hours }: PackOffer): string =>
    element('circle', { cx: axes.x(costUsd), cy: axes.y(hours), r: 2, class: 'other' });
  const same = (one: PackOffer): boolean =>
    one.cell === winner?.cell && one.series === winner.series && one.parallel === winner.parallel;
  const numbered = shown.map((one, i) => {
    const [x, y] = [axes.x(one.costUsd), axes.y(one.hours)];
    const name = `mark ${one.chemistry}${same(one) ? ' best' : ''}`;
    const mark =
      one.chemistry === 'lto'
        ? element('rect', { x: x - 7, y: y - 7, width: 14, height: 14, class: name })
        : element('circle', { cx: x, cy: y, r: 7.5, class: name });
    return mark + text(x, y + 3.6, String(i + 1), { class: 'number', 'text-anchor': 'middle' });
  });
  const wanted = line(axes.inside.left, axes.y(targetHours), axes.inside.right, axes.y(targetHours), 'limit');
  return picture('packs by cost and hours', HEIGHT, axes.drawn, wanted, ...others.map(dot), ...numbered.toReversed());
}

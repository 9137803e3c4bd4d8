import type { Flow } from '../answers/chain.ts';
import { figure } from '../terminal/figure.ts';
import { element } from './markup.ts';
import { picture, short, text, WIDTH } from './plot.ts';

/** Where the watts go, as bands as thick as they are many. */

interface Place {
  readonly name: string;
  readonly layer: number;
  readonly watts: number;
  readonly loss: boolean;
  /** Upper left corner, and how thick. */
  readonly x: number;
  readonly y: number;
  readonly thick: number;
}

const TOP = 20;
const BAR = 8;
/** Room for a label of every place, however thin its band. */
const ROOM = 27;
/** Right of the last bars, for their labels. */
const MARGIN = 92;
const TALLEST = 190;
/** Beyond so many, the smallest go together. */
const MOST_CONSUMERS = 9;

/** At the right edge what is of use comes first, and what is lost last. */
const rank = (name: string): number => {
  if (isLoss(name)) return 2;
  return name === 'switches themselves' ? 1 : 0;
};

const SHORTER: ReadonlyMap<string, string> = new Map([['switches themselves', 'switches']]);

const isLoss = (name: string): boolean => / loss$/.test(name);

/** @param flows from `pack` on; they may split and join again */
export function sankey(all: readonly Flow[]): string {
  const flows = gathered(all);
  const places = placesOf(flows);
  const height = Math.max(...[...places.values()].map(({ y, thick }) => y + Math.max(thick, ROOM)), 60) + 2;
  const out = new Map<string, number>();
  const into = new Map<string, number>();
  const scale = scaleOf(places);
  const bands = inOrder(flows, places).map(({ from, to, watts }) => {
    const start = places.get(from);
    const end = places.get(to);
    if (start === undefined || end === undefined) return '';
    const y1 = start.y + (out.get(from) ?? 0);
    const y2 = end.y + (into.get(to) ?? 0);
    const thick = watts * scale;
    out.set(from, (out.get(from) ?? 0) + thick);
    into.set(to, (into.get(to) ?? 0) + thick);
    const data = band([start.x + BAR, y1], [end.x, y2], Math.max(thick, 0.6));
    return element('path', { d: data, class: isLoss(to) ? 'band loss' : 'band' });
  });
  const bars = [...places.values()].map((place) => {
    const x = place.x + BAR + 4;
    const y = place.y + Math.max(place.thick / 2, 9);
    return (
      element('rect', {
        x: place.x,
        y: place.y,
        width: BAR,
        height: Math.max(place.thick, 1),
        class: place.loss ? 'bar loss' : 'bar',
      }) +
      text(x, y - 1, short(SHORTER.get(place.name) ?? place.name, 14), { class: 'label' }) +
      text(x, y + 11, figure(place.watts, 'W'), { class: 'label' })
    );
  });
  return picture('where the watts go', height, ...bands, ...bars);
}

/** By where they end, then where they begin: then hardly any cross. */
function inOrder(flows: readonly Flow[], places: ReadonlyMap<string, Place>): readonly Flow[] {
  const height = (name: string): number => places.get(name)?.y ?? 0;
  return [...flows].sort((a, b) => height(a.to) - height(b.to) || height(a.from) - height(b.from));
}

/** The smallest consumers as one, so that every label has room; losses of the same kind join by themselves. */
function gathered(flows: readonly Flow[]): readonly Flow[] {
  const feeding = new Set(flows.map(({ from }) => from));
  const sizes = new Map<string, number>();
  for (const { to, watts } of flows)
    if (feeding.has(to) && to !== 'inverter') sizes.set(to, (sizes.get(to) ?? 0) + watts);
  const small = new Set(
    [...sizes]
      .sort(([, a], [, b]) => b - a)
      .slice(MOST_CONSUMERS)
      .map(([name]) => name),
  );
  const renamed = (name: string): string => (small.has(name) ? 'others' : name);
  const joined = new Map<string, Flow>();
  for (const { from, to, watts } of flows) {
    const flow = { from: renamed(from), to: renamed(to) };
    if (flow.from === flow.to) continue;
    const key = `${flow.from}\n${flow.to}`;
    joined.set(key, { ...flow, watts: watts + (joined.get(key)?.watts ?? 0) });
  }
  return [...joined.values()];
}

const scaleOf = (places: ReadonlyMap<string, Place>): number => {
  const most = [...places.values()].reduce((high, { watts }) => Math.max(high, watts), 0);
  return most > 0 ? TALLEST / most : 0;
};

function placesOf(flows: readonly Flow[]): ReadonlyMap<string, Place> {
  const layers = layersOf(flows);
  const last = Math.max(...layers.values(), 1);
  const watts = new Map<string, number>();
  for (const name of layers.keys()) {
    const sum = (side: 'from' | 'to'): number =>
      flows.reduce((total, flow) => total + (flow[side] === name ? flow.watts : 0), 0);
    watts.set(name, Math.max(sum('from'), sum('to')));
  }
  const scale = TALLEST / Math.max(...watts.values(), 1e-9);
  const places = new Map<string, Place>();
  for (let layer = 0; layer <= last; layer++) {
    let y = TOP - 14;
    const here = [...layers].filter(([, one]) => one === layer).map(([name]) => name);
    here.sort((a, b) => rank(a) - rank(b));
    for (const name of here) {
      const thick = (watts.get(name) ?? 0) * scale;
      const x = 2 + (layer * (WIDTH - 4 - BAR - MARGIN)) / last;
      places.set(name, { name, layer, watts: watts.get(name) ?? 0, loss: isLoss(name), x, y, thick });
      y += Math.max(thick + 4, ROOM);
    }
  }
  return places;
}

/** By the longest way from the beginning; what feeds nothing stands at the right edge. */
function layersOf(flows: readonly Flow[]): ReadonlyMap<string, number> {
  const layers = new Map<string, number>();
  for (const { from, to } of flows) {
    layers.set(from, 0);
    layers.set(to, 0);
  }
  // As many rounds as there are places settle every way that is no circle.
  for (let round = 0; round < layers.size; round++) {
    for (const { from, to } of flows) {
      layers.set(to, Math.min(Math.max(layers.get(to) ?? 0, (layers.get(from) ?? 0) + 1), layers.size));
    }
  }
  const feeding = new Set(flows.map(({ from }) => from));
  const last = Math.max(...layers.values(), 1);
  for (const name of layers.keys()) if (!feeding.has(name)) layers.set(name, last);
  return layers;
}

function band([x1, y1]: readonly [number, number], [x2, y2]: readonly [number, number], thick: number): string {
  const middle = (x1 + x2) / 2;
  const n = (value: number): string => String(Math.round(value * 10) / 10);
  return [
    `M${n(x1)} ${n(y1)}C${n(middle)} ${n(y1)} ${n(middle)} ${n(y2)} ${n(x2)} ${n(y2)}`,
    `V${n(y2 + thick)}C${n(middle)} ${n(y2 + thick)} ${n(middle)} ${n(y1 + thick)} ${n(x1)} ${n(y1 + thick)}Z`,
  ].join('');
}

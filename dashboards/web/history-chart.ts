import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { timeOfDay } from './format.ts';
import type { Rows } from './history-columns.ts';

const HEIGHT = 220;

export interface Line {
  readonly label: string;
  readonly unit: '%' | 'W';
  readonly colour: '--accent' | '--power' | '--good';
  /** Drawn as the edge of a band around the line before it. */
  readonly edge?: boolean;
}

export interface HistoryChart {
  readonly rows: Rows;
  readonly lines: readonly Line[];
  readonly dark: readonly (readonly [number, number])[];
  readonly fromS: number;
  readonly toS: number;
}

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const DAY_S = 86_400;
const WHOLE_DAYS = [1, 2, 3, 5, 7, 10, 14].map((days) => days * DAY_S);
const HOURS = [900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200, DAY_S];

/** Lines over weeks, with the times without mains behind them. */
export function Chart(props: HistoryChart): VNode {
  const host = useRef<HTMLDivElement>(null);
  const now = useRef(props);
  now.current = props;
  const shape = props.lines.map(({ label }) => label).join();
  useEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    const made = new uPlot(
      options(Math.max(100, element.clientWidth), now),
      now.current.rows as uPlot.AlignedData,
      element,
    );
    const size = new ResizeObserver(() => made.setSize({ width: Math.max(100, element.clientWidth), height: HEIGHT }));
    size.observe(element);
    const theme = matchMedia('(prefers-color-scheme: dark)');
    const repaint = () => made.redraw();
    theme.addEventListener('change', repaint);
    plots.set(element, made);
    return () => {
      size.disconnect();
      theme.removeEventListener('change', repaint);
      plots.delete(element);
      made.destroy();
    };
  }, [shape]);
  useEffect(() => {
    if (host.current) plots.get(host.current)?.setData(props.rows as uPlot.AlignedData);
  }, [props.rows]);
  return html`<div class="plot" ref=${host}></div>`;
}

const plots = new WeakMap<HTMLElement, uPlot>();

function options(width: number, now: { readonly current: HistoryChart }): uPlot.Options {
  const { lines } = now.current;
  const grid = { stroke: () => colour('--line'), width: 1 };
  const axis = { stroke: () => colour('--mute'), grid, ticks: { show: false }, font: '11px system-ui, sans-serif' };
  const units = [...new Set(lines.map(({ unit }) => unit))];
  return {
    width,
    height: HEIGHT,
    padding: [10, 4, 0, 0],
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    legend: { show: true, live: true, markers: { show: false } },
    scales: {
      x: { time: true, range: () => [now.current.fromS, now.current.toS] },
      '%': { range: [0, 100] },
      W: { range: (_plot, low, high) => aroundWatts(low, high) },
    },
    axes: [
      {
        ...axis,
        space: 70,
        size: 28,
        // Days begin at midnight: half a day has no name of its own.
        incrs: () => (now.current.toS - now.current.fromS > 2 * DAY_S ? WHOLE_DAYS : HOURS),
        values: (_plot, splits) => splits.map((at) => timeLabel(at, now.current)),
      },
      ...units.map((unit, index) => ({
        ...axis,
        scale: unit,
        side: (index === 0 ? 3 : 1) as uPlot.Axis.Side,
        size: index === 0 ? 52 : 56,
        grid: index === 0 ? grid : { show: false },
        values: (_plot: uPlot, values: number[]) =>
          values.map((value) => `${value < 0 ? '−' : ''}${Math.abs(value)} ${unit}`),
      })),
    ],
    bands: bandsOf(lines),
    hooks: { drawClear: [(plot) => shade(plot, now.current.dark)] },
    series: [
      { label: 'time', value: (_plot, at) => (at === null ? '' : whenOf(at)) },
      ...lines.map((line) => ({
        scale: line.unit,
        label: line.label,
        show: true,
        stroke: () => (line.edge === true ? 'transparent' : colour(line.colour)),
        width: line.edge === true ? 0 : 1.6,
        points: { show: false },
        value: (_plot: uPlot, value: number | null) =>
          value === null
            ? '–'
            : `${value < 0 ? '−' : ''}${Math.abs(value).toFixed(line.unit === '%' ? 1 : 0)} ${line.unit}`,
      })),
    ],
  };
}

/** Two edges that follow each other hold a band. */
function bandsOf(lines: readonly Line[]): uPlot.Band[] {
  return lines.flatMap((line, index) =>
    line.edge === true && lines[index + 1]?.edge === true
      ? [{ series: [index + 2, index + 1] as [number, number], fill: () => `${colour(line.colour)}2e` }]
      : [],
  );
}

function shade(plot: uPlot, dark: readonly (readonly [number, number])[]): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = colour('--watch-soft');
  for (const [from, to] of dark) {
    const left = Math.max(bbox.left, plot.valToPos(from, 'x', true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, 'x', true));
    if (right > bbox.left && left < bbox.left + bbox.width)
      ctx.fillRect(left, bbox.top, Math.max(2, right - left), bbox.height);
  }
  ctx.restore();
}

function aroundWatts(low: number | null, high: number | null): uPlot.Range.MinMax {
  const [from, to] = [Math.min(low ?? 0, 0), Math.max(high ?? 0, 0)];
  const air = Math.max((to - from) * 0.08, 10);
  return [from === 0 ? 0 : from - air, to + air];
}

function timeLabel(at: number, { fromS, toS }: HistoryChart): string {
  const date = new Date(at * 1000);
  if (toS - fromS > 2 * DAY_S || (date.getHours() === 0 && date.getMinutes() === 0))
    return `${date.getDate()}.${date.getMonth() + 1}.`;
  return timeOfDay(at * 1000).slice(0, 5);
}

/** `3.11. 14:05` */
function whenOf(at: number): string {
  const date = new Date(at * 1000);
  return `${date.getDate()}.${date.getMonth() + 1}. ${timeOfDay(at * 1000).slice(0, 5)}`;
}

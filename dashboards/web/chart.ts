import { html } from 'htm/preact';
import { h, type VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { type Currency, card } from './card.ts';
import { percent, signed, timeOfDay, watts } from './format.ts';
import type { History } from './history.ts';
import type { Picture } from './wire.ts';

const HEIGHT = 200;

/** State of charge and battery power since the page was opened. */
export function chart(picture: Picture, history: History, currency: Currency): VNode {
  const { bank } = picture.rack;
  const points = history.columns[1].filter((value) => value !== null).length;
  const label = `State of charge, now ${percent(bank.socRatio)}, and battery power, now ${signed(bank.powerW, watts)}, since this page was opened`;
  const aside = html`<ul class="legend">
    <li><i class="swatch line-soc"></i>charge</li>
    <li><i class="swatch line-power"></i>power (charging is positive)</li>
  </ul>`;
  const body = html`<div class="chart" role="img" aria-label=${label}>
      ${points < 2 ? html`<p class="empty chart-wait">Nothing current to draw yet.</p>` : null}
      ${h(Plot, { history, points, newest: picture.rack.wallMs })}
    </div>`;
  return card('chart', 'Since this page was opened', body, { currency, aside });
}

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function options(width: number): uPlot.Options {
  const ink = () => colour('--mute');
  const grid = { stroke: () => colour('--line'), width: 1 };
  const axis = { stroke: ink, grid, ticks: { show: false }, font: '11px system-ui, sans-serif' };
  return {
    width,
    height: HEIGHT,
    padding: [10, 4, 0, 0],
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    legend: { show: false },
    scales: {
      x: { time: true },
      soc: { range: (_plot, low, high) => around(low, high, 2, 0, 100) },
      power: { range: (_plot, low, high) => around(Math.min(low, 0), Math.max(high, 0), 20) },
    },
    axes: [
      {
        ...axis,
        space: 80,
        size: 28,
        values: (_plot, splits, _axis, _space, step) =>
          splits.map((at) => timeOfDay(at * 1000).slice(0, step < 60 ? 8 : 5)),
      },
      { ...axis, scale: 'soc', size: 48, values: (_plot, values) => values.map((value) => `${+value.toFixed(1)} %`) },
      {
        ...axis,
        scale: 'power',
        side: 1,
        size: 56,
        grid: { show: false },
        values: (_plot, values) => values.map((value) => `${value < 0 ? '−' : ''}${Math.abs(value)} W`),
      },
    ],
    series: [
      {},
      { scale: 'soc', label: 'charge', stroke: () => colour('--accent'), width: 2, points: { show: false } },
      { scale: 'power', label: 'power', stroke: () => colour('--power'), width: 1.5, points: { show: false } },
    ],
  };
}

/** A range with air, never flatter than `least`. */
function around(
  low: number | null,
  high: number | null,
  least: number,
  floor = -Infinity,
  ceiling = Infinity,
): uPlot.Range.MinMax {
  if (low === null || high === null || !Number.isFinite(low) || !Number.isFinite(high)) return [0, Math.max(1, least)];
  const air = Math.max((high - low) * 0.1, (least - (high - low)) / 2, 0);
  return [Math.max(floor, low - air), Math.min(ceiling, high + air)];
}

function Plot({ history, newest }: { history: History; points: number; newest: number }): VNode {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  useEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    const made = new uPlot(options(Math.max(100, element.clientWidth)), data(history), element);
    plot.current = made;
    const size = new ResizeObserver(() => made.setSize({ width: Math.max(100, element.clientWidth), height: HEIGHT }));
    size.observe(element);
    const theme = matchMedia('(prefers-color-scheme: dark)');
    const repaint = () => made.redraw();
    theme.addEventListener('change', repaint);
    return () => {
      size.disconnect();
      theme.removeEventListener('change', repaint);
      made.destroy();
      plot.current = null;
    };
  }, [history]);
  useEffect(() => plot.current?.setData(data(history)), [newest, history]);
  return html`<div class="plot" ref=${host}></div>`;
}

const data = (history: History): uPlot.AlignedData => {
  const [times, soc, power] = history.columns;
  return [times, soc, power];
};

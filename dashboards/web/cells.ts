import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { millivolts, volts } from './format.ts';

/** Deviations smaller than this fill half the chart, V: a healthy pack must not look ragged. */
const SMALLEST_SCALE_V = 0.02;

/** Each cell as its distance from the mean: what matters in a pack is who stands out. */
export function cellChart(cellsV: readonly number[], balancing: readonly number[]): VNode | null {
  if (cellsV.length === 0) return null;
  const mean = cellsV.reduce((sum, value) => sum + value, 0) / cellsV.length;
  const low = Math.min(...cellsV);
  const high = Math.max(...cellsV);
  const scale = Math.max(SMALLEST_SCALE_V, high - mean, mean - low);
  const lowest = cellsV.indexOf(low) + 1;
  const highest = cellsV.indexOf(high) + 1;
  const spread = millivolts(high - low);
  const balance = balancing.length === 0 ? '' : `, balancing ${balancing.join(', ')}`;
  const label = `${cellsV.length} cells around ${volts(mean)}, spread ${spread}; lowest is cell ${lowest}, highest cell ${highest}${balance}`;
  return html`<figure class="cells">
    <div class="cells-plot" role="img" aria-label=${label}>
      ${cellsV.map((value, index) => bar(index + 1, value, (value - mean) / scale, { lowest, highest, balancing }))}
    </div>
    <figcaption>
      <span>cells ${volts(low)} to ${volts(high)}</span><span>spread ${spread}</span>
      ${balancing.length === 0 ? null : html`<span>balancing ${balancing.join(', ')}</span>`}
      <span class="scale">scale ±${(scale * 1000).toFixed(0)} mV</span>
    </figcaption>
  </figure>`;
}

function bar(
  cell: number,
  value: number,
  deviation: number,
  { lowest, highest, balancing }: { lowest: number; highest: number; balancing: readonly number[] },
): VNode {
  const extreme = cell === lowest || cell === highest ? ' extreme' : '';
  const balanced = balancing.includes(cell) ? ' balancing' : '';
  const height = `${Math.max(2, Math.abs(deviation) * 50)}%`;
  const place = deviation < 0 ? { height, top: '50%' } : { height, bottom: '50%' };
  return html`<span class=${`cell${extreme}${balanced}`} title=${`cell ${cell}: ${value.toFixed(3)} V`} key=${cell}>
    <i style=${place}></i>
  </span>`;
}

import { html } from 'htm/preact';
import { h, type VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { card, nothing } from './card.ts';
import { type Past, readPast } from './history-api.ts';
import { Chart, type Line } from './history-chart.ts';
import { darkTimes, type Rows, rowsOf } from './history-columns.ts';
import { energyCard, healthCard, outageLog } from './history-tables.ts';

/** What was: hours to weeks, from the service's own history. */

const RANGES = [
  { key: '6h', label: '6 hours', ms: 6 * 3_600_000 },
  { key: 'day', label: 'Day', ms: 86_400_000 },
  { key: 'week', label: 'Week', ms: 7 * 86_400_000 },
  { key: 'month', label: 'Month', ms: 31 * 86_400_000 },
] as const;
type RangeKey = (typeof RANGES)[number]['key'];

const AGAIN_MS = 60_000;

const BATTERY: readonly Line[] = [
  { label: 'charge', unit: '%', colour: '--accent' },
  { label: 'power', unit: 'W', colour: '--power' },
  { label: 'most', unit: 'W', colour: '--power', edge: true },
  { label: 'least', unit: 'W', colour: '--power', edge: true },
];
const LOAD: readonly Line[] = [
  { label: 'from mains', unit: 'W', colour: '--accent' },
  { label: 'load', unit: 'W', colour: '--power' },
];

const TROUBLE: Readonly<Record<NonNullable<Past['trouble']>, string>> = {
  off: 'No history is kept here. It is switched on with history: { enabled: true } in the configuration.',
  refused: 'Reading the history needs a token.',
  unreachable: 'The history cannot be read now; it is tried again.',
};

interface Loaded {
  readonly past: Past;
  readonly range: RangeKey;
  readonly fromMs: number;
  readonly toMs: number;
}

export function HistoryView({ nowMs, token }: { readonly nowMs: number; readonly token: string }): VNode {
  const [range, setRange] = useState<RangeKey>('day');
  const [loaded, setLoaded] = useState<Loaded | undefined>(undefined);
  const [again, setAgain] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    const length = RANGES.find(({ key }) => key === range)?.ms ?? 86_400_000;
    const toMs = nowMs;
    const fromMs = toMs - length;
    void readPast(fromMs, toMs, token, stop.signal).then((past) => {
      if (!stop.signal.aborted) setLoaded({ past, range, fromMs, toMs });
    });
    const timer = setTimeout(() => setAgain((count) => count + 1), AGAIN_MS);
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
    // Not on every second of `nowMs`: the rack's clock is read when it is time to ask again.
  }, [range, token, again]);
  const past = loaded?.past;
  if (past?.trouble === 'off') return html`<main class="grid">${card('past', 'History', nothing(TROUBLE.off))}</main>`;
  const picker = html`<div class="ranges" role="group" aria-label="Range of time">
    ${RANGES.map(
      ({ key, label }) =>
        html`<button key=${key} aria-pressed=${key === range} onClick=${() => setRange(key)}>${label}</button>`,
    )}
  </div>`;
  return html`<main class="grid">
    ${card('past', 'Battery', body(loaded, batteryRows, BATTERY), { aside: picker })}
    ${card('past', 'Mains and load', body(loaded, loadRows, LOAD))}
    ${past === undefined ? null : html`${outageLog(past.outages)} ${energyCard(past.energy)} ${healthCard(past.health)}`}
  </main>`;
}

function batteryRows(past: NonNullable<Past['columns']>): Rows {
  const power = 'holdover_bank_power_watts';
  return rowsOf(past, [
    { name: 'holdover_bank_soc_ratio', what: 'mean', scale: 100 },
    { name: power, what: 'mean' },
    { name: power, what: 'max' },
    { name: power, what: 'min' },
  ]);
}

const loadRows = (past: NonNullable<Past['columns']>): Rows =>
  rowsOf(past, [
    { name: 'holdover_circuit_power_watts', what: 'mean' },
    { name: 'holdover_schedule_load_watts', what: 'mean' },
  ]);

function body(
  loaded: Loaded | undefined,
  rows: (columns: NonNullable<Past['columns']>) => Rows,
  lines: readonly Line[],
): VNode {
  if (loaded === undefined)
    return html`<div class="chart"><p class="empty chart-wait" role="status">Reading the history…</p></div>`;
  const { past, fromMs, toMs } = loaded;
  if (past.columns === undefined)
    return html`<div class="chart"><p class="empty chart-wait" role="status">${TROUBLE[past.trouble ?? 'unreachable']}</p></div>`;
  if (past.columns.atMs.length === 0)
    return html`<div class="chart"><p class="empty chart-wait">Nothing was kept for this time yet.</p></div>`;
  return html`<div class="chart">
    ${h(Chart, { rows: rows(past.columns), lines, dark: darkTimes(past.columns), fromS: fromMs / 1000, toS: toMs / 1000 })}
  </div>`;
}

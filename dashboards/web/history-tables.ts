import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { card, nothing, share } from './card.ts';
import { byNumber, duration, NOTHING, percent, timeOfDay, wattHours, watts } from './format.ts';
import type { Energy, Outage, PackHealth, Period } from './history-api.ts';

/** Outages, energy and health, as lists and figures. */

const PERIODS: Readonly<Record<string, string>> = {
  today: 'Today',
  yesterday: 'Yesterday',
  week: 'This week',
  month: 'This month',
  'last-month': 'Last month',
};
const MOST_HOSTS = 8;

/** `2025-11-21` in the reader's own zone. */
export function day(wallMs: number): string {
  const date = new Date(wallMs);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

const clock = (wallMs: number): string => timeOfDay(wallMs).slice(0, 5);

/** Each outage with its depth, and what was predicted beside what happened. */
export function outageLog(outages: readonly Outage[] | undefined): VNode {
  if (outages === undefined) return card('outages', 'Outages', nothing('The outages cannot be read now.'));
  if (outages.length === 0) return card('outages', 'Outages', nothing('No outage has been seen yet.'));
  const body = html`<ol class="outages" tabindex="0" aria-label="Outages, newest first">
    ${outages.map(
      (outage) => html`<li key=${outage.id}>
        <p class="outage-head">
          <b>${day(outage.beginMs)} ${clock(outage.beginMs)}</b>
          <span>${outage.endMs === undefined ? 'mains is away' : duration((outage.endMs - outage.beginMs) / 1000)}</span>
          <span>${wattHours(outage.depthWh)}</span>
          <span>${outage.socFrom === undefined ? '' : `${percent(outage.socFrom)} → ${percent(outage.socTo)}`}</span>
        </p>
        <p class="facts">${facts(outage).map((fact) => html`<span>${fact}</span>`)}</p>
        ${outage.forced.length === 0 ? null : html`<p class="failure">cut by force: ${outage.forced.join(', ')}</p>`}
        ${outage.trouble.map((words) => html`<p class="failure">${words}</p>`)}
      </li>`,
    )}
  </ol>`;
  return card('outages', 'Outages', body);
}

function facts(outage: Outage): string[] {
  const stages = outage.stages.flatMap(({ name, predictedAfterS, beganAfterS }) => {
    if (beganAfterS === undefined) return [];
    const thought = predictedAfterS === undefined ? '' : ` (thought: ${duration(predictedAfterS)})`;
    return [`${name} down after ${duration(beganAfterS)}${thought}`];
  });
  const thought = outage.predicted?.allOffAfterS;
  const all =
    outage.allOffAfterS !== undefined
      ? [
          `all off after ${duration(outage.allOffAfterS)}${thought === undefined ? '' : ` (thought: ${duration(thought)})`}`,
        ]
      : thought === undefined
        ? []
        : [`would have lasted ${duration(thought)}`];
  const load =
    outage.meanLoadW === undefined
      ? []
      : [
          `load ${watts(outage.meanLoadW)}${outage.predicted === undefined ? '' : ` (thought: ${watts(outage.predicted.loadW)})`}`,
        ];
  const gap = outage.unmeasuredS < 30 ? [] : [`bank silent for ${duration(outage.unmeasuredS)}`];
  return [...stages, ...all, ...load, ...gap];
}

/** Energy and cost of today, the week and the month, the last weeks as bars, and who drew most. */
export function energyCard(energy: Energy | undefined): VNode {
  if (energy === undefined) return card('energy-past', 'Energy', nothing('The counters cannot be read now.'));
  const shown = ['today', 'week', 'month'].flatMap(
    (name) => energy.periods.find((period) => period.name === name) ?? [],
  );
  const metered = energy.periods.some(({ mainsWh }) => mainsWh !== undefined);
  const month = energy.periods.find(({ name }) => name === 'month');
  const body = html`
    <table class="energy-table">
      <thead>
        <tr><th></th>${metered ? html`<th scope="col">From mains</th>` : null}<th scope="col">Into bank</th><th scope="col">Out of bank</th>${money(energy) ? html`<th scope="col">Cost</th>` : null}</tr>
      </thead>
      <tbody>
        ${shown.map(
          (period) => html`<tr key=${period.name}>
            <th scope="row">${PERIODS[period.name] ?? period.name}</th>
            ${metered ? html`<td>${wattHours(period.mainsWh)}</td>` : null}
            <td>${wattHours(period.inWh)}</td>
            <td>${wattHours(period.outWh)}</td>
            ${money(energy) ? html`<td>${costOf(period)}</td>` : null}
          </tr>`,
        )}
      </tbody>
    </table>
    ${bars(energy.days, metered)} ${gaps(energy)} ${month === undefined ? null : hosts(month)}
  `;
  return card('energy-past', 'Energy', body, { aside: html`<span class="note">${energy.timeZone}</span>` });
}

const money = (energy: Energy): boolean => energy.periods.some(({ cost }) => Object.keys(cost).length > 0);

const costOf = ({ cost }: Period): string =>
  Object.entries(cost)
    .map(([currency, amount]) => `${amount.toFixed(2)} ${currency}`)
    .join(', ') || NOTHING;

function bars(days: readonly Period[], metered: boolean): VNode | null {
  const value = (period: Period): number => (metered ? (period.mainsWh ?? 0) : period.outWh);
  const most = Math.max(...days.map(value));
  if (!(most > 0)) return null;
  const what = metered ? 'from mains' : 'out of the bank';
  return html`<figure class="day-bars" role="img" aria-label=${`Energy ${what}, day by day, at most ${wattHours(most)}`}>
      ${days.map(
        (period) =>
          html`<i key=${period.name} style=${{ height: share(value(period), most) }} title=${`${period.name}: ${wattHours(value(period))} ${costOf(period) === NOTHING ? '' : costOf(period)}`}></i>`,
      )}
    </figure>
    <p class="day-scale note"><span>${days[0]?.name.slice(5) ?? ''}</span><span>day by day, ${what}; most ${wattHours(most)}</span><span>today</span></p>`;
}

function gaps(energy: Energy): VNode | null {
  const month = energy.periods.find(({ name }) => name === 'month');
  const words = Object.entries(month?.unmeasuredS ?? {})
    .filter(([, seconds]) => seconds >= 60)
    .map(([what, seconds]) => `${what} for ${duration(seconds)}`);
  return words.length === 0
    ? null
    : html`<p class="note">Not measured this month, and not counted: ${words.join(', ')}.</p>`;
}

function hosts({ hostsWh }: Period): VNode | null {
  const sorted = Object.entries(hostsWh).sort(([a, x], [b, y]) => y - x || byNumber(a, b));
  const most = sorted[0]?.[1] ?? 0;
  if (!(most > 0)) return null;
  return html`<h3>Most drawn this month</h3>
    <ol class="drawn">
      ${sorted
        .slice(0, MOST_HOSTS)
        .map(
          ([host, wh]) =>
            html`<li key=${host}><span>${host}</span><span class="bar"><i class="fill" style=${{ width: share(wh, most) }}></i></span><span>${wattHours(wh)}</span></li>`,
        )}
    </ol>`;
}

/** How far each pack has aged, and what that lets expect. */
export function healthCard(packs: readonly PackHealth[] | undefined): VNode {
  if (packs === undefined) return card('health', 'Battery health', nothing('The findings cannot be read now.'));
  if (packs.length === 0) return card('health', 'Battery health', nothing('No pack is configured.'));
  return card('health', 'Battery health', packs.map(packHealth));
}

function packHealth({ pack, ratedAh, replaceBelowRatio, source, verdict, points }: PackHealth): VNode {
  const newest = (kind: PackHealth['points'][number]['kind']) => points.filter((point) => point.kind === kind).at(-1);
  const seen = newest('capacity-outage');
  const told = newest('capacity-bms');
  const resistance = newest('resistance');
  const spread = newest('spread');
  const figures = [
    seen === undefined
      ? undefined
      : [
          'Seen capacity',
          percent(seen.value / ratedAh),
          `± ${((2 * (seen.sigma ?? 0) * 100) / ratedAh).toFixed(0)} %, ${day(seen.atMs)}`,
        ],
    told === undefined ? undefined : ['BMS says', percent(told.value / ratedAh), `${told.value.toFixed(1)} Ah`],
    resistance === undefined
      ? undefined
      : ['Resistance', `${(resistance.value * 1000).toFixed(1)} mΩ`, trendOf(points, 'resistance', 'from load steps')],
    spread === undefined
      ? undefined
      : ['Cells apart', `${(spread.value * 1000).toFixed(0)} mV`, trendOf(points, 'spread', 'at rest')],
  ].filter((each) => each !== undefined);
  return html`<div class="pack" key=${pack}>
    <h3>${pack} <span class="note">${ratedAh} Ah rated</span></h3>
    <dl class="figures">
      ${figures.map(([name, value, note]) => html`<div class="figure"><dt>${name}</dt><dd><span class="value">${value}</span> <span class="note">${note}</span></dd></div>`)}
    </dl>
    <p>${verdictWords(verdict, replaceBelowRatio)}${source === 'bms' ? html` <span class="note">By what the BMS says.</span>` : null}</p>
  </div>`;
}

function trendOf(points: PackHealth['points'], kind: PackHealth['points'][number]['kind'], young: string): string {
  const own = points.filter((point) => point.kind === kind);
  const [first, last] = [own[0], own.at(-1)];
  if (first === undefined || last === undefined || own.length < 14 || first.value === 0) return young;
  const change = last.value / first.value - 1;
  return `${change >= 0 ? '+' : '−'}${Math.abs(change * 100).toFixed(0)} % since ${day(first.atMs)}`;
}

function verdictWords(verdict: PackHealth['verdict'], limit: number): string {
  if (verdict.kind === 'too-little-data') return `Too little data for a forecast: ${verdict.because}.`;
  if (verdict.kind === 'steady') return `No replacement in sight: ${verdict.because}.`;
  const { now, perYear, reachedMs, earliestMs, latestMs } = verdict.forecast;
  const pace = `${percent(now)} of its capacity now, ${perYear < 0 ? '−' : '+'}${Math.abs(perYear * 100).toFixed(1)} % a year`;
  if (reachedMs === undefined) return `${pace}; ${percent(limit)} is not within sight.`;
  const from =
    earliestMs === undefined
      ? ''
      : `, between ${day(earliestMs).slice(0, 7)} and ${latestMs === undefined ? 'never' : day(latestMs).slice(0, 7)}`;
  return `${pace}; ${percent(limit)} about ${day(reachedMs).slice(0, 7)}${from}.`;
}

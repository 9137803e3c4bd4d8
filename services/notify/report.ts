import type { Zone } from '../runtime/zone.ts';
import type { EnergyTotals } from '../shutdown/view.ts';
import type { Notice } from './notice.ts';
import { span } from './watch.ts';

/** What a day, a week or a month was like, in words. */

export type Every = 'day' | 'week' | 'month';

/** What reports read; the local history gives it. Every question rejects when it cannot be answered. */
export interface ReportSource {
  energyBetween(fromMs: number, toMs: number): Promise<EnergyTotals>;
  outages(
    fromMs: number,
    toMs: number,
    limit: number,
  ): Promise<
    readonly {
      readonly beginMs: number;
      readonly endMs?: number;
      readonly depthWh: number;
      readonly socFrom?: number;
      readonly socTo?: number;
      readonly forced: readonly string[];
    }[]
  >;
  batteryHealth(): Promise<
    readonly {
      readonly pack: string;
      readonly verdict:
        | { readonly kind: 'forecast'; readonly forecast: { readonly now: number; readonly reachedMs?: number } }
        | { readonly kind: 'steady'; readonly because: string }
        | { readonly kind: 'too-little-data'; readonly because: string };
    }[]
  >;
  range(query: {
    readonly names: readonly string[];
    readonly fromMs: number;
    readonly toMs: number;
    readonly stepMs: number;
    readonly mostSeries: number;
  }): Promise<{
    readonly stepMs: number;
    readonly series: readonly {
      readonly labels: Readonly<Record<string, string>>;
      readonly last: readonly (number | null)[];
    }[];
  }>;
}

/** The last period of this kind that is over, with a name of its own. */
export function lastPeriod(
  every: Every,
  zone: Zone,
  nowMs: number,
): { readonly name: string; readonly fromMs: number; readonly toMs: number } {
  switch (every) {
    case 'day': {
      const fromMs = zone.dayStart(nowMs, 1);
      return { name: zone.date(fromMs), fromMs, toMs: zone.dayStart(nowMs) };
    }
    case 'week': {
      const toMs = zone.weekStart(nowMs);
      const fromMs = zone.dayStart(toMs, 7);
      return { name: `week from ${zone.date(fromMs)}`, fromMs, toMs };
    }
    case 'month': {
      const fromMs = zone.monthStart(nowMs, 1);
      return { name: zone.date(fromMs).slice(0, 7), fromMs, toMs: zone.monthStart(nowMs) };
    }
  }
}

const ALARM_STEP_MS = 900_000;
const MOST_OUTAGES = 50;
const MOST_ALARMS = 50;
const MOST_HOSTS = 5;

/** @throws what the source says */
export async function report(every: Every, source: ReportSource, zone: Zone, nowMs: number): Promise<Notice> {
  const { name, fromMs, toMs } = lastPeriod(every, zone, nowMs);
  const [energy, outages, health, alarms] = await Promise.all([
    source.energyBetween(fromMs, toMs),
    source.outages(fromMs, toMs, MOST_OUTAGES),
    source.batteryHealth(),
    source.range({ names: ['holdover_rack_alarm'], fromMs, toMs, stepMs: ALARM_STEP_MS, mostSeries: MOST_ALARMS }),
  ]);
  const text = [
    ...energyLines(energy),
    '',
    ...(outages.length === 0 ? ['No outage.'] : outages.map((each) => outageLine(each, zone))),
    '',
    ...alarmLines(alarms),
    '',
    ...health.map(healthLine(zone)),
  ];
  return {
    key: `report:${every}:${name}`,
    kind: 'report',
    severity: 'info',
    title: `Report of the ${every}: ${name.replace(/^week /, '')}`,
    text: text.join('\n').trim(),
    atMs: Math.round(nowMs),
  };
}

const kwh = (wh: number): string => `${(wh / 1000).toFixed(2)} kWh`;

function energyLines({ inWh, outWh, mainsWh, cost, hostsWh, unmeasuredS }: EnergyTotals): string[] {
  const money = Object.entries(cost).map(([currency, amount]) => `${amount.toFixed(2)} ${currency}`);
  const most = Object.entries(hostsWh)
    .sort(([, a], [, b]) => b - a)
    .slice(0, MOST_HOSTS)
    .map(([host, wh]) => `${host} ${kwh(wh)}`);
  const gaps = Object.entries(unmeasuredS).filter(([, seconds]) => seconds >= 60);
  return [
    ...(mainsWh === undefined
      ? []
      : [`From mains: ${kwh(mainsWh)}${money.length === 0 ? '' : ` (${money.join(', ')})`}`]),
    `Into the bank: ${kwh(inWh)}, out of it: ${kwh(outWh)}`,
    ...(most.length === 0 ? [] : [`Most drawn: ${most.join(', ')}`]),
    ...gaps.map(([what, seconds]) => `Not measured: ${what} for ${span(seconds)}; nothing was counted then.`),
  ];
}

function outageLine(outage: Awaited<ReturnType<ReportSource['outages']>>[number], zone: Zone): string {
  const { beginMs, endMs, depthWh, socFrom, socTo, forced } = outage;
  const lasted = endMs === undefined ? 'still away' : span((endMs - beginMs) / 1000);
  const charge =
    socFrom === undefined || socTo === undefined
      ? ''
      : `, ${Math.round(socFrom * 100)} to ${Math.round(socTo * 100)} %`;
  return `Outage ${zone.stamp(beginMs)}: ${lasted}, ${Math.round(depthWh)} Wh${charge}${forced.length === 0 ? '' : `, cut by force: ${forced.join(', ')}`}`;
}

function alarmLines({ stepMs, series }: Awaited<ReturnType<ReportSource['range']>>): string[] {
  const lines = series
    .map(({ labels, last }) => ({ labels, ms: last.filter((value) => value !== null).length * stepMs }))
    .filter(({ ms }) => ms > 0)
    .sort((a, b) => b.ms - a.ms)
    .map(
      ({ labels, ms }) => `Alarm ${labels.code} of ${labels.subject} (${labels.severity}): about ${span(ms / 1000)}`,
    );
  return lines.length === 0 ? ['No alarm.'] : lines;
}

const healthLine =
  (zone: Zone) =>
  ({ pack, verdict }: Awaited<ReturnType<ReportSource['batteryHealth']>>[number]): string => {
    if (verdict.kind === 'too-little-data') return `Pack ${pack}: too little data for a forecast (${verdict.because}).`;
    if (verdict.kind === 'steady') return `Pack ${pack}: ${verdict.because}.`;
    const { now, reachedMs } = verdict.forecast;
    const when = reachedMs === undefined ? 'not within sight' : `about ${zone.date(reachedMs).slice(0, 7)}`;
    return `Pack ${pack}: ${Math.round(now * 100)} % of its rated capacity; worn out ${when}.`;
  };

import type { HistoryDesk } from '../../../services/http/history-desk.ts';

/** A history of a month with two outages, as the page and the API get it. */

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

export function pastOf(nowMs: number, more: Partial<HistoryDesk> = {}): HistoryDesk {
  const outages = [
    {
      id: '20251119-2210',
      beginMs: nowMs - 1.9 * DAY_MS,
      endMs: nowMs - 1.9 * DAY_MS + 2.6 * HOUR_MS,
      restoredMs: nowMs - 1.9 * DAY_MS + 2.8 * HOUR_MS,
      depthWh: 812.4,
      socFrom: 0.97,
      socTo: 0.41,
      stages: [
        { name: 'batch', predictedAfterS: 300, beganAfterS: 300, trigger: 'after' },
        { name: 'workers', predictedAfterS: 7300, beganAfterS: 6900, trigger: 'energy' },
        { name: 'control-plane', predictedAfterS: 12_000 },
      ],
      forced: ['pi7'],
      trouble: [],
      predicted: { allOffAfterS: 13_000, usableWh: 1400, loadW: 300 },
      meanLoadW: 312.5,
      unmeasuredS: 0,
    },
    {
      id: '20251102-0312',
      beginMs: nowMs - 19 * DAY_MS,
      endMs: nowMs - 19 * DAY_MS + 480_000,
      restoredMs: nowMs - 19 * DAY_MS + 480_000,
      depthWh: 41,
      socFrom: 0.99,
      socTo: 0.96,
      stages: [{ name: 'batch', predictedAfterS: 300, beganAfterS: 301 }],
      forced: [],
      trouble: [],
      predicted: { allOffAfterS: 14_100, usableWh: 1500, loadW: 310 },
      meanLoadW: 308,
      unmeasuredS: 95,
    },
  ];
  const away = (atMs: number): boolean => outages.some(({ beginMs, endMs }) => atMs >= beginMs && atMs < endMs);
  const around = (atMs: number) => outages.find(({ beginMs }) => atMs >= beginMs && atMs < beginMs + 9 * HOUR_MS);
  /** Share of the outage that is over; between 1 and 3 the bank is charged again. */
  const share = (atMs: number): number => {
    const outage = around(atMs);
    return outage === undefined ? 9 : (atMs - outage.beginMs) / (outage.endMs - outage.beginMs);
  };
  const loadW = (atMs: number): number =>
    300 + 40 * Math.sin((atMs / DAY_MS) * 2 * Math.PI) + 9 * Math.sin((atMs / HOUR_MS) * 7);
  const charging = (atMs: number): boolean => share(atMs) >= 1 && share(atMs) < 3;
  const socOf = (atMs: number): number => {
    const outage = around(atMs);
    if (outage === undefined) return 0.99;
    const depth = outage.socFrom - outage.socTo;
    return share(atMs) < 1
      ? outage.socFrom - depth * share(atMs)
      : Math.min(0.99, outage.socTo + (depth * (share(atMs) - 1)) / 2);
  };
  const values: Readonly<Record<string, (atMs: number) => number>> = {
    holdover_bank_soc_ratio: socOf,
    holdover_bank_power_watts: (atMs) => (away(atMs) ? -loadW(atMs) : charging(atMs) ? 420 : 4),
    holdover_circuit_power_watts: (atMs) => (away(atMs) ? 0 : loadW(atMs) * 1.12 + (charging(atMs) ? 460 : 5)),
    holdover_mains_present: (atMs) => (away(atMs) ? 0 : 1),
  };
  const period = (name: string, days: number, ofMains = 8.2) => ({
    name,
    fromMs: nowMs - days * DAY_MS,
    toMs: nowMs,
    inWh: 210 * days,
    outWh: 190 * days,
    mainsWh: ofMains * 1000 * days,
    hostsWh: { pi1: 148 * days, nuc1: 510 * days, router: 235 * days, pi10: 151 * days },
    stagesWh: { workers: 2100 * days },
    cost: { EUR: ofMains * 0.31 * days },
    measuredS: { bank: 86_300 * days, mains: 86_300 * days },
    unmeasuredS: { bank: 95 * days },
  });
  return {
    enabled: true,
    zone: { name: 'Europe/Berlin' },
    range: async ({ names, fromMs, toMs, stepMs }) => {
      const step = Math.max(stepMs, 60_000);
      const atMs: number[] = [];
      for (let at = Math.ceil(fromMs / step) * step; at <= toMs; at += step) {
        // Half a day in which the service did not run.
        if (at > nowMs - 9 * DAY_MS && at < nowMs - 8.5 * DAY_MS) continue;
        atMs.push(at);
      }
      const series = names.map((name) => {
        const all = atMs.map((at) => (values[name] ?? loadW)(at));
        return {
          name,
          labels: {},
          min: all.map((value) => value * 0.96),
          mean: all,
          max: all.map((value) => value * 1.04),
          last: all,
        };
      });
      return { stepMs: step, atMs, series, more: false };
    },
    outages: async (_from, _to, limit) => outages.slice(0, limit),
    events: async () => [{ atMs: nowMs - DAY_MS, seq: 9, entry: { kind: 'note', text: 'a new file begins' } }],
    energySummary: async (days) => ({
      periods: [
        period('today', 0.6),
        period('yesterday', 1),
        period('week', 4.6),
        period('month', 20.6),
        period('last-month', 31),
      ],
      days: Array.from({ length: days }, (_, index) => ({
        ...period(
          new Date(nowMs - (days - 1 - index) * DAY_MS).toISOString().slice(0, 10),
          1,
          index === 9 ? 3 : 7.6 + Math.sin(index),
        ),
      })),
    }),
    batteryHealth: async () => [
      {
        pack: 'lfp1',
        ratedAh: 100,
        replaceBelowRatio: 0.8,
        source: 'outages',
        verdict: {
          kind: 'forecast',
          forecast: {
            shape: 'sqrt',
            now: 0.93,
            perYear: -0.021,
            reachedMs: nowMs + 2200 * DAY_MS,
            earliestMs: nowMs + 1500 * DAY_MS,
            latestMs: nowMs + 4100 * DAY_MS,
          },
        },
        points: [
          { atMs: nowMs - 300 * DAY_MS, pack: 'lfp1', kind: 'capacity-outage', value: 95.1, sigma: 2 },
          { atMs: nowMs - 2 * DAY_MS, pack: 'lfp1', kind: 'capacity-outage', value: 93.2, sigma: 1.6 },
          { atMs: nowMs - DAY_MS, pack: 'lfp1', kind: 'resistance', value: 0.0213, sigma: 0.001 },
          { atMs: nowMs - DAY_MS, pack: 'lfp1', kind: 'spread', value: 0.011 },
        ],
      },
    ],
    ...more,
  };
}

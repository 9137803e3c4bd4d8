import { finite } from '../finite.ts';
import type { HistoryDesk } from '../history-desk.ts';
import { HttpProblem } from '../problem.ts';
import type { Routes } from '../routes.ts';
import {
  type BatteryHealthAnswer,
  batteryHealthAnswer,
  energyAnswer,
  energyQuery,
  historyAnswer,
  historyQuery,
  type OutagesAnswer,
  outagesAnswer,
  outagesQuery,
} from '../schemas/history.ts';
import { problem, reading } from '../schemas/responses.ts';

const tags = ['reading'];
const DAY_MS = 86_400_000;
const LONGEST_MS = 3660 * DAY_MS;
const POINTS = 500;
const MOST_SERIES = 20;
const MOST_POINTS_HEALTH = 2000;
const MOST_EVENTS = 500;

/** What was: samples, outages, energy and the age of the battery. */
export const historyRoutes: Routes = (app, { history, wallMs }) => {
  app.get(
    '/api/v1/history',
    {
      schema: {
        tags,
        summary: 'Series of the metric catalogue over time, thinned to steps',
        querystring: historyQuery,
        response: {
          ...reading('Columns of equal length', historyAnswer),
          400: problem(400),
          404: problem(404),
          503: problem(503),
        },
      },
    },
    async ({ query }) => {
      const toMs = query.to ?? Math.round(wallMs());
      const fromMs = query.from ?? toMs - DAY_MS;
      if (!(fromMs < toMs)) throw new HttpProblem(400, '`from` must be before `to`.');
      if (toMs - fromMs > LONGEST_MS) throw new HttpProblem(400, 'At most ten years can be asked for at once.');
      const names = [...new Set(query.series.split(','))];
      if (names.length > MOST_SERIES) throw new HttpProblem(400, `At most ${MOST_SERIES} names at once.`);
      const stepMs = Math.round(query.step === undefined ? (toMs - fromMs) / POINTS : query.step * 1000);
      const answer = await asked(history, (desk) =>
        desk.range({ names, fromMs, toMs, stepMs: Math.max(1000, stepMs), mostSeries: MOST_SERIES }),
      );
      return finite(answer);
    },
  );
  app.get(
    '/api/v1/outages',
    {
      schema: {
        tags,
        summary: 'Times without mains: how deep, what went, predicted against real',
        querystring: outagesQuery,
        response: {
          ...reading('Newest first', outagesAnswer),
          400: problem(400),
          404: problem(404),
          503: problem(503),
        },
      },
    },
    async ({ query }) => {
      const outages = (await asked(history, (desk) =>
        desk.outages(query.from, Number.MAX_SAFE_INTEGER, query.limit),
      )) as OutagesAnswer['outages'];
      const [newest] = outages;
      const until = newest === undefined ? 0 : (newest.restoredMs ?? newest.endMs ?? wallMs()) + MINUTE_MS;
      const events =
        newest === undefined
          ? []
          : ((await asked(history, (desk) =>
              desk.events(newest.beginMs - MINUTE_MS, Math.round(until), MOST_EVENTS),
            )) as OutagesAnswer['events']);
      return {
        outages: finite(outages),
        events: finite(events).map((each) => ({ ...each, entry: { ...each.entry } })),
      };
    },
  );
  app.get(
    '/api/v1/energy',
    {
      schema: {
        tags,
        summary: 'Energy and its cost: today, this week, this month, day by day',
        querystring: energyQuery,
        response: {
          ...reading('By the clock on site', energyAnswer),
          400: problem(400),
          404: problem(404),
          503: problem(503),
        },
      },
    },
    async ({ query }) => {
      const { periods, days } = await asked(history, (desk) => desk.energySummary(query.days));
      return finite({ timeZone: history?.zone.name ?? 'UTC', periods, days });
    },
  );
  app.get(
    '/api/v1/health',
    {
      schema: {
        tags,
        summary: 'What packs have shown of their age, and when they will be worn out',
        response: { ...reading('Pack by pack', batteryHealthAnswer), 404: problem(404), 503: problem(503) },
      },
    },
    async () => {
      const packs = (await asked(history, (desk) => desk.batteryHealth())) as BatteryHealthAnswer['packs'];
      return finite({ packs: packs.map((pack) => ({ ...pack, points: pack.points.slice(-MOST_POINTS_HEALTH) })) });
    },
  );
};

const MINUTE_MS = 60_000;

async function asked<T>(history: HistoryDesk | undefined, ask: (desk: HistoryDesk) => Promise<T>): Promise<T> {
  if (history?.enabled !== true)
    throw new HttpProblem(404, 'No history is kept here; see `history` in the configuration.');
  try {
    return await ask(history);
  } catch {
    throw new HttpProblem(503, 'The history cannot be read now; the log says why.', {
      headers: { 'retry-after': '10' },
    });
  }
}

import { z } from 'zod';

/** The local history: what may be asked, and its answers. */

const DAY_S = 86_400;

const moment = (description: string) => z.coerce.number().int().min(0).max(8_640_000_000_000).meta({ description });

/** Query of `GET /api/v1/history`. */
export const historyQuery = z.strictObject({
  series: z
    .string()
    .min(1)
    .max(1000)
    .regex(/^[a-z0-9_]+(,[a-z0-9_]+)*$/, 'names of metrics, with commas between')
    .meta({ description: 'names of metrics, such as holdover_bank_soc_ratio, with commas between; at most 20' }),
  from: moment('beginning, ms since the epoch; a day before `to` when absent').optional(),
  to: moment('end, ms since the epoch; now when absent').optional(),
  step: z.coerce
    .number()
    .min(1)
    .max(31 * DAY_S)
    .optional()
    .meta({ description: 'seconds between points; as fine as 500 points allow when absent', unit: 's' }),
});

const column = z.array(z.number().nullable());

/** Answer of `GET /api/v1/history`. */
export const historyAnswer = z
  .object({
    stepMs: z.number(),
    atMs: z.array(z.number()).meta({ description: 'beginning of each step' }),
    more: z.boolean().meta({ description: 'more series have these names than one answer may have' }),
    series: z.array(
      z.object({
        name: z.string(),
        labels: z.record(z.string(), z.string()),
        min: column,
        mean: column,
        max: column,
        last: column,
      }),
    ),
  })
  .meta({ id: 'HistoryAnswer', description: 'Columns of equal length; null: nothing was known then.' });

export const outagesQuery = z.strictObject({
  from: moment('outages that began after this, ms since the epoch').default(0),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

const outage = z
  .object({
    id: z.string(),
    beginMs: z.number(),
    endMs: z.number().optional().meta({ description: 'when mains was back; absent while it is away' }),
    restoredMs: z.number().optional().meta({ description: 'when every host was back' }),
    depthWh: z.number().meta({ description: 'taken from the bank', unit: 'Wh' }),
    socFrom: z.number().optional(),
    socTo: z.number().optional().meta({ description: 'lowest' }),
    stages: z.array(
      z.object({
        name: z.string(),
        predictedAfterS: z.number().optional(),
        beganAfterS: z.number().optional(),
        trigger: z.string().optional(),
      }),
    ),
    forced: z.array(z.string()),
    trouble: z.array(z.string()),
    predicted: z
      .object({ allOffAfterS: z.number().optional(), usableWh: z.number().optional(), loadW: z.number() })
      .optional()
      .meta({ description: 'what the schedule said when mains went away' }),
    allOffAfterS: z.number().optional(),
    meanLoadW: z.number().optional(),
    unmeasuredS: z.number(),
  })
  .meta({ id: 'Outage' });

/** Answer of `GET /api/v1/outages`. */
export const outagesAnswer = z
  .object({
    outages: z.array(outage).meta({ description: 'newest first' }),
    events: z
      .array(z.object({ atMs: z.number(), seq: z.number(), entry: z.looseObject({ kind: z.string() }) }))
      .meta({ description: 'what the journal tells of the newest outage, oldest first' }),
  })
  .meta({ id: 'OutagesAnswer' });

export const energyQuery = z.strictObject({ days: z.coerce.number().int().min(1).max(366).default(31) });

const sums = z.record(z.string(), z.number());

const period = z
  .object({
    name: z.string(),
    fromMs: z.number(),
    toMs: z.number(),
    inWh: z.number(),
    outWh: z.number(),
    mainsWh: z.number().optional(),
    hostsWh: sums,
    stagesWh: sums,
    cost: sums.meta({ description: 'of what came from mains, by currency' }),
    measuredS: sums,
    unmeasuredS: sums.meta({ description: 'seconds in which nothing was counted because nothing was measured' }),
  })
  .meta({ id: 'EnergyPeriod' });

/** Answer of `GET /api/v1/energy`. */
export const energyAnswer = z
  .object({
    timeZone: z.string(),
    periods: z.array(period).meta({ description: 'today, yesterday, week, month, last-month' }),
    days: z.array(period).meta({ description: 'oldest first, today last' }),
  })
  .meta({ id: 'EnergyAnswer', description: 'Energy by the clock on site. Hours count to the day they begin in.' });

const verdict = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('forecast'),
    forecast: z.object({
      shape: z.enum(['linear', 'sqrt']),
      now: z.number(),
      perYear: z.number(),
      reachedMs: z.number().optional(),
      earliestMs: z.number().optional(),
      latestMs: z.number().optional(),
    }),
  }),
  z.object({ kind: z.literal('steady'), because: z.string() }),
  z.object({ kind: z.literal('too-little-data'), because: z.string() }),
]);

/** Answer of `GET /api/v1/health`. */
export const batteryHealthAnswer = z
  .object({
    packs: z.array(
      z.object({
        pack: z.string(),
        ratedAh: z.number(),
        replaceBelowRatio: z.number(),
        source: z.enum(['outages', 'bms']).optional(),
        verdict,
        points: z.array(
          z.object({
            atMs: z.number(),
            pack: z.string(),
            kind: z.enum(['capacity-outage', 'capacity-bms', 'resistance', 'spread']),
            value: z.number(),
            sigma: z.number().optional(),
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'BatteryHealthAnswer', description: 'What packs have shown of their age. Ah, ohm, V.' });

export type OutagesAnswer = z.infer<typeof outagesAnswer>;
export type BatteryHealthAnswer = z.infer<typeof batteryHealthAnswer>;
export type EnergyAnswer = z.infer<typeof energyAnswer>;
export type HistoryAnswer = z.infer<typeof historyAnswer>;

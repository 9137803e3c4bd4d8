import { z } from 'zod';
import { interval } from './values.ts';

/** The local history, and what its counters of energy need to know of the site. */

const days = (fallback: number) => z.number().positive().max(3660).default(fallback).meta({ unit: 'days' });

export const historySchema = z
  .strictObject({
    enabled: z.boolean().default(true),
    path: z.string().min(1).optional().meta({ description: 'the file; history.db in shutdown.stateDir when absent' }),
    every: interval(10).meta({ description: 'how often samples are taken, such as 10s' }),
    keepDays: z
      .strictObject({
        samples: days(2).meta({ description: 'as taken' }),
        minutes: days(14).meta({ description: 'least, mean, greatest and last of a minute' }),
        quarters: days(366).meta({ description: 'the same of a quarter of an hour' }),
      })
      .prefault({}),
    maxMb: z.number().min(4).max(100_000).default(128).meta({
      unit: 'MB',
      description: 'the file never grows beyond this; what is oldest goes first',
    }),
  })
  .meta({ description: 'samples, energy, outages and battery health in a file of our own' });
export type HistoryConfig = z.infer<typeof historySchema>;

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day such as 22:00');
const perKwh = z.number().min(0).max(10_000);

/** A price of energy from mains: one for all hours, and others for some of them. */
export const energyPriceSchema = z
  .strictObject({
    perKwh,
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/, 'three letters such as EUR')
      .default('EUR'),
    hours: z
      .array(
        z.strictObject({
          from: timeOfDay,
          to: timeOfDay.meta({ description: 'may be on the next day: from 22:00 to 06:00' }),
          days: z.enum(['every-day', 'workdays', 'weekend']).default('every-day'),
          perKwh,
        }),
      )
      .max(24)
      .default([])
      .meta({ description: 'other prices at some hours, in site.timeZone; the first that fits counts' }),
  })
  .meta({ description: 'price of energy from mains' });
export type EnergyPrice = z.infer<typeof energyPriceSchema>;

import { z } from 'zod';

/** The kinds of values a scenario is made of; each says its unit and its range. */

const number = (unit: string, min: number, max: number) => z.number().min(min).max(max).meta({ unit });

export const watts = number('W', 0, 1_000_000);
export const volts = number('V', 1, 1000);
export const amperes = number('A', 0.1, 10_000);
export const celsius = number('°C', -40, 80);
export const years = number('a', 0, 50);
export const hours = number('h', 0, 10_000);
export const minutes = number('min', 0, 10_000);
/** A share, 0..1. */
export const ratio = z.number().min(0).max(1);
export const cellVolts = number('V', 1, 5);
export const count = z.int().min(1).max(1000);

/** Name of a load, a switch or a stage. */
export const identifier = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.+_-]{0,62}$/i, 'letters, digits, dot, plus, dash and underscore, at most 63');

/** What a device takes: one figure for all, or three. What is not told follows from the next smaller one. */
export const power = z
  .union([
    watts,
    z.strictObject({
      idle: watts.optional(),
      typical: watts.meta({ description: 'what it takes on an ordinary day' }),
      max: watts.optional(),
    }),
  ])
  .meta({ description: 'watts: one figure, or { idle, typical, max }' });

/** A converter: one efficiency for every load, or one of the catalogue with its rating, which knows its losses at small loads. */
export const converter = z
  .union([
    z.number().min(0.1).max(1),
    z.strictObject({
      converter: z.string().min(1).meta({ description: 'id of the catalogue, e.g. inverter-48v-3kva' }),
      ratedWatts: z.number().min(1).max(100_000).meta({ unit: 'W' }),
    }),
  ])
  .meta({ description: 'an efficiency above 0.1 up to 1, or { converter, ratedWatts }' });

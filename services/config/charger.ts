import { z } from 'zod';
import { argv } from './hosts.ts';
import type { Problem } from './inspect.ts';
import type { Config } from './schema.ts';
import { seconds, secret } from './values.ts';

/** The part of the configuration about a charger whose current can be set. */

const command = z.strictObject({
  argv: argv.refine((parts) => parts.some((part) => part.includes('{amps}')), '{amps} in one of the arguments'),
  env: z
    .record(z.string().regex(/^[A-Z_][A-Z0-9_]*$/i, 'a variable name'), secret)
    .default({})
    .meta({ description: 'secrets for the command, as environment variables' }),
  timeout: seconds(15).meta({ description: 'deadline; the command and all it started are killed then' }),
});

export const chargerSchema = z
  .strictObject({
    normalA: z.number().positive().max(2000).meta({
      description: 'the current it charges with otherwise, on the battery side; what is given back',
      unit: 'A',
    }),
    lowestA: z
      .number()
      .nonnegative()
      .max(2000)
      .default(2)
      .meta({ description: 'never set lower than this', unit: 'A' }),
    set: z.strictObject({ command: command.meta({ description: 'a program that sets it; {amps} is the current' }) }),
  })
  .meta({
    description: 'a charger whose current can be set: charging slows down before a stage has to wait for the circuit',
  });

export type ChargerConfig = z.infer<typeof chargerSchema>;

/** What only the whole configuration tells of the charger. Pure. */
export function chargerProblems({ charger, meters, packs }: Config): Problem[] {
  if (charger === undefined) return [];
  const problems: Problem[] = [];
  if (charger.lowestA >= charger.normalA)
    problems.push({
      severity: 'error',
      path: 'charger.lowestA',
      message: 'is not below normalA: nothing could be set',
    });
  if (meters.length === 0)
    problems.push({
      severity: 'warning',
      path: 'charger',
      message: 'nothing measures the circuit, so its current is never set',
      tryThis: 'a meter of the circuit under meters:',
    });
  if (packs.length === 0)
    problems.push({
      severity: 'warning',
      path: 'charger',
      message: 'no pack tells what flows into it, so its current is never set',
      tryThis: 'the packs it charges under packs:',
    });
  return problems;
}

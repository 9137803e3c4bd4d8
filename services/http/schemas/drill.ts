import { z } from 'zod';

/** Body of `POST /api/v1/drill`. */
export const drillBody = z
  .strictObject({
    outageS: z.number().int().min(60).max(172_800).meta({ unit: 's', description: 'how long mains stays away' }),
    faults: z
      .array(z.string().min(1).max(100))
      .max(20)
      .optional()
      .meta({ description: '`silent:<pack|meter|switch|api>`, `hang:<host>`, `disobey:<switch>`, `stuck:<node|all>`' }),
  })
  .meta({ description: 'An outage that is played in virtual time, from the charge and the draws of this moment.' });
export type DrillBody = z.infer<typeof drillBody>;

const finding = z.object({
  severity: z.enum(['info', 'attention', 'unsafe']),
  text: z.string(),
  tryThis: z.string().optional(),
});

/** `POST /api/v1/drill`. Times count from the loss of mains, s. */
export const drillAnswer = z
  .object({
    verdict: z.enum(['safe', 'attention', 'unsafe']).meta({ description: 'the worst of the findings' }),
    findings: z.array(finding),
    basis: z
      .object({
        wallMs: z.number(),
        outageS: z.number(),
        socRatio: z.number(),
        socSigma: z.number().optional(),
        loadW: z.number(),
        faults: z.array(z.string()),
      })
      .meta({ description: 'what the drill began from' }),
    timeline: z.array(z.object({ atS: z.number(), text: z.string(), socRatio: z.number().optional() })),
    points: z
      .array(z.object({ atS: z.number(), socRatio: z.number(), loadW: z.number(), up: z.number() }))
      .meta({ description: 'the rack over time; `up` is the number of hosts that run' }),
    reserveRatio: z.number(),
    darkSocRatio: z.number().optional().meta({ description: 'charge when the last host was off' }),
    backAfterS: z.number().optional().meta({ description: 'until everything was as before; absent when it was not' }),
    endS: z.number(),
    tookMs: z.number(),
  })
  .meta({ id: 'DrillAnswer' });
export type DrillAnswer = z.infer<typeof drillAnswer>;

import { z } from 'zod';

/** What the coordinator shows: its phase, the schedule and the hosts. */

export const phaseSchema = z
  .enum(['mains', 'on-battery', 'shutting-down', 'dark', 'restoring'])
  .meta({ id: 'Phase', description: 'Phase of the coordinator.' });

const stage = z
  .object({
    name: z.string(),
    hosts: z.array(z.string()),
    state: z.enum(['waiting', 'going-down', 'down', 'coming-back']),
    beginsInS: z.number().optional().meta({ description: 'seconds until it must begin, by the present load' }),
    decidedBy: z.enum(['energy', 'after', 'soc', 'runtime', 'rate', 'window']).optional(),
    mustBeginBelowWh: z.number(),
    durationS: z.number(),
    loadAfterW: z.number(),
  })
  .meta({ id: 'StageSchedule' });

export const scheduleSchema = z
  .object({
    basis: z.enum(['live', 'if-mains-failed']),
    usableWh: z.number().optional(),
    reserveWh: z.number(),
    loadW: z.number(),
    stages: z.array(stage),
    allOffInS: z.number().optional(),
    feasible: z.boolean().meta({ description: 'false: even beginning now, the reserve would be touched' }),
  })
  .meta({ id: 'Schedule', description: 'The latest safe moment for every stage to begin going down.' });

export const hostViewSchema = z
  .object({
    id: z.string(),
    phase: z.enum(['up', 'cordoned', 'drained', 'halting', 'halted', 'cut', 'powering']),
    sinceWallMs: z.number(),
    stage: z.string().optional(),
    node: z.string().optional(),
    switchId: z.string().optional(),
    port: z.string().optional(),
    protected: z.boolean(),
    reachable: z.boolean().optional(),
    powerW: z.number().optional(),
    forced: z.boolean().meta({ description: 'its power was cut although it was not seen to be off' }),
    trouble: z.string().optional(),
    skipped: z.boolean().optional().meta({ description: 'a person has taken it out of this outage' }),
  })
  .meta({ id: 'HostView' });

/** Which of two management nodes acts. */
export const leaseSchema = z
  .object({
    self: z.string().meta({ description: 'name of this node' }),
    role: z.enum(['unknown', 'watching', 'acting']),
    holder: z.string().optional().meta({ description: 'who acts, as far as is known' }),
    epoch: z.number(),
    medium: z.enum(['alive', 'doubtful', 'gone']).meta({ description: 'what carries the lease, as seen from here' }),
    namesake: z.literal(true).optional().meta({ description: 'another node uses the name of this one' }),
  })
  .meta({ id: 'Lease', description: 'Present where two management nodes share a rack.' });

export const coordinatorSchema = z
  .object({
    phase: phaseSchema,
    sinceWallMs: z.number(),
    runId: z.string().optional(),
    onBatteryS: z.number().optional(),
    schedule: scheduleSchema,
    hosts: z.array(hostViewSchema),
    waitingFor: z.string().optional().meta({ description: 'why machines that are off are not started yet' }),
    heldForS: z.number().optional().meta({ description: 'set triggers are held by a person for so long' }),
    rehearsal: z.object({ stage: z.string(), depth: z.enum(['drain', 'whole']) }).optional(),
    orderedDown: z
      .string()
      .optional()
      .meta({ description: 'who has ordered everything down on mains: `ups` and its id, or `a person`' }),
    lease: leaseSchema.optional(),
  })
  .meta({ id: 'Coordinator' });

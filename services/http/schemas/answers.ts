import { z } from 'zod';
import { coordinatorSchema, hostViewSchema, leaseSchema, phaseSchema, scheduleSchema } from './coordinator.ts';
import { rackSchema } from './rack.ts';

/** Whole answers of the HTTP face. Each one that shows measured values says how old its snapshot is. */

const stamp = {
  wallMs: z.number().meta({ description: 'when the snapshot was made, ms since the epoch' }),
  ageMs: z.number().meta({ description: 'age of the snapshot when this was answered, ms' }),
  freshness: z
    .enum(['fresh', 'stale'])
    .meta({ description: '`stale`: the service has not made a new snapshot in time; nothing in here is current' }),
};

const device = z.object({
  device: z.string(),
  kind: z.enum(['pack', 'meter', 'ups', 'switch', 'cluster', 'host']),
  up: z.boolean(),
  polls: z.number(),
  failures: z.record(z.string(), z.number()),
  lastSuccessWallMs: z.number().optional(),
});

const sink = z.object({
  sink: z.string(),
  up: z.boolean(),
  sent: z.number(),
  dropped: z.number(),
  waiting: z.number().optional(),
  trouble: z.string().optional(),
});

const service = {
  site: z.string(),
  version: z.string(),
  devices: z.array(device.meta({ id: 'DeviceHealth' })),
  sinks: z.array(sink.meta({ id: 'SinkHealth' })),
};

/** `GET /api/v1/rack` */
export const rackAnswer = z.object({ ...stamp, ...service, rack: rackSchema }).meta({ id: 'RackAnswer' });

/** `GET /api/v1/schedule` */
export const scheduleAnswer = z
  .object({
    ...stamp,
    phase: phaseSchema,
    sinceWallMs: z.number(),
    onBatteryS: z.number().optional(),
    schedule: scheduleSchema,
  })
  .meta({ id: 'ScheduleAnswer' });

/** `GET /api/v1/hosts` */
export const hostsAnswer = z
  .object({
    ...stamp,
    phase: phaseSchema,
    runId: z.string().optional(),
    waitingFor: z.string().optional().meta({ description: 'why machines that are off are not started yet' }),
    lease: leaseSchema.optional(),
    hosts: z.array(hostViewSchema),
  })
  .meta({ id: 'HostsAnswer' });

/** Data of the event `snapshot` on `GET /api/v1/events`. */
export const snapshotEvent = z
  .object({ ...stamp, ...service, rack: rackSchema, coordinator: coordinatorSchema })
  .meta({ id: 'SnapshotEvent' });
export type SnapshotEvent = z.infer<typeof snapshotEvent>;

const journalLine = z
  .object({
    seq: z.number(),
    wallMs: z.number(),
    // Loose on purpose: a journal outlives the version that wrote it.
    entry: z.looseObject({ kind: z.string() }),
  })
  .meta({
    id: 'JournalLine',
    description:
      'Kinds: `phase`, `stage`, `host`, `hold`, `rehearsal`, `ordered-down`, `output`, `intent`, `outcome`, `command`, `lease`, `adopted`, `note`.',
  });

/** `GET /api/v1/journal`, and data of the event `journal`. */
export const journalAnswer = z.object({ entries: z.array(journalLine) }).meta({ id: 'JournalAnswer' });
export type JournalAnswer = z.infer<typeof journalAnswer>;

const name = z.string().min(1).max(64);

/** Body of `POST /api/v1/commands`. */
export const commandBody = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('begin'), onMains: z.boolean().optional() }),
    z.strictObject({ kind: z.literal('hold'), forS: z.number().positive().max(3600).meta({ unit: 's' }) }),
    z.strictObject({ kind: z.literal('abort') }),
    z.strictObject({ kind: z.enum(['skip', 'unskip']), host: name }),
    z.strictObject({ kind: z.literal('take-over'), host: name, as: z.enum(['up', 'off']) }),
    z.strictObject({ kind: z.literal('power-cycle'), host: name, force: z.boolean().optional() }),
    z.strictObject({ kind: z.literal('lease'), do: z.enum(['take', 'give']), force: z.boolean().optional() }),
    z.strictObject({
      kind: z.literal('switch-board'),
      pack: name,
      what: z.enum(['charge', 'discharge', 'balancing']),
      on: z.boolean(),
      force: z.boolean().optional(),
    }),
    z.strictObject({ kind: z.literal('rehearse'), stage: name, depth: z.enum(['drain', 'whole']) }),
  ])
  .meta({
    description:
      '`begin`: shut down now, with `onMains` also while mains is there, until an `abort`. `hold`: only empty batteries may begin a stage. `abort`: turn round. `skip`: leave a ' +
      'host alone in this outage. `take-over`: a person has seen to a host. `power-cycle`: switch the port of a hung ' +
      'host off and on. `switch-board`: switch charging, discharging or balancing of a pack whose `control` allows it; ' +
      'discharging is switched off only in the dark, or with `force`. `rehearse`: really take a stage down on mains and bring it back.',
  });

/** Answer to an accepted command. */
export const commandAnswer = z.object({ accepted: z.literal(true), because: z.string() }).meta({ id: 'CommandAnswer' });

/** `GET /healthz` and `GET /readyz` */
export const healthAnswer = z
  .object({
    status: z.literal('ok'),
    role: leaseSchema.shape.role.optional().meta({ description: 'of two management nodes: what this one does' }),
  })
  .meta({ id: 'HealthAnswer' });

/** RFC 9457. */
export const problemSchema = z
  .object({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.number(),
    detail: z.string(),
    reasons: z.array(z.string()).optional(),
  })
  .meta({ id: 'Problem', description: 'What went wrong and what to try (RFC 9457).' });
export type Problem = z.infer<typeof problemSchema>;

import { z } from 'zod';
import type { CoordinatorState, HostState } from './state.ts';

/**
 * The state of the node that acts, as the other one gets it. Monotonic times mean nothing on another machine, so every
 * time is told as its age when it was said (ms; negative for what lies ahead), and the message carries its wall time.
 */

/** Three months, ms: longer than any outage, and no wrong clock makes more of it. */
const MOST_AGE_MS = 90 * 86_400_000;
const ageMs = z.number().min(-MOST_AGE_MS).max(MOST_AGE_MS);
const name = z.string().min(1).max(200);
const watts = z.number().min(0).max(1e6);
const count = z.int().min(0).max(1e6);

const hostSchema = z.object({
  phase: z.enum(['up', 'cordoned', 'drained', 'halting', 'halted', 'cut', 'powering']),
  sinceMs: ageMs,
  cordonedByUs: z.boolean(),
  bootIdBefore: name.optional(),
  drawBeforeW: watts.optional(),
  portBefore: z
    .strictObject({
      port: name,
      enabled: z.boolean().optional(),
      priority: z.enum(['low', 'high', 'critical']).optional(),
      poeClass: z.int().min(0).max(8).optional(),
      asSet: z.string().max(64).optional(),
    })
    .optional(),
  haltTaken: z.boolean().optional(),
  recordoned: z.boolean().optional(),
  forced: z.boolean(),
  powerCycles: count,
  skipped: z.boolean().optional(),
  rehalts: count.optional(),
  trouble: z.string().max(2000).optional(),
  backSinceMs: ageMs.optional(),
});

const agedSchema = z.object({
  runId: name.optional(),
  phase: z.enum(['mains', 'on-battery', 'shutting-down', 'dark', 'restoring']),
  phaseSinceMs: ageMs,
  outageSinceMs: ageMs.optional(),
  hosts: z.record(name, hostSchema).refine((hosts) => Object.keys(hosts).length <= 10_000, 'at most 10000 hosts'),
  stages: z.array(z.object({ name, beganMs: ageMs.optional(), trigger: name.optional() })).max(1000),
  holdUntilMs: ageMs.optional(),
  otherW: watts.optional(),
  rehearsal: z.object({ stage: name, depth: z.enum(['drain', 'whole']), sinceMs: ageMs }).optional(),
  orderedDown: z.object({ ups: name.optional(), overruled: z.literal(true).optional() }).optional(),
  chargerA: z.number().min(0).max(10_000).optional(),
  outputsOff: z.array(name).max(1000).optional(),
  lossesMs: z.array(ageMs).max(100).optional(),
});

/** A state whose times are ages, ms. */
export type AgedState = Omit<CoordinatorState, 'lease'>;

const sharedSchema = z.object({
  kind: z.literal('state'),
  holder: name,
  life: name,
  epoch: count,
  wallMs: z.number().min(0).max(8e15),
  state: agedSchema,
});

// A field that is added to the state must be added here, or it would be lost on its way to the other node.
agedSchema.shape satisfies Readonly<Record<keyof AgedState, unknown>>;
hostSchema.shape satisfies Readonly<Record<keyof HostState, unknown>>;

/** What the acting node says about how things stand. */
export interface SharedState {
  readonly kind: 'state';
  readonly holder: string;
  readonly life: string;
  readonly epoch: number;
  /** When it was said, by the clock of who said it. */
  readonly wallMs: number;
  readonly state: AgedState;
}

/** A shared state from its text; undefined for anything else. */
export function readShared(text: string): SharedState | undefined {
  try {
    const parsed = sharedSchema.safeParse(JSON.parse(text));
    // Absent and undefined are the same in what JSON can say.
    return parsed.success ? (parsed.data as SharedState) : undefined;
  } catch {
    return undefined;
  }
}

/** The state with its times as ages at `nowMs`. */
export function aged(state: CoordinatorState, nowMs: number): AgedState {
  const { lease: _, ...rest } = state;
  return mapTimes(rest, (ms) => clamp(Math.round(nowMs - ms)));
}

/** The same some time later. */
export function older(state: AgedState, byMs: number): AgedState {
  return mapTimes(state, (age) => clamp(age + byMs));
}

/**
 * The adopted state in place of `own`, its times counted back from `atMs`. Hosts and stages are those of our own
 * configuration; what the other node does not know stays as it is. Pure.
 */
export function adopt(own: CoordinatorState, state: AgedState, atMs: number): CoordinatorState {
  const theirs = mapTimes(state, (age) => atMs - age);
  return {
    ...theirs,
    hosts: Object.fromEntries(Object.entries(own.hosts).map(([id, host]) => [id, theirs.hosts[id] ?? host])),
    stages: own.stages.map((stage) => theirs.stages.find(({ name }) => name === stage.name) ?? stage),
    ...(own.lease === undefined ? {} : { lease: own.lease }),
  };
}

const clamp = (age: number): number => Math.max(-MOST_AGE_MS, Math.min(MOST_AGE_MS, age));

/** Every time of a state through `map`. */
function mapTimes(state: AgedState, map: (ms: number) => number): AgedState {
  const { outageSinceMs, holdUntilMs, rehearsal, lossesMs } = state;
  return {
    ...state,
    phaseSinceMs: map(state.phaseSinceMs),
    ...(outageSinceMs === undefined ? {} : { outageSinceMs: map(outageSinceMs) }),
    ...(holdUntilMs === undefined ? {} : { holdUntilMs: map(holdUntilMs) }),
    ...(rehearsal === undefined ? {} : { rehearsal: { ...rehearsal, sinceMs: map(rehearsal.sinceMs) } }),
    ...(lossesMs === undefined ? {} : { lossesMs: lossesMs.map(map) }),
    hosts: Object.fromEntries(
      Object.entries(state.hosts).map(([id, host]) => [
        id,
        {
          ...host,
          sinceMs: map(host.sinceMs),
          ...(host.backSinceMs === undefined ? {} : { backSinceMs: map(host.backSinceMs) }),
        },
      ]),
    ),
    stages: state.stages.map((stage) =>
      stage.beganMs === undefined ? stage : { ...stage, beganMs: map(stage.beganMs) },
    ),
  };
}

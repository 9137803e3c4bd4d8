import type { RackPlan } from './demo-rack.ts';

/** What programs on a busy machine may need, in seconds of ours, however fast the world's time goes. */
const OUR_TIME = { haltS: 40, bootS: 60, drainS: 20, everyS: 0.2, staleS: 1.5, confirmS: 1 } as const;
const LEAST_DRAIN_S = 20;
/** What the plan takes in a quiet world, s. */
const LEAST_CONFIRM_S = 3;

/**
 * The plan for a service whose clock runs `speed` times as fast as ours. Its deadlines run as fast, while halts, drains and
 * answers travel on real wires between real processes: with the times of a quiet world it would cut machines for being slow.
 */
export function patient(plan: RackPlan, speed: number): RackPlan {
  if (speed <= 1) return plan;
  const { stages = [] } = plan.shutdown;
  const everyS = Math.max(plan.everyS ?? 1, OUR_TIME.everyS * speed);
  const drainTimeout = Math.max(LEAST_DRAIN_S, OUR_TIME.drainS * speed);
  const confirmS = Math.max(LEAST_CONFIRM_S, OUR_TIME.confirmS * speed);
  return {
    ...plan,
    haltTimeoutS: Math.max(plan.haltTimeoutS, OUR_TIME.haltS * speed),
    bootTimeoutS: Math.max(plan.bootTimeoutS, OUR_TIME.bootS * speed),
    everyS,
    staleAfterS: Math.max(3 * everyS, OUR_TIME.staleS * speed),
    shutdown: {
      ...plan.shutdown,
      // One late answer of one device is no verdict.
      confirmLoss: confirmS,
      confirmReturn: confirmS,
      stages: stages.map((stage) => ({ ...stage, drainTimeout })),
    },
  };
}

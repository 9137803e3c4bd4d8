import type { Rack } from '../rack/rack.ts';
import { CORDONED, DRAINED, LEFT_RUNNING } from './because.ts';
import { portOf, reachable } from './evidence.ts';
import { evolve } from './evolve.ts';
import type { HostPolicy, Policy, StagePolicy } from './policy.ts';
import type { CoordinatorState, HostChange, HostPhase, HostState, JournalEntry } from './state.ts';

/**
 * What earlier outages and rehearsals have taught: how long each step takes, and what a host draws awake and halted.
 * Pure; the coordinator keeps it beside the journal. Losing it costs precision and nothing else.
 */

export type Step = 'cordon' | 'drain' | 'halt' | 'cut' | 'boot';

/** Seconds each step took, newest last, by `step:subject`; the subject of a drain is its stage, of all others the host. */
export interface Learned {
  readonly tookS: Readonly<Record<string, readonly number[]>>;
  /** Draw of a host before it was touched, and when it was seen to be off, W; newest last. */
  readonly awakeW: Readonly<Record<string, readonly number[]>>;
  readonly haltedW: Readonly<Record<string, readonly number[]>>;
}

export const nothingLearned: Learned = { tookS: {}, awakeW: {}, haltedW: {} };

/** As many as show a tail, and few enough to forget what the rack was two years ago. */
const KEPT = 20;
/** With fewer than this a figure is a hint and no measurement. */
export const ENOUGH = 3;

const STEPS: Readonly<Partial<Record<`${HostPhase}>${HostPhase}`, Step>>> = {
  'up>cordoned': 'cordon',
  'cordoned>drained': 'drain',
  'halting>halted': 'halt',
  'halted>cut': 'cut',
  'powering>up': 'boot',
};

/** What one turn teaches: hosts that went from one phase to the next. Returns `learned` itself when it is nothing. */
export function learn(
  learned: Learned,
  before: CoordinatorState,
  entries: readonly JournalEntry[],
  rack: Rack,
  policy: Policy,
): Learned {
  let next = learned;
  let state = before;
  for (const entry of entries) {
    const was = entry.kind === 'host' ? state.hosts[entry.host] : undefined;
    state = evolve(state, entry, rack.monoMs);
    const host = entry.kind === 'host' ? policy.hosts[entry.host] : undefined;
    if (entry.kind === 'host' && was !== undefined && host !== undefined)
      next = learnStep(next, { was, host, change: entry.change, because: entry.because }, state, rack);
  }
  return next;
}

interface Moved {
  readonly host: HostPolicy;
  readonly was: HostState;
  readonly change: HostChange;
  readonly because: string;
}

function learnStep(learned: Learned, moved: Moved, state: CoordinatorState, rack: Rack): Learned {
  const { was, host, change, because } = moved;
  const step = change.phase === undefined ? undefined : STEPS[`${was.phase}>${change.phase}`];
  if (step === undefined) return learned;
  if (!isClean(was, change))
    return step === 'halt' && hadHalted(moved, rack) ? learnDraw(learned, moved, rack) : learned;
  if (!cameAbout(step, because)) return learned;
  // A cordon begins with its stage; everything else when the phase before it began.
  const beganMs = step === 'cordon' ? stageBeganMs(state, host.stage) : was.sinceMs;
  const subject = step === 'drain' ? host.stage : host.id;
  const timed =
    subject === undefined || beganMs === undefined
      ? learned
      : { ...learned, tookS: keep(learned.tookS, `${step}:${subject}`, Math.max(0, rack.monoMs - beganMs) / 1000) };
  return step === 'halt' ? learnDraw(timed, moved, rack) : timed;
}

/** Cordons and drains that were given up because nobody answered say how patient we are, and nothing of the cluster. */
function cameAbout(step: Step, because: string): boolean {
  if (step === 'cordon') return because === CORDONED;
  return step !== 'drain' || because === DRAINED || because.startsWith(LEFT_RUNNING);
}

/** What was forced, helped or stuck says nothing about how long it takes. */
const isClean = (was: HostState, change: HostChange): boolean =>
  was.trouble === undefined && !was.forced && !change.trouble && !change.forced;

/**
 * Cut by force only because its draw was above the threshold: it had taken its halt, was silent, and drew clearly less
 * than before. Without this a host with a hungry HAT would be cut by force in every outage, and never teach why.
 */
function hadHalted({ was, change, host }: Moved, rack: Rack): boolean {
  const { port, observed } = portOf(rack, host);
  const fellW = (was.drawBeforeW ?? 0) - (port?.powerW ?? Number.POSITIVE_INFINITY);
  const silent = reachable(rack, host) === false;
  return (
    change.forced === true && was.haltTaken === true && silent && observed?.freshness === 'fresh' && fellW > FELL_W
  );
}

/** More than a running host's draw wobbles, W. */
const FELL_W = 0.8;

function learnDraw(learned: Learned, { was, host }: Moved, rack: Rack): Learned {
  const { port, observed } = portOf(rack, host);
  const haltedW = observed?.freshness === 'fresh' && port?.enabled !== false ? port?.powerW : undefined;
  if (haltedW === undefined || was.drawBeforeW === undefined) return learned;
  return {
    ...learned,
    haltedW: keep(learned.haltedW, host.id, haltedW),
    awakeW: keep(learned.awakeW, host.id, was.drawBeforeW),
  };
}

const stageBeganMs = (state: CoordinatorState, stage: string | undefined): number | undefined =>
  state.stages.find(({ name }) => name === stage)?.beganMs;

function keep(
  all: Readonly<Record<string, readonly number[]>>,
  key: string,
  value: number,
): Readonly<Record<string, readonly number[]>> {
  return { ...all, [key]: [...(all[key] ?? []), Math.round(value * 100) / 100].slice(-KEPT) };
}

/** How long a step is planned for: what is usual, and what it took when it went badly. */
export interface Taken {
  readonly times: number;
  readonly medianS: number;
  /** The longest of those kept: with so few of them no finer quantile means anything. */
  readonly tailS: number;
}

/** Over all hosts of a stage, which go down side by side: the slowest host decides. Undefined: never seen. */
export function takenBy(learned: Learned, step: Step, stage: Pick<StagePolicy, 'name' | 'hosts'>): Taken | undefined {
  const subjects = step === 'drain' ? [stage.name] : stage.hosts;
  let slowest: Taken | undefined;
  for (const subject of subjects) {
    const tookS = learned.tookS[`${step}:${subject}`] ?? [];
    if (tookS.length === 0) continue;
    const sorted = [...tookS].sort((a, b) => a - b);
    const medianS = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
    const tailS = sorted.at(-1) ?? 0;
    slowest = {
      times: Math.min(slowest?.times ?? Number.POSITIVE_INFINITY, tookS.length),
      medianS: Math.max(slowest?.medianS ?? 0, medianS),
      tailS: Math.max(slowest?.tailS ?? 0, tailS),
    };
  }
  return slowest;
}

/**
 * Seconds to plan for one step, margin included: `margin` times the usual, and never less than it ever took. While too
 * little was seen the configured figure holds, unless it has been shown to be too short.
 * @param expectedS configured
 */
export function plannedStepS(taken: Taken | undefined, expectedS: number, margin: number): number {
  if (taken === undefined) return expectedS * margin;
  if (taken.times < ENOUGH) return Math.max(expectedS, taken.tailS) * margin;
  return Math.max(taken.medianS * margin, taken.tailS);
}

/**
 * Draw below which a host counts as halted, W: a third of the way from its highest halted draw to its lowest awake
 * one. Undefined until both were seen often enough, or where they cannot be told apart.
 */
export function haltedBelowW(learned: Learned, host: string): number | undefined {
  const halted = learned.haltedW[host] ?? [];
  const awake = learned.awakeW[host] ?? [];
  if (halted.length < ENOUGH || awake.length < ENOUGH) return undefined;
  const highest = Math.max(...halted);
  const gap = Math.min(...awake) - highest;
  return gap < TELLABLE_W ? undefined : highest + gap / 3;
}

/** Ports measure in steps of 0.1 W and worse. */
const TELLABLE_W = 0.6;

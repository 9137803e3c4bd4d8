import type { Rack } from '../../services/rack/rack.ts';
import { type Decision, decide } from '../../services/shutdown/decide.ts';
import { evolve, initialState } from '../../services/shutdown/evolve.ts';
import type { Policy } from '../../services/shutdown/policy.ts';
import type { CoordinatorState, Input, JournalEntry } from '../../services/shutdown/state.ts';
import { emptyWatch, type Watch } from '../../services/shutdown/turn.ts';
import type { Check } from './checks.ts';
import { Coverage } from './coverage.ts';
import { someOrder } from './orders.ts';
import { between, type Random, random } from './random.ts';
import { storyPolicy } from './story-policy.ts';
import { ToyRack } from './toy-rack.ts';
import { Watchman } from './watchman.ts';

/** One simulated life of a rack with the real `decide`, its journal, and kills between any two steps. */

export interface Story {
  readonly seed: number;
  readonly violations: readonly string[];
  /** What is wrong at the end, when mains has been back for long. */
  readonly complaints: readonly string[];
  readonly journal: readonly JournalEntry[];
  readonly phases: readonly string[];
  /** Energy left, as a share of full, each time the last host was off. */
  readonly leftWhenDark: readonly number[];
  readonly outages: number;
  readonly kills: number;
  readonly orders: number;
  readonly coverage: Coverage;
}

export interface Chances {
  /** Probability of a kill in any one second. */
  readonly kill: number;
  readonly failing: number;
  readonly hang: number;
  readonly apiGone: number;
  readonly silentPack: number;
  /** Probability of an order by a person in any one second. */
  readonly order: number;
}

export const CALM: Chances = { kill: 0, failing: 0, hang: 0, apiGone: 0, silentPack: 0, order: 0 };
export const ROUGH: Chances = { kill: 0.02, failing: 0.2, hang: 0.03, apiGone: 1, silentPack: 1, order: 0.01 };

/** A rule broken on purpose, to see that the simulation notices. */
export interface Mutation {
  readonly name: string;
  /** The check that must notice. */
  readonly breaks: Check;
  readonly chances: Chances;
  readonly policy?: (policy: Policy) => Policy;
  /** What the coordinator is made to see. */
  readonly rack?: (rack: Rack) => Rack;
  readonly decision?: (decision: Decision, before: CoordinatorState) => Pick<Decision, 'entries' | 'effects'>;
  /** What is left of the journal after a kill. */
  readonly recall?: <Line extends { readonly entry: JournalEntry }>(lines: readonly Line[]) => readonly Line[];
}

/** Longest wait for everything to be as it was, after mains is back for good, s. */
const QUIET_S = 900;
/** Nothing fails any more so long after mains is back for good, s. */
const TROUBLE_S = 60;
/** Everything has been as before for so long: the story is over, s. */
const PEACE_S = 40;
/** While nothing goes on there is a tick every so often, s. */
const IDLE_TICK_S = 3;

/** Runs one story to its end; the seed fixes everything. */
export function runStory(seed: number, chances: Chances, mutation?: Mutation): Story {
  const rng = random(seed);
  const truth = storyPolicy(rng);
  const policy = mutation?.policy?.(truth) ?? truth;
  const pick = (share: number): Set<string> => new Set(Object.keys(truth.hosts).filter(() => rng() < share));
  const coverage = new Coverage();
  const world = new ToyRack(
    truth,
    18 + rng() * 10,
    rng,
    {
      hanging: pick(chances.hang),
      cordoned: new Set([...pick(0.05)].filter((id) => id !== 'nuc')),
      ownSupply: new Set([...pick(0.04)].filter((id) => id !== 'nuc' && id !== 'n6')),
    },
    (fault) => coverage.saw(state.phase, fault),
  );
  const mains = mainsPlan(rng);
  let state: CoordinatorState = initialState(policy, 0);
  let watch: Watch = emptyWatch;
  let offsetMs = 0;
  let kills = 0;
  let orders = 0;
  const leftWhenDark: number[] = [];
  const journal: { atS: number; entry: JournalEntry }[] = [];
  const watchman = new Watchman(truth);
  let due: { atS: number; input: Input }[] = [];
  const phases = new Set<string>();

  const take = (input: Input): void => {
    const seen = world.snapshot(offsetMs);
    const rack = mutation?.rack?.(seen) ?? seen;
    const decision = decide({ state, watch }, input, rack, policy);
    const changed = mutation?.decision?.(decision, state);
    const { entries, effects } = changed ?? decision;
    watchman.saw(state, entries, world);
    if (changed === undefined) state = decision.state;
    else for (const entry of entries) state = evolve(state, entry, rack.monoMs);
    watch = decision.watch;
    phases.add(state.phase);
    if (entries.length > 0) world.excused = excused(world.excused, state);
    for (const entry of entries) {
      journal.push({ atS: world.timeS, entry });
      if (entry.kind === 'phase' && entry.phase === 'dark') leftWhenDark.push(world.energyWh / world.fullWh);
    }
    for (const effect of effects) {
      journal.push({ atS: world.timeS, entry: { kind: 'intent', effect } });
      const { results, takesS } = world.perform(effect, forcedHosts(state));
      const input = { kind: 'result', key: effect.key, effectKind: effect.kind, results, final: true } as const;
      due.push({ atS: world.timeS + 1 + takesS, input });
    }
  };

  const lastS = mains.at(-1)?.atS ?? 0;
  let peaceS = 0;
  while (world.timeS < lastS + QUIET_S && peaceS < PEACE_S) {
    for (const change of mains) if (change.atS === world.timeS) world.mains = change.present;
    const inTrouble = world.timeS < lastS + TROUBLE_S;
    world.faults = {
      failing: inTrouble ? chances.failing : 0,
      apiGone: inTrouble && chances.apiGone > 0 && Math.floor(world.timeS / 60) % 3 === seed % 3 && rng() < 0.999,
      silentPack: inTrouble && chances.silentPack > 0 && Math.floor(world.timeS / 45) % 4 === seed % 4,
    };
    world.step();
    watchman.looks(state, world);
    const ready = due.filter(({ atS }) => atS <= world.timeS);
    due = due.filter(({ atS }) => atS > world.timeS);
    for (const { input } of ready) take(input);
    const idle = (state.phase === 'mains' && state.runId === undefined) || state.phase === 'dark';
    if (!idle || world.timeS % IDLE_TICK_S === 0) take({ kind: 'tick' });
    if (world.faults.silentPack) coverage.saw(state.phase, 'silent-pack');
    if (chances.order > 0 && inTrouble && rng() < chances.order) {
      orders += 1;
      coverage.saw(state.phase, 'order');
      take({ kind: 'command', command: someOrder(rng, state, STAGES, world.visible(), true), author: 'a person' });
    }
    // Who has shut down by hand brings it back by hand.
    if (!inTrouble && state.orderedDown !== undefined && world.timeS % 30 === 0)
      take({ kind: 'command', command: { kind: 'abort' }, author: 'a person' });
    if (rng() < chances.kill && inTrouble) {
      kills += 1;
      coverage.saw(state.phase, 'kill');
      // Another life: another monotonic clock, nothing in flight, state only from the journal.
      offsetMs = Math.floor(rng() * 1e6);
      state = initialState(policy, world.timeS * 1000 + offsetMs);
      const lines = mutation?.recall?.(journal) ?? journal;
      for (const { atS, entry } of lines) state = evolve(state, entry, atS * 1000 + offsetMs);
      watch = emptyWatch;
      due = [];
      world.forgetJudgement(world.timeS * 1000 + offsetMs);
    }
    const peaceful = world.timeS > lastS + TROUBLE_S && due.length === 0 && state.phase === 'mains';
    peaceS = peaceful && complain(world, state).length === 0 ? peaceS + 1 : 0;
  }
  const calm =
    chances.kill + chances.failing + chances.hang + chances.apiGone + chances.silentPack + chances.order === 0;
  return {
    seed,
    violations: [
      ...world.violations,
      ...watchman.violations,
      ...(calm ? world.haltedWithPods.map((id) => `${id} was halted with pods on it`) : []),
      // A second outage may find the bank half empty: one alone has what it needs.
      ...(calm && mains.length === 2 && leftWhenDark.some((left) => left < truth.reserveRatio)
        ? ['the reserve was touched']
        : []),
    ],
    complaints: complain(world, state),
    journal: journal.map(({ entry }) => entry),
    phases: [...phases],
    leftWhenDark,
    outages: mains.length / 2,
    kills,
    orders,
    coverage,
  };
}

const STAGES: readonly string[] = ['batch', 'workers', 'control-plane'];

/** Hosts whose next cut the journal calls forced. */
function forcedHosts(state: CoordinatorState): Set<string> {
  return new Set(Object.entries(state.hosts).flatMap(([id, { forced }]) => (forced ? [id] : [])));
}

/** Hosts that a person has kept awake; they may meet the end of the battery, and so may what was skipped just now. */
function excused(before: ReadonlySet<string>, state: CoordinatorState): ReadonlySet<string> {
  const skipped = Object.entries(state.hosts).flatMap(([id, host]) => (host.skipped ? [id] : []));
  if (skipped.length === 0 && (before.size === 0 || state.phase !== 'mains')) return before;
  return state.phase === 'mains' ? new Set(skipped) : new Set([...before, ...skipped]);
}

/** Mains goes away and comes back one to three times, at any moment. */
function mainsPlan(rng: Random): { atS: number; present: boolean }[] {
  const plan: { atS: number; present: boolean }[] = [];
  let atS = 10 + Math.floor(rng() * 20);
  const outages = 1 + Math.floor(rng() * 3);
  for (let index = 0; index < outages; index += 1) {
    plan.push({ atS, present: false });
    atS += between(rng, 2, 701);
    plan.push({ atS, present: true });
    atS += between(rng, 2, 201);
  }
  return plan;
}

function complain(world: ToyRack, state: CoordinatorState): string[] {
  const complaints: string[] = [];
  if (state.phase !== 'mains') complaints.push(`phase is ${state.phase}`);
  if (state.runId !== undefined) complaints.push('the run is not closed');
  for (const host of world.hosts) {
    if (host.state !== 'running') complaints.push(`${host.id} is ${host.state}`);
    if (host.port !== undefined && host.portOn === host.ownSupply)
      complaints.push(`${host.id}: port is ${host.portOn ? 'on' : 'off'}`);
    if (host.unschedulable !== host.cordonedByPerson) complaints.push(`${host.id}: schedulable differs from before`);
    if (host.mark !== undefined) complaints.push(`${host.id}: our mark is left`);
    const known = state.hosts[host.id];
    if (known !== undefined && known.phase !== 'up')
      complaints.push(`${host.id} counts as ${known.phase} (${known.trouble ?? ''})`);
  }
  return complaints;
}

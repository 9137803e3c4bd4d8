import { decide } from '../../services/shutdown/decide.ts';
import { evolve, initialState } from '../../services/shutdown/evolve.ts';
import type { Policy } from '../../services/shutdown/policy.ts';
import type { CoordinatorState, Input, JournalEntry } from '../../services/shutdown/state.ts';
import { emptyWatch, type Watch } from '../../services/shutdown/turn.ts';
import { type Random, random, ToyRack } from './toy-rack.ts';

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
}

/** Four stages' worth of hosts: PoE nodes, one AC host that can be woken, control plane last. */
export function storyPolicy(rng: Random): Policy {
  const ids = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'cp1', 'cp2', 'cp3'];
  const hosts: Policy['hosts'] = Object.fromEntries([
    ...ids.map((id, index) => [
      id,
      {
        id,
        node: id,
        switchId: 'sw1',
        port: String(index + 1),
        cuttable: true,
        canHalt: true,
        canWake: false,
        protected: false,
        powerW: 7,
        haltTimeoutS: 40,
        bootTimeoutS: 120,
        offAfterSilenceS: 5,
        stage: index < 3 ? 'batch' : index < 6 ? 'workers' : 'control-plane',
      },
    ]),
    [
      'nuc',
      {
        id: 'nuc',
        cuttable: false,
        canHalt: true,
        canWake: true,
        protected: false,
        powerW: 15,
        haltTimeoutS: 40,
        bootTimeoutS: 120,
        offAfterSilenceS: 5,
        stage: 'workers',
      },
    ],
  ]);
  return {
    hosts,
    stages: [
      {
        name: 'batch',
        hosts: ['n1', 'n2', 'n3'],
        ...(rng() < 0.5 ? { afterS: 60 } : {}),
        drainTimeoutS: 40,
        pdbGraceS: 10,
      },
      { name: 'workers', hosts: ['n4', 'n5', 'n6', 'nuc'], drainTimeoutS: 40, pdbGraceS: 10 },
      { name: 'control-plane', hosts: ['cp1', 'cp2', 'cp3'], drainTimeoutS: 40, pdbGraceS: 10 },
    ],
    hasCluster: true,
    reserveRatio: 0.1,
    margin: 1.5,
    expectS: { cordon: 3, drain: 15, halt: 20, cut: 5 },
    restore: { stableForS: 20, minSoc: 0, groupSize: 2, groupEveryS: 5, offTimeS: 5 },
    circuitLimitA: 16,
    circuitVolts: 110,
  };
}

export interface Chances {
  /** Probability of a kill in any one second. */
  readonly kill: number;
  readonly failing: number;
  readonly hang: number;
  readonly apiGone: number;
  readonly silentPack: number;
}

const QUIET_S = 900;

/** Runs one story to its end; the seed fixes everything. */
export function runStory(seed: number, chances: Chances): Story {
  const rng = random(seed);
  const policy = storyPolicy(rng);
  const pick = (share: number): Set<string> => new Set(Object.keys(policy.hosts).filter(() => rng() < share));
  const cordoned = new Set([...pick(0.05)].filter((id) => id !== 'nuc'));
  const world = new ToyRack(policy, 18 + rng() * 10, rng, pick(chances.hang), cordoned);
  const mains = mainsPlan(rng);
  let state: CoordinatorState = initialState(policy, 0);
  let watch: Watch = emptyWatch;
  let offsetMs = 0;
  let kills = 0;
  const leftWhenDark: number[] = [];
  const journal: { atS: number; entry: JournalEntry }[] = [];
  let due: { atS: number; input: Input }[] = [];
  const phases = new Set<string>();

  const take = (input: Input): void => {
    const decision = decide({ state, watch }, input, world.snapshot(offsetMs), policy);
    state = decision.state;
    watch = decision.watch;
    phases.add(state.phase);
    for (const entry of decision.entries) {
      journal.push({ atS: world.timeS, entry });
      if (entry.kind === 'phase' && entry.phase === 'dark') leftWhenDark.push(world.energyWh / world.fullWh);
    }
    for (const effect of decision.effects) {
      journal.push({ atS: world.timeS, entry: { kind: 'intent', effect } });
      const { results, takesS } = world.perform(effect, forcedHosts(state));
      const input = { kind: 'result', key: effect.key, effectKind: effect.kind, results, final: true } as const;
      due.push({ atS: world.timeS + 1 + takesS, input });
    }
  };

  const endS = (mains.at(-1)?.atS ?? 0) + QUIET_S;
  while (world.timeS < endS) {
    for (const change of mains) if (change.atS === world.timeS) world.mains = change.present;
    const inTrouble = world.timeS < endS - QUIET_S + 60;
    world.faults = {
      failing: inTrouble ? chances.failing : 0,
      apiGone: inTrouble && chances.apiGone > 0 && Math.floor(world.timeS / 60) % 3 === seed % 3 && rng() < 0.999,
      silentPack: inTrouble && chances.silentPack > 0 && Math.floor(world.timeS / 45) % 4 === seed % 4,
    };
    world.step();
    const ready = due.filter(({ atS }) => atS <= world.timeS);
    due = due.filter(({ atS }) => atS > world.timeS);
    for (const { input } of ready) take(input);
    take({ kind: 'tick' });
    if (rng() < chances.kill && inTrouble) {
      kills += 1;
      // Another life: another monotonic clock, nothing in flight, state only from the journal.
      offsetMs = Math.floor(rng() * 1e6);
      state = initialState(policy, world.timeS * 1000 + offsetMs);
      for (const { atS, entry } of journal) state = evolve(state, entry, atS * 1000 + offsetMs);
      watch = emptyWatch;
      due = [];
      world.forgetJudgement(world.timeS * 1000 + offsetMs);
    }
  }
  return {
    seed,
    violations: world.violations,
    complaints: complain(world, state),
    journal: journal.map(({ entry }) => entry),
    phases: [...phases],
    leftWhenDark,
    outages: mains.length / 2,
    kills,
  };
}

/** Hosts whose next cut the journal calls forced. */
function forcedHosts(state: CoordinatorState): Set<string> {
  return new Set(Object.entries(state.hosts).flatMap(([id, { forced }]) => (forced ? [id] : [])));
}

/** Mains goes away and comes back one to three times, at any moment. */
function mainsPlan(rng: Random): { atS: number; present: boolean }[] {
  const plan: { atS: number; present: boolean }[] = [];
  let atS = 10 + Math.floor(rng() * 20);
  const outages = 1 + Math.floor(rng() * 3);
  for (let index = 0; index < outages; index += 1) {
    plan.push({ atS, present: false });
    atS += 2 + Math.floor(rng() * 700);
    plan.push({ atS, present: true });
    atS += 2 + Math.floor(rng() * 200);
  }
  return plan;
}

function complain(world: ToyRack, state: CoordinatorState): string[] {
  const complaints: string[] = [];
  if (state.phase !== 'mains') complaints.push(`phase is ${state.phase}`);
  if (state.runId !== undefined) complaints.push('the run is not closed');
  for (const host of world.hosts) {
    if (host.state !== 'running') complaints.push(`${host.id} is ${host.state}`);
    if (!host.portOn && host.port !== undefined) complaints.push(`${host.id}: port is off`);
    if (host.unschedulable !== host.cordonedByPerson) complaints.push(`${host.id}: schedulable differs from before`);
    if (host.mark !== undefined) complaints.push(`${host.id}: our mark is left`);
    const known = state.hosts[host.id];
    if (known !== undefined && known.phase !== 'up')
      complaints.push(`${host.id} counts as ${known.phase} (${known.trouble ?? ''})`);
  }
  return complaints;
}

import { type Answer, accept, refuse } from './answer.ts';
import { isOff, type Member, membersOf, takesPart } from './goal.ts';
import { restoreGate } from './restore-gate.ts';
import type { Rehearsal } from './state.ts';
import type { Turn } from './turn.ts';

/**
 * A rehearsal takes one stage down for real while mains is there, and brings it back. It walks the very path of an
 * outage; only what begins it and what ends it is different. Guarded: nothing else may be going on, and nothing may be
 * taken away that the rest of the rack needs.
 */
export function rehearse(turn: Turn, stage: string, depth: Rehearsal['depth']): Answer {
  const because = whyNot(turn, stage, depth);
  if (because !== undefined) return refuse(because);
  const runId = `rehearsal-${new Date(turn.rack.wallMs).toISOString().replace(/[:.]/g, '-')}`;
  turn.write({ kind: 'rehearsal', stage, depth, began: true, runId, because: 'ordered by a person' });
  turn.write({ kind: 'stage', stage, began: true, trigger: 'rehearsal' });
  return accept(depth === 'drain' ? `${stage} is drained and comes back` : `${stage} goes down and comes back`);
}

/** Ends a rehearsal before its time; what was begun is brought back. */
export function callOff(turn: Turn, because: string): Answer {
  const { rehearsal } = turn.state;
  if (rehearsal === undefined) return refuse('no rehearsal is going on');
  end(turn, rehearsal, because);
  return accept('the rehearsal is over; what was taken down comes back');
}

/** Ends a rehearsal that has reached its end, or has lasted too long. */
export function followRehearsal(turn: Turn): void {
  const { rehearsal } = turn.state;
  if (rehearsal === undefined) return;
  const members = membersOf(turn.state, turn.policy, rehearsal.stage).filter(takesPart);
  const lastedS = (turn.nowMs - rehearsal.sinceMs) / 1000;
  if (members.every(reached(rehearsal.depth))) {
    end(turn, rehearsal, `${rehearsal.stage} was ${WORD[rehearsal.depth]} in ${lastedS.toFixed(0)} s`);
  } else if (turn.overdue(rehearsal.sinceMs, longestS(turn, rehearsal, members))) {
    end(turn, rehearsal, `${rehearsal.stage} was not ${WORD[rehearsal.depth]} within ${lastedS.toFixed(0)} s`);
  }
}

const WORD = { drain: 'drained', whole: 'off' } as const;

const reached =
  (depth: Rehearsal['depth']) =>
  ([host, state]: Member): boolean =>
    depth === 'drain' ? state.phase === 'drained' : isOff(host, state);

/** Every step has its own deadline; this is for what has none. */
const SPARE_S = 120;

function longestS(turn: Turn, { stage, depth }: Rehearsal, members: readonly Member[]): number {
  const drainS = turn.policy.stages.find(({ name }) => name === stage)?.drainTimeoutS ?? 0;
  const haltS = depth === 'whole' ? Math.max(0, ...members.map(([host]) => host.haltTimeoutS)) : 0;
  return drainS + haltS + SPARE_S;
}

function end(turn: Turn, { stage, depth }: Rehearsal, because: string): void {
  turn.write({ kind: 'rehearsal', stage, depth, began: false, because });
  turn.write({ kind: 'stage', stage, began: false });
}

function whyNot(turn: Turn, stage: string, depth: Rehearsal['depth']): string | undefined {
  const { state, rack, policy } = turn;
  if (state.phase !== 'mains') return `not in phase ${state.phase}`;
  if (state.rehearsal !== undefined) return `${state.rehearsal.stage} is being rehearsed`;
  if (state.runId !== undefined) return 'some hosts still need a person after the last outage';
  if (!policy.stages.some(({ name }) => name === stage)) return `no stage is called ${stage.slice(0, 64)}`;
  const notUp = Object.entries(state.hosts).find(([, host]) => host.phase !== 'up');
  if (notUp !== undefined) return `${notUp[0]} is ${notUp[1].phase}`;
  if (rack.bank.freshness !== 'fresh' && Object.keys(rack.packs).length > 0) return 'the bank is not heard';
  return restoreGate(state, rack, policy) ?? clusterNeeds(turn, membersOf(state, policy, stage), depth);
}

/** What the rest of the cluster would miss. */
function clusterNeeds(turn: Turn, members: readonly Member[], depth: Rehearsal['depth']): string | undefined {
  const going = new Set(members.flatMap(([host]) => (host.node === undefined ? [] : [host.node])));
  if (going.size === 0) return undefined;
  const { cluster } = turn.rack;
  if (cluster?.freshness !== 'fresh' || cluster.sample === undefined) return 'the cluster is not heard';
  const { nodes } = cluster.sample;
  const stay = nodes.filter((node) => !going.has(node.name) && node.ready === 'true' && !node.unschedulable);
  if (stay.length === 0) return 'its pods would have nowhere to go';
  const planes = nodes.filter(({ controlPlane }) => controlPlane);
  const left = planes.filter((node) => !going.has(node.name) && node.ready === 'true').length;
  const quorum = Math.floor(planes.length / 2) + 1;
  if (depth === 'whole' && left < planes.length && left < quorum)
    return `only ${left} of ${planes.length} control-plane nodes would be left, and ${quorum} are needed`;
  return undefined;
}

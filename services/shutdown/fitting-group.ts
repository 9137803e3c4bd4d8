import { fits, reservedW, type Starting } from '../rack/budget.ts';
import { circuitLoad } from './energy.ts';
import { drawW, portOf, reachable } from './evidence.ts';
import { type Member, stagedHosts } from './goal.ts';
import type { Turn } from './turn.ts';

/** Who may be started together: what a boot takes, against the switch's budget and what the circuit carries. */

/** A Pi's draw while it boots, as a multiple of its settled draw; unverified, from memory (poe-standards.md §5). */
const BOOT_SURGE = 1.4;

/**
 * As many of the candidates as fit together, in their order: beside what draws already and what is being started, into
 * budget and guard of their switch, its promises to classes where it admits by these, and the circuit's continuous
 * limit. One that does not fit is passed over, with what it lacks.
 */
export function fittingGroup(
  turn: Turn,
  candidates: readonly Member[],
): {
  readonly group: readonly Member[];
  readonly without: readonly (readonly [Member, string])[];
  /** What the first one that only the circuit keeps back lacks there, W; 0 when there is none. */
  readonly lackW: number;
} {
  const { circuit } = turn.rack;
  const rising = stagedHosts(turn).filter(
    ([, state]) => state.phase === 'powering' && state.backSinceMs === undefined && state.trouble === undefined,
  );
  const load = circuitLoad(turn, turn.otherW);
  const room: Room = {
    watts:
      circuit.limitA * turn.policy.circuitVolts -
      load.watts -
      rising.reduce((sum, member) => sum + moreW(turn, member), 0),
    reckoned: load.reckoned,
  };
  const group: Member[] = [];
  const without: [Member, string][] = [];
  let lackW = 0;
  for (const member of candidates) {
    if (group.length >= turn.policy.restore.groupSize) break;
    const wants = wantsOf(turn, member);
    const lack = lackOf(turn, member, wants, [...rising, ...group], room);
    if (lack !== undefined) {
      without.push([member, `not started: ${lack}`]);
      const endless = { watts: Number.POSITIVE_INFINITY, reckoned: false };
      const byCircuit = lackOf(turn, member, wants, [...rising, ...group], endless) === undefined;
      if (lackW === 0 && byCircuit) lackW = wants.surgeW - room.watts;
      continue;
    }
    room.watts -= wants.surgeW;
    group.push(member);
  }
  return { group, without, lackW };
}

/** What the circuit has left. */
interface Room {
  watts: number;
  readonly reckoned: boolean;
}

/** Why one more cannot start beside those that are starting; nothing when it can. */
function lackOf(
  turn: Turn,
  [host]: Member,
  wants: Starting,
  others: readonly Member[],
  circuit: Readonly<Room>,
): string | undefined {
  const boots = `it takes ${watts(wants.surgeW)} while it boots`;
  if (host.switchId !== undefined) {
    const mates = others.filter(([other]) => other.switchId === host.switchId);
    const sample = turn.rack.switches[host.switchId]?.sample;
    const { leftW, lacks } = fits(sample, [...mates.map((mate) => wantsOf(turn, mate)), wants]);
    const classW = reservedW(wants);
    if (lacks === 'promise')
      return `its class is promised ${watts(classW)}, switch ${host.switchId} has ${watts(leftW + classW)} left to promise`;
    if (lacks === 'power') return `${boots}, switch ${host.switchId} has ${watts(leftW + wants.surgeW)} left`;
  }
  if (wants.surgeW <= circuit.watts) return undefined;
  const how = circuit.reckoned ? ' as far as can be reckoned without its meter' : '';
  return `${boots}, the circuit has ${watts(circuit.watts)} left${how}`;
}

const watts = (value: number): string => `${Math.max(0, value).toFixed(0)} W`;

/** What a host takes beyond what its port has already: drawn, and promised to its class. */
function wantsOf(turn: Turn, member: Member): Starting {
  const [host, state] = member;
  const { port, observed } = portOf(turn.rack, host);
  const isFed = observed?.freshness === 'fresh' && port?.state === 'delivering';
  return {
    surgeW:
      state.phase === 'powering' || reachable(turn.rack, host) === true ? moreW(turn, member) : surgeW(turn, member),
    poeClass: state.portBefore?.poeClass,
    ...(isFed ? { promised: true } : {}),
  };
}

const surgeW = ({ rack }: Turn, [host, state]: Member): number => (state.drawBeforeW ?? drawW(rack, host)) * BOOT_SURGE;

/** What a host will draw while it boots beyond what is measured at its port already, W. */
function moreW(turn: Turn, member: Member): number {
  const { port, observed } = portOf(turn.rack, member[0]);
  const drawnW = observed?.freshness === 'fresh' ? (port?.powerW ?? 0) : 0;
  return Math.max(0, surgeW(turn, member) - drawnW);
}

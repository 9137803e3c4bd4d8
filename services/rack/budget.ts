import { byNumber } from './port-order.ts';
import type { Admission, PortPriority, PortSample, SwitchSample } from './samples.ts';

/**
 * The budget of a PoE switch: what is promised, what is drawn, who loses power first, and who may start together. Pure.
 * Classes are those of IEEE 802.3; how priorities and ties are settled is written down in docs/poe.md.
 */

/** Power a switch must hold ready for classes 0..8, W (IEEE 802.3, table of PSE classes). */
const CLASS_W: readonly number[] = [15.4, 4, 7, 15.4, 30, 45, 60, 75, 90];
/** Not classified, or not told: as class 0. */
const UNCLASSED_W = 15.4;

interface Promised {
  readonly poeClass?: number | undefined;
  readonly reservedW?: number | undefined;
}

/** Power promised to a port, W: what the switch says, else what its class stands for. */
export const reservedW = ({ reservedW: told, poeClass }: Promised): number =>
  told ?? (poeClass === undefined ? UNCLASSED_W : (CLASS_W[poeClass] ?? UNCLASSED_W));

/** Lost on the way to a device, W. @param loopOhm both ways together: 12.5 for 100 m of two pairs, 0.25 for a patch cable */
export const cableLossW = (currentA: number, loopOhm: number): number => currentA * currentA * loopOhm;

/** To the milliwatt: what the finest tables tell. */
export const toMilliwatts = (watts: number): number => Math.round(watts * 1000) / 1000;

const RANKS: Readonly<Record<PortPriority, number>> = { critical: 0, high: 1, low: 2 };

/** 0 keeps its power longest; a port that does not tell comes last. */
const rankOf = ({ priority, priorityRank }: Pick<PortSample, 'priority' | 'priorityRank'>): number =>
  priorityRank ?? (priority === undefined ? Number.POSITIVE_INFINITY : RANKS[priority]);

type Ranked = Pick<PortSample, 'port' | 'priority' | 'priorityRank'>;

/** Who keeps power longest first: by priority, then the lower number, as all vendors that tell their rule have it. */
const keepingOrder = (a: Ranked, b: Ranked): number => compare(rankOf(a), rankOf(b)) || byNumber(a.port, b.port);
const compare = (a: number, b: number): number => (a === b ? 0 : a - b);

/** Ports in the order in which they lose power: the lowest priority first, among equals the highest number. */
export const dropOrder = (ports: readonly Ranked[]): readonly string[] =>
  ports.toSorted((a, b) => keepingOrder(b, a)).map(({ port }) => port);

/** Which ports lose power until what is drawn is within the budget. @param guardW part of it that stays free */
export function shed(
  ports: readonly (Ranked & { readonly powerW: number })[],
  budgetW: number,
  guardW = 0,
): { readonly shed: readonly string[]; readonly afterW: number } {
  const draws = new Map(ports.map(({ port, powerW }) => [port, powerW]));
  let afterW = ports.reduce((total, { powerW }) => total + powerW, 0);
  const gone: string[] = [];
  for (const port of dropOrder(ports)) {
    if (afterW <= budgetW - guardW) break;
    afterW -= draws.get(port) ?? 0;
    gone.push(port);
  }
  return { shed: gone, afterW: toMilliwatts(afterW) };
}

/** A device that wants power. */
export type Asking = Ranked & Promised;

/**
 * Which devices a switch that admits by class (`static`) powers: by priority, then by number; one that does not fit is
 * passed over, and smaller ones behind it are still let in.
 */
export function admit(
  asking: readonly Asking[],
  budgetW: number,
  guardW = 0,
): { readonly powered: readonly string[]; readonly reservedW: number; readonly leftW: number } {
  let leftW = budgetW - guardW;
  const powered: string[] = [];
  for (const each of asking.toSorted(keepingOrder)) {
    const wantsW = reservedW(each);
    if (wantsW > leftW) continue;
    leftW = toMilliwatts(leftW - wantsW);
    powered.push(each.port);
  }
  return { powered, reservedW: toMilliwatts(budgetW - guardW - leftW), leftW };
}

/** The sample with what its budget comes to; what is not told stays absent. */
export function withBudget(sample: SwitchSample): SwitchSample {
  const { budgetW, guardW = 0, drawnW, reservedW: promisedW, ports } = sample;
  const delivering = ports.filter(({ state }) => state === 'delivering');
  const ranked = delivering.every((port) => Number.isFinite(rankOf(port)));
  const room = (takenW: number | undefined) =>
    budgetW === undefined || takenW === undefined ? undefined : toMilliwatts(budgetW - guardW - takenW);
  const headroomW = room(drawnW);
  const unreservedW = room(promisedW);
  return {
    ...sample,
    ...(headroomW === undefined ? {} : { headroomW }),
    ...(unreservedW === undefined ? {} : { unreservedW }),
    ...(ranked && delivering.length > 0 ? { dropOrder: dropOrder(delivering) } : {}),
  };
}

/** The most one port can draw beyond what it draws now, by its class, W; the port with it. */
export function largestRise(
  ports: readonly PortSample[],
): { readonly port: string; readonly riseW: number } | undefined {
  let most: { port: string; riseW: number } | undefined;
  for (const port of ports) {
    if (port.state !== 'delivering' || port.powerW === undefined) continue;
    const riseW = toMilliwatts(reservedW(port) - port.powerW);
    if (riseW > (most?.riseW ?? 0)) most = { port: port.port, riseW };
  }
  return most;
}

type Budgeted = Pick<SwitchSample, 'budgetW' | 'guardW' | 'drawnW' | 'reservedW' | 'headroomW' | 'unreservedW'> & {
  readonly admission?: Admission | undefined;
};

/** A port that is about to be powered. */
export interface Starting {
  /** What it takes at most while it boots, W. */
  readonly surgeW: number;
  /** As it was before it was cut; 15.4 W are promised to one that does not tell. */
  readonly poeClass?: number | undefined;
  /** The switch has promised its class already. */
  readonly promised?: true;
}

export interface Fit {
  /** What there is too little of; absent when all of them may start. */
  readonly lacks?: 'power' | 'promise';
  /** What is left of the scarcer of the two, W; below 0 when they do not fit. Infinite without a budget. */
  readonly leftW: number;
}

/**
 * Whether ports may start at one moment. A switch that admits by class wants room for their classes as well as for
 * their surge; one that does not say how it admits is taken as measuring.
 */
export function fits(sample: Budgeted | undefined, starting: readonly Starting[]): Fit {
  const powerW = roomW(sample, 'drawn') - starting.reduce((total, each) => total + each.surgeW, 0);
  const byClass = sample?.admission === 'static';
  const anew = starting.filter(({ promised }) => promised !== true);
  const promiseW = byClass
    ? roomW(sample, 'promised') - anew.reduce((total, each) => total + reservedW(each), 0)
    : Number.POSITIVE_INFINITY;
  const leftW = Math.min(powerW, promiseW);
  if (leftW === Number.POSITIVE_INFINITY) return { leftW };
  const rounded = toMilliwatts(leftW);
  if (rounded >= 0) return { leftW: rounded };
  return { lacks: promiseW < powerW ? 'promise' : 'power', leftW: rounded };
}

function roomW(sample: Budgeted | undefined, kind: 'drawn' | 'promised'): number {
  if (sample?.budgetW === undefined) return Number.POSITIVE_INFINITY;
  const known = kind === 'drawn' ? sample.headroomW : sample.unreservedW;
  const takenW = (kind === 'drawn' ? sample.drawnW : sample.reservedW) ?? 0;
  return known ?? sample.budgetW - (sample.guardW ?? 0) - takenW;
}

export interface Booting {
  readonly port: string;
  /** At most while it boots, W. */
  readonly surgeW: number;
  /** When it has booted, W. */
  readonly settledW: number;
}

/**
 * Groups that may start one after the other, in the order given: each fits beside what draws already and what the
 * groups before it settle to. A port that does not fit even alone is in `never`.
 * @param room what the switch has for them: its budget, what it draws already, and what stays free, W
 */
export function startGroups(
  ports: readonly Booting[],
  room: { readonly budgetW: number; readonly baseW: number; readonly marginW: number },
): { readonly groups: readonly (readonly string[])[]; readonly never: readonly string[] } {
  const groups: string[][] = [];
  const never: string[] = [];
  let waiting = [...ports];
  let settledW = 0;
  while (waiting.length > 0) {
    let freeW = toMilliwatts(room.budgetW - room.marginW - room.baseW - settledW);
    const group: Booting[] = [];
    const left: Booting[] = [];
    for (const each of waiting) {
      if (each.surgeW > freeW) left.push(each);
      else {
        group.push(each);
        freeW = toMilliwatts(freeW - each.surgeW);
      }
    }
    if (group.length === 0) {
      never.push(...left.map(({ port }) => port));
      break;
    }
    groups.push(group.map(({ port }) => port));
    settledW += group.reduce((total, each) => total + each.settledW, 0);
    waiting = left;
  }
  return { groups, never };
}

import { discharge, energyBetweenWh, type PackSpec, packOcvV, packResistanceOhm, terminalV } from '#bms/model';
import { type PlannedPack, packSpecOf } from './battery.ts';

/** A while at constant power from the pack; ends at the first of its limits that is reached. */
export interface Stretch {
  readonly powerW: number;
  readonly forS?: number | undefined;
  readonly untilSoc?: number | undefined;
}

/** The pack at one moment. A change of load is two points at the same hour. */
export interface TimelinePoint {
  readonly hours: number;
  readonly socRatio: number;
  /** At the terminals. */
  readonly volts: number;
  readonly amperes: number;
  readonly watts: number;
}

export interface Timeline {
  /** Until the pack is at its cut-off, the floor, or the end of what was asked. */
  readonly hours: number;
  /** At the terminals. */
  readonly energyWh: number;
  /** What the cells gave: `energyWh` and what their own resistance and the wiring turned to heat. */
  readonly releasedWh: number;
  readonly socEnd: number;
  /** `limit`: after a year, or after more changes of load than anybody plans. */
  readonly endedBy: 'cut-off' | 'floor' | 'time' | 'limit';
  readonly points: readonly TimelinePoint[];
}

export interface TimelineOptions {
  /** State of charge at the start and where to stop at the latest, 0..1; 1 and 0 when absent. */
  readonly socStart?: number | undefined;
  readonly socStop?: number | undefined;
}

/** Nothing is planned beyond these. */
const LONGEST_S = 366 * 86_400;
const MOST_STRETCHES = 2000;

/**
 * What the pack does while the load changes: each stretch in closed form, the end charge of one is the start of the next.
 * A stretch without a limit lasts to the cut-off; a BMS that has opened there does not close for a smaller load.
 */
export function timeline(
  pack: PlannedPack,
  stretches: Iterable<Stretch>,
  { socStart = 1, socStop = 0 }: TimelineOptions = {},
): Timeline {
  const spec = packSpecOf(pack);
  const points: TimelinePoint[] = [];
  let seconds = 0;
  let energyWh = 0;
  let releasedWh = 0;
  let socRatio = Math.min(Math.max(socStart, 0), 1);
  let endedBy: Timeline['endedBy'] = 'time';
  let count = 0;
  for (const { powerW, forS = Number.POSITIVE_INFINITY, untilSoc = 0 } of stretches) {
    if (++count > MOST_STRETCHES || seconds >= LONGEST_S) {
      endedBy = 'limit';
      break;
    }
    const floorSoc = Math.max(untilSoc, socStop);
    const allowedS = Math.min(forS, LONGEST_S - seconds);
    const end = discharge(spec, { socRatio, powerW, floorSoc }, allowedS);
    addPoints(points, spec, { fromS: seconds, from: socRatio, to: end.socRatio, powerW, lastS: end.durationS });
    releasedWh += energyBetweenWh(spec, socRatio, end.socRatio, 0);
    energyWh += end.energyWh;
    seconds += end.durationS;
    socRatio = end.socRatio;
    if (end.endedBy === 'cut-off' || (end.endedBy === 'floor' && socRatio <= socStop)) {
      endedBy = end.endedBy;
      break;
    }
    if (end.endedBy === 'time' && allowedS < forS) endedBy = 'limit';
  }
  return { hours: seconds / 3600, energyWh, releasedWh, socEnd: socRatio, endedBy, points };
}

interface Course {
  readonly fromS: number;
  readonly lastS: number;
  readonly from: number;
  readonly to: number;
  readonly powerW: number;
}

/** A point at both ends and at every node of the cell's tables in between: straight lines join them well. */
function addPoints(points: TimelinePoint[], spec: PackSpec, { fromS, lastS, from, to, powerW }: Course): void {
  points.push(pointAt(spec, fromS, from, powerW));
  const nodes = powerW > 0 ? spec.chemistry.grid.soc.filter((soc) => soc < from && soc > to).toReversed() : [];
  for (const soc of nodes) {
    points.push(pointAt(spec, fromS + (3600 * energyBetweenWh(spec, from, soc, powerW)) / powerW, soc, powerW));
  }
  if (lastS > 0) points.push(pointAt(spec, fromS + lastS, to, powerW));
}

function pointAt(spec: PackSpec, seconds: number, socRatio: number, watts: number): TimelinePoint {
  const volts = terminalV(packOcvV(spec, socRatio), packResistanceOhm(spec, socRatio), watts);
  return { hours: seconds / 3600, socRatio, volts, amperes: watts / volts, watts };
}

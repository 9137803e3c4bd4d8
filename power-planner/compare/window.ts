import type { Reading, Recording } from './recording.ts';

/** The discharge in a recording, from a little before it on, counted from its first reading. */
export interface OutageWindow {
  readonly readings: readonly Reading[];
  /** Time and charge of the discharge itself. */
  readonly hours: number;
  readonly usedAh: number;
  readonly energyWh: number;
  /** Longest time without a reading, s. */
  readonly longestGapS: number;
}

/** Rest before the outage that is kept: it shows the voltage without load. */
const REST_S = 300;
/** A discharge that pauses for less than this goes on. */
const PAUSE_S = 120;

/**
 * The longest discharge of a recording; readings before and after it are left out but for the rest right before.
 * @param betweenMs wall times to look in, from a journal
 */
export function outageWindow(
  { readings, beganMs }: Recording,
  betweenMs?: { readonly fromMs: number; readonly untilMs: number | undefined },
): OutageWindow {
  const fromS = betweenMs === undefined || beganMs === undefined ? 0 : (betweenMs.fromMs - beganMs) / 1000;
  const untilS =
    betweenMs?.untilMs === undefined || beganMs === undefined
      ? Number.POSITIVE_INFINITY
      : (betweenMs.untilMs - beganMs) / 1000;
  const inside = readings.filter(({ seconds }) => seconds >= fromS - REST_S && seconds <= untilS);
  const peakA = inside.reduce((most, { amperes }) => Math.max(most, amperes), 0);
  const runs = runsOf(inside, Math.max(peakA * 0.02, 0.05));
  const longest = runs.reduce<Run | undefined>(
    (best, run) => (best === undefined || lasted(inside, run) > lasted(inside, best) ? run : best),
    undefined,
  );
  if (longest === undefined) return { readings: [], hours: 0, usedAh: 0, energyWh: 0, longestGapS: 0 };
  const beginS = inside[longest.from]?.seconds ?? 0;
  const first = inside.findIndex(({ seconds }) => seconds >= beginS - REST_S);
  const kept = inside.slice(first, longest.to + 1);
  const zeroS = kept[0]?.seconds ?? 0;
  return { ...counted(kept, beginS), readings: kept.map((one) => ({ ...one, seconds: one.seconds - zeroS })) };
}

interface Run {
  readonly from: number;
  readonly to: number;
}

const lasted = (readings: readonly Reading[], { from, to }: Run): number =>
  (readings[to]?.seconds ?? 0) - (readings[from]?.seconds ?? 0);

/** First and last index of every stretch in which the pack discharges. */
function runsOf(readings: readonly Reading[], minA: number): readonly Run[] {
  const runs: Run[] = [];
  let from = -1;
  let to = -1;
  for (const [i, { amperes, seconds }] of readings.entries()) {
    if (amperes < minA) continue;
    if (from >= 0 && seconds - (readings[to]?.seconds ?? 0) > PAUSE_S && i - to > 1) {
      runs.push({ from, to });
      from = i;
    }
    if (from < 0) from = i;
    to = i;
  }
  if (from >= 0) runs.push({ from, to });
  return runs;
}

function counted(readings: readonly Reading[], beginS: number): Omit<OutageWindow, 'readings'> {
  let usedAh = 0;
  let energyWh = 0;
  let longestGapS = 0;
  for (const [i, one] of readings.entries()) {
    const next = readings[i + 1];
    if (next === undefined) break;
    const hours = (next.seconds - one.seconds) / 3600;
    longestGapS = Math.max(longestGapS, next.seconds - one.seconds);
    usedAh += ((one.amperes + next.amperes) / 2) * hours;
    energyWh += ((one.volts * one.amperes + next.volts * next.amperes) / 2) * hours;
  }
  const endS = readings.at(-1)?.seconds ?? beginS;
  return { hours: (endS - beginS) / 3600, usedAh, energyWh, longestGapS };
}

import type { Snapshot } from '../../shutdown/view.ts';

/** Whose machines are told when to go: how long they take, and the stage they belong to. */
export interface Audience {
  readonly needsS: number;
  readonly stage?: string | undefined;
}

/**
 * Seconds until machines that take `needsS` must be told to go down, so that they are off when their stage is: 0 or less
 * when that is now. Absent while mains is there, or when nothing can be predicted. Pure.
 */
export function mustBeginInS({ coordinator, rack }: Snapshot, { needsS, stage: name }: Audience): number | undefined {
  const { schedule } = coordinator;
  if (rack.forcedShutdown !== undefined) return 0;
  if (schedule.basis !== 'live') return undefined;
  const stage = name === undefined ? schedule.stages.at(-1) : schedule.stages.find((each) => each.name === name);
  if (stage === undefined) {
    const { usableWh, reserveWh, loadW } = schedule;
    if (usableWh === undefined || !(loadW > 0)) return undefined;
    return ((usableWh - reserveWh) / loadW) * 3600 - needsS;
  }
  if (stage.state === 'going-down' || stage.state === 'down') return 0;
  if (stage.beginsInS === undefined) return undefined;
  return stage.beginsInS - Math.max(0, needsS - stage.durationS);
}

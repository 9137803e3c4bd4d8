import type { Schedule, StageSchedule } from './view.ts';

/**
 * The latest safe start of every stage, computed backwards from an empty usable bank.
 *
 * Going backwards: when stage i begins, the bank must still hold the reserve plus the energy that this stage and all
 * later ones burn while they go down, one after the other:
 *
 *     needWh[n+1] = reserve        needWh[i] = needWh[i+1] + loadW[i] · durationS[i] / 3600
 *
 * where `loadW[i]` is the load while stage i goes down (the hosts of earlier stages are off by then). Going forwards:
 * with the load as it is, when does the energy meet `needWh[i]`? A trigger the user set can only make it earlier, and
 * a stage never waits for a later one.
 */

export interface StagePlan {
  readonly name: string;
  readonly hosts: readonly string[];
  readonly state: StageSchedule['state'];
  /** Load that goes away with it, as the pack sees it, W. A cautious (low) figure. */
  readonly dropW: number;
  /** From begin to the last port cut, margin included, s. For a stage that is going down: what remains. */
  readonly durationS: number;
  readonly afterS?: number;
  readonly belowSoc?: number;
  readonly belowRuntimeS?: number;
  /** At once when the load takes more than this share of a full bank in an hour. */
  readonly fasterThanPerH?: number;
  /** Seconds until the clock is in a window in which the stage goes down; 0 inside. */
  readonly windowInS?: number;
}

export interface ScheduleInput {
  readonly basis: Schedule['basis'];
  /** Cautious usable energy right now, Wh; absent when there has never been a battery figure. */
  readonly usableWh?: number;
  readonly fullWh: number;
  readonly socRatio?: number;
  readonly reserveWh: number;
  /** Factor that is in the planned durations, at least 1. */
  readonly margin: number;
  /** Load on the bank, W. */
  readonly loadW: number;
  /** Seconds since mains went away; 0 when it is there. */
  readonly onBatteryS: number;
  /** User triggers are held back; energy never is. */
  readonly held: boolean;
  readonly stages: readonly StagePlan[];
}

/** With no battery figure at all, a confirmed outage is let run this long before everything goes down, s. */
const BLIND_GRACE_S = 60;

/** Computes the schedule. Pure; linear in the number of stages. */
export function planSchedule(input: ScheduleInput): Schedule {
  const needs = energyNeeds(input);
  const walk = new Walk(input);
  const stages: StageSchedule[] = [];
  input.stages.forEach((stage, index) => {
    const needWh = needs[index]?.needWh ?? input.reserveWh;
    const plannable = stage.state === 'waiting' || stage.state === 'coming-back';
    const when = plannable ? walk.begin(stage, needWh) : undefined;
    stages.push({
      name: stage.name,
      hosts: stage.hosts,
      state: stage.state,
      ...(when === undefined ? {} : { beginsInS: when.inS, decidedBy: when.by }),
      mustBeginBelowWh: needWh,
      durationS: stage.durationS,
      loadAfterW: needs[index]?.loadAfterW ?? input.loadW,
    });
  });
  const firstNeed = needs.find((_, index) => input.stages[index]?.state !== 'down')?.needWh ?? input.reserveWh;
  return {
    basis: input.basis,
    ...(input.usableWh === undefined ? {} : { usableWh: input.usableWh }),
    reserveWh: input.reserveWh,
    loadW: input.loadW,
    stages,
    ...(walk.known ? { allOffInS: walk.allOffInS } : {}),
    feasible: input.usableWh === undefined || input.usableWh >= withoutMargin(firstNeed, input),
  };
}

/** The needs carry the margin on durations, and a shutdown on schedule eats into it: that alone is no alarm. */
const withoutMargin = (needWh: number, { reserveWh, margin }: ScheduleInput): number =>
  reserveWh + (needWh - reserveWh) / margin;

function energyNeeds(input: ScheduleInput): { needWh: number; loadAfterW: number }[] {
  let loadW = input.loadW;
  const rows = input.stages.map((stage) => {
    const loadBeforeW = loadW;
    if (stage.state !== 'down') loadW = Math.max(0, loadW - stage.dropW);
    const burnWh = stage.state === 'down' ? 0 : (loadBeforeW * stage.durationS) / 3600;
    return { burnWh, loadAfterW: loadW, needWh: 0 };
  });
  let needWh = input.reserveWh;
  for (const row of rows.toReversed()) {
    needWh += row.burnWh;
    row.needWh = needWh;
  }
  return rows;
}

interface Drop {
  readonly atS: number;
  readonly dropW: number;
}

/** Walks forward in time with falling energy and a load that drops whenever a stage is down. */
class Walk {
  readonly #input: ScheduleInput;
  readonly known: boolean;
  #timeS = 0;
  #energyWh: number;
  #loadW: number;
  #lastDownS = 0;
  #drops: Drop[] = [];

  constructor(input: ScheduleInput) {
    this.#input = input;
    this.known = input.usableWh !== undefined;
    this.#energyWh = input.usableWh ?? 0;
    this.#loadW = input.loadW;
    for (const stage of input.stages) if (stage.state === 'going-down') this.#drop(stage, stage.durationS);
  }

  get allOffInS(): number {
    return this.#lastDownS;
  }

  /** When the next stage begins, and why; moves the walk to that moment. */
  begin(stage: StagePlan, needWh: number): { inS: number; by: NonNullable<StageSchedule['decidedBy']> } | undefined {
    const { inS: afterInS, by: byTime } = this.#timed(stage);
    if (!this.known) {
      const blindInS = Math.min(afterInS, BLIND_GRACE_S - this.#input.onBatteryS);
      this.#timeS = Math.max(this.#timeS, blindInS);
      return this.#begun(stage, afterInS <= blindInS ? byTime : 'energy');
    }
    const { thresholdWh, by } = this.#threshold(stage, needWh);
    const byEnergy = this.#advance(thresholdWh, afterInS);
    if (!Number.isFinite(this.#timeS)) return undefined;
    return this.#begun(stage, byEnergy ? by : byTime);
  }

  /** The earlier of the two conditions on time. */
  #timed({ afterS, windowInS }: StagePlan): { inS: number; by: 'after' | 'window' } {
    const never = Number.POSITIVE_INFINITY;
    if (this.#input.held) return { inS: never, by: 'after' };
    const afterInS = afterS === undefined ? never : afterS - this.#input.onBatteryS;
    return windowInS !== undefined && windowInS < afterInS
      ? { inS: windowInS, by: 'window' }
      : { inS: afterInS, by: 'after' };
  }

  /** All conditions on energy come down to the highest of some thresholds. */
  #threshold(stage: StagePlan, needWh: number): { thresholdWh: number; by: 'energy' | 'soc' | 'runtime' | 'rate' } {
    const { held, socRatio, fullWh, usableWh } = this.#input;
    let thresholdWh = needWh;
    let by: 'energy' | 'soc' | 'runtime' | 'rate' = 'energy';
    if (!held && stage.belowSoc !== undefined && socRatio !== undefined && usableWh !== undefined) {
      const atSocWh = usableWh - (socRatio - stage.belowSoc) * fullWh;
      if (atSocWh > thresholdWh) [thresholdWh, by] = [atSocWh, 'soc'];
    }
    if (!held && stage.belowRuntimeS !== undefined) {
      const atRuntimeWh = (this.#loadW * stage.belowRuntimeS) / 3600;
      if (atRuntimeWh > thresholdWh) [thresholdWh, by] = [atRuntimeWh, 'runtime'];
    }
    if (!held && stage.fasterThanPerH !== undefined && this.#loadW > stage.fasterThanPerH * fullWh && fullWh > 0)
      [thresholdWh, by] = [Number.POSITIVE_INFINITY, 'rate'];
    return { thresholdWh, by };
  }

  /** Moves on until the energy is down to `thresholdWh` or the time is `untilS`; true when energy came first. */
  #advance(thresholdWh: number, untilS: number): boolean {
    for (;;) {
      if (this.#energyWh <= thresholdWh) return true;
      if (this.#timeS >= untilS) return false;
      const nextDropS = this.#drops[0]?.atS ?? Number.POSITIVE_INFINITY;
      const toThresholdS =
        this.#loadW > 0 ? ((this.#energyWh - thresholdWh) * 3600) / this.#loadW : Number.POSITIVE_INFINITY;
      const stopS = Math.min(this.#timeS + toThresholdS, untilS, nextDropS);
      if (!Number.isFinite(stopS)) {
        this.#timeS = Number.POSITIVE_INFINITY;
        return true;
      }
      const passedS = Math.max(0, stopS - this.#timeS);
      this.#energyWh -= (this.#loadW * passedS) / 3600;
      this.#timeS = stopS;
      if (stopS >= nextDropS) this.#takeDrop();
      else if (stopS >= untilS) return false;
      else return true;
    }
  }

  #takeDrop(): void {
    const drop = this.#drops.shift();
    if (drop !== undefined) this.#loadW = Math.max(0, this.#loadW - drop.dropW);
  }

  #begun<By>(stage: StagePlan, by: By): { inS: number; by: By } {
    const inS = Math.max(0, this.#timeS);
    this.#drop(stage, inS + stage.durationS);
    return { inS, by };
  }

  #drop(stage: StagePlan, atS: number): void {
    this.#drops.push({ atS, dropW: stage.dropW });
    this.#drops.sort((a, b) => a.atS - b.atS);
    this.#lastDownS = Math.max(this.#lastDownS, atS);
  }
}

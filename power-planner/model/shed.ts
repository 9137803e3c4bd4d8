import { type DischargeEnd, discharge } from '#bms/model';
import { type PlannedPack, packSpecOf } from './battery.ts';
import { type PoeRack, poeRackPower } from './load.ts';

/** A stretch at constant power; ends at the first of its limits that is reached. Without any it lasts to the cut-off. */
export interface ShedStage {
  /** From the pack, with the converter losses recomputed for this smaller load (losses do not shrink with it), W. */
  readonly powerW: number;
  readonly untilSoc?: number | undefined;
  readonly untilS?: number | undefined;
}

export interface ShedStageAnswer {
  readonly hours: number;
  readonly energyWh: number;
  readonly socEnd: number;
  /** `not-reached`: the pack was at its cut-off before, and a BMS that has opened does not close for a smaller load. */
  readonly endedBy: DischargeEnd | 'not-reached';
}

export interface ShedAnswer {
  readonly hoursTotal: number;
  readonly energyWh: number;
  readonly socEnd: number;
  readonly stages: readonly ShedStageAnswer[];
}

/** Runs the stages one after the other from `socStart`, 0..1 (full when absent). */
export function shed(pack: PlannedPack, stages: readonly ShedStage[], socStart = 1): ShedAnswer {
  const spec = packSpecOf(pack);
  const answers: ShedStageAnswer[] = [];
  let socRatio = socStart;
  let empty = false;
  for (const { powerW, untilSoc, untilS } of stages) {
    if (empty) {
      answers.push({ hours: 0, energyWh: 0, socEnd: socRatio, endedBy: 'not-reached' });
      continue;
    }
    const end = discharge(spec, { socRatio, powerW, floorSoc: untilSoc }, untilS);
    answers.push({
      hours: end.durationS / 3600,
      energyWh: end.energyWh,
      socEnd: end.socRatio,
      endedBy: end.endedBy,
    });
    socRatio = end.socRatio;
    empty = end.endedBy === 'cut-off';
  }
  let hoursTotal = 0;
  let energyWh = 0;
  for (const answer of answers) {
    hoursTotal += answer.hours;
    energyWh += answer.energyWh;
  }
  return { hoursTotal, energyWh, socEnd: socRatio, stages: answers };
}

/** What is left of a rack in one stage; what is not told is as in the full rack. */
export type RackStage = Partial<Pick<PoeRack, 'nodes' | 'nodeW' | 'switches' | 'otherAcW'>> &
  Pick<ShedStage, 'untilSoc' | 'untilS'>;

/** Stages of a rack as power from the pack: every converter is asked again for its loss at the smaller load. */
export function rackStages(rack: PoeRack, stages: readonly RackStage[]): readonly ShedStage[] {
  return stages.map(({ untilSoc, untilS, ...left }) => ({
    powerW: poeRackPower({ ...rack, ...left }).packW,
    untilSoc,
    untilS,
  }));
}

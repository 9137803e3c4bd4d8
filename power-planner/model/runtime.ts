import { type DischargeEnd, discharge } from '#bms/model';
import { type PlannedPack, packSpecOf } from './battery.ts';

export interface RuntimeQuestion {
  readonly pack: PlannedPack;
  /** Taken from the pack's terminals, W. */
  readonly powerW: number;
  /** State of charge at the start and where to stop at the latest, 0..1; 1 and 0 when absent. */
  readonly socStart?: number | undefined;
  readonly socStop?: number | undefined;
}

export interface RuntimeAnswer {
  /** Infinity at no load. */
  readonly hours: number;
  readonly energyWh: number;
  /** State of charge when it stops, 0..1. */
  readonly socEnd: number;
  /** `cut-off` with 0 h: the pack cannot deliver this power at all. */
  readonly endedBy: DischargeEnd;
}

/** How long the pack carries a constant power. */
export function runtimeHours({ pack, powerW, socStart = 1, socStop = 0 }: RuntimeQuestion): RuntimeAnswer {
  const end = discharge(packSpecOf(pack), { socRatio: socStart, powerW, floorSoc: socStop });
  return { hours: end.durationS / 3600, energyWh: end.energyWh, socEnd: end.socRatio, endedBy: end.endedBy };
}

import { cutoffV, type PackSample, type PackSpec, packOcvV, packResistanceOhm, terminalV } from '#bms/model';

/** One pack of the drill: the planner's own model of it, moved through time. */
interface DrillPack {
  readonly id: string;
  readonly spec: PackSpec;
  socRatio: number;
  /** What it really holds, as a share of what it is said to hold. */
  readonly truthRatio: number;
  readonly weakCellRatio?: number;
  currentA: number;
}

export interface DrillPackPlan {
  readonly id: string;
  readonly spec: PackSpec;
  readonly socRatio: number;
  readonly truthRatio: number;
  /** What its first cell holds, as a share of what the others hold; balanced at the top. */
  readonly weakCellRatio?: number;
}

/** All packs on one bus. They share a load by capacity; the bus dies when the first board opens. */
export class DrillBank {
  readonly #packs: DrillPack[];
  /** A board has opened: nothing is fed any more until mains is back. */
  open = false;

  constructor(plans: readonly DrillPackPlan[]) {
    this.#packs = plans.map((plan) => ({ ...plan, currentA: 0 }));
  }

  get socRatio(): number {
    const fullAh = this.#totalAh();
    return fullAh === 0 ? 0 : this.#packs.reduce((sum, pack) => sum + pack.socRatio * pack.spec.capacityAh, 0) / fullAh;
  }

  /** Positive charges. `powerW` is at the terminals of the bank. */
  step(powerW: number, dtS: number): void {
    const fullAh = this.#totalAh();
    for (const pack of this.#packs) {
      const shareW = (powerW * pack.spec.capacityAh) / fullAh;
      const voltageV = this.#voltageV(pack, shareW);
      pack.currentA = this.open && powerW < 0 ? 0 : shareW / voltageV;
      const capacityAh = pack.spec.capacityAh * pack.truthRatio;
      pack.socRatio = Math.min(1, Math.max(0, pack.socRatio + (pack.currentA * dtS) / 3600 / capacityAh));
      const floorV = Math.min(cutoffV(pack.spec), pack.spec.cells * pack.spec.chemistry.limits.bmsCutoffV);
      const collapsed = weakCellV(pack) <= pack.spec.chemistry.limits.bmsCutoffV;
      if (powerW < 0 && (voltageV <= floorV || pack.socRatio <= 0 || collapsed)) this.open = true;
    }
    if (powerW > 0) this.open = false;
  }

  sample(id: string, measuredAtMs: number): PackSample {
    const pack = this.#packs.find((each) => each.id === id);
    if (pack === undefined) throw new RangeError(`no pack ${id}`);
    const evenV = packOcvV(pack.spec, pack.socRatio) + pack.currentA * packResistanceOhm(pack.spec, pack.socRatio);
    const cellV = evenV / pack.spec.cells;
    const weakV = Math.min(cellV, weakCellV(pack));
    const voltageV = evenV - cellV + weakV;
    return {
      kind: 'pack',
      measuredAtMs,
      voltageV,
      currentA: pack.currentA,
      powerW: voltageV * pack.currentA,
      socRatio: pack.socRatio,
      cellsV: Array.from({ length: pack.spec.cells }, (_, index) => (index === 0 ? weakV : cellV)),
      temperaturesC: [25],
      dischargeFetClosed: !this.open,
      chargeFetClosed: true,
    };
  }

  #totalAh(): number {
    return this.#packs.reduce((sum, { spec }) => sum + spec.capacityAh, 0);
  }

  #voltageV({ spec, socRatio }: DrillPack, powerW: number): number {
    const openV = packOcvV(spec, socRatio);
    const ohm = packResistanceOhm(spec, socRatio);
    const underLoadV = powerW < 0 ? terminalV(openV, ohm, -powerW) : openV;
    return Number.isFinite(underLoadV) ? underLoadV : spec.cells * spec.chemistry.limits.physicalMinV;
  }
}

/** Voltage of the first cell under the present current, V; infinite where it is no worse than the others. */
function weakCellV({ spec, socRatio, currentA, weakCellRatio }: DrillPack): number {
  if (weakCellRatio === undefined) return Number.POSITIVE_INFINITY;
  const left = Math.max(0, 1 - (1 - socRatio) / weakCellRatio);
  return (packOcvV(spec, left) + currentA * packResistanceOhm(spec, left)) / spec.cells;
}

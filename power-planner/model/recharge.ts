import { chargeCurrentFactor, type PackSpec, packOcvV, packResistanceOhm } from '#bms/model';
import { type PlannedPack, packSpecOf } from './battery.ts';

export interface RechargeQuestion {
  readonly pack: PlannedPack;
  /** DC power into the pack at most, W: the smaller of charger and circuit headroom, after the charger's losses. */
  readonly powerDcW?: number | undefined;
  /** Charger or BMS current at most, A. One of the two limits at least is needed. */
  readonly currentA?: number | undefined;
  /** Voltage per cell the charger holds, V. */
  readonly holdCellV: number;
  /** Charging stops at this rate, 1/h: 0.02..0.05 of the capacity. */
  readonly tailC: number;
  /** 0..1; 0 when absent. */
  readonly socStart?: number | undefined;
  /** What the cells take at most, 1/h. */
  readonly cellChargeC?: number | undefined;
  /** Of the coldest cell; slows or forbids the charge, and adds resistance. Unknown: neither. */
  readonly temperatureC?: number | undefined;
}

export interface RechargeAnswer {
  /** Infinity when the pack must not or cannot be charged. */
  readonly hours: number;
  /** At the terminals; divide by the charger's efficiency for mains. */
  readonly energyWh: number;
  readonly socEnd: number;
  /** Until the charger holds its voltage. */
  readonly hoursToHold: number;
}

/** Steps from empty to full: the current changes slowly except at the very end, where the tail ends it. */
const STEPS = 4000;

/**
 * Constant power or current, then constant voltage, until the tail. With E and R of the pack, power P gives
 * I = (√(E² + 4RP) - E) / 2R, and time is ∫ Q/I ds by the midpoint rule.
 */
export function recharge(question: RechargeQuestion, steps = STEPS): RechargeAnswer {
  const { pack, holdCellV, tailC, socStart = 0, temperatureC } = question;
  const spec = packSpecOf(pack, 'charge');
  const chargeAh = spec.capacityAh * (spec.capacityRatio ?? 1);
  const capA = currentCapA(question, spec, chargeAh);
  const holdV = spec.cells * holdCellV;
  const tailA = tailC * chargeAh;
  let hours = 0;
  let hoursToHold = 0;
  let energyWh = 0;
  let soc = Math.min(Math.max(socStart, 0), 1);
  if (!(capA > 0)) return { hours: Number.POSITIVE_INFINITY, energyWh, socEnd: soc, hoursToHold: hours };
  const step = 1 / steps;
  while (soc < 1) {
    const width = Math.min(step, 1 - soc);
    const middle = soc + width / 2;
    const openV = packOcvV(spec, middle);
    const ohm = packResistanceOhm(spec, middle, temperatureC);
    const freeA = Math.min(capA, powerCurrentA(question.powerDcW, openV, ohm));
    const holding = openV + freeA * ohm > holdV;
    const currentA = holding ? heldCurrentA(holdV, openV, ohm) : freeA;
    if (!(currentA > (holding ? tailA : 0))) break;
    const stepHours = (width * chargeAh) / currentA;
    hours += stepHours;
    if (!holding) hoursToHold = hours;
    energyWh += (openV + currentA * ohm) * currentA * stepHours;
    soc += width;
  }
  return { hours, energyWh, socEnd: soc, hoursToHold };
}

function currentCapA(
  { currentA, powerDcW, cellChargeC, temperatureC }: RechargeQuestion,
  spec: PackSpec,
  chargeAh: number,
): number {
  if (currentA === undefined && powerDcW === undefined) throw new RangeError('a recharge needs a power or a current');
  const coldFactor = temperatureC === undefined ? 1 : chargeCurrentFactor(spec.chemistry, temperatureC);
  if (coldFactor === 0) return 0;
  const chargerA = currentA ?? Number.POSITIVE_INFINITY;
  // Without the cells' own limit the cold slows what the charger would give.
  return cellChargeC === undefined ? chargerA * coldFactor : Math.min(chargerA, cellChargeC * chargeAh * coldFactor);
}

function powerCurrentA(powerW: number | undefined, openV: number, ohm: number): number {
  if (powerW === undefined) return Number.POSITIVE_INFINITY;
  return (2 * powerW) / (openV + Math.sqrt(openV * openV + 4 * ohm * Math.max(powerW, 0)));
}

/** At the hold voltage; nothing flows any more once the pack rests there, and without resistance all would at once. */
function heldCurrentA(holdV: number, openV: number, ohm: number): number {
  return ohm > 0 ? (holdV - openV) / ohm : 0;
}

/** Energy a charger can put back in a day beside the load, Wh, when `hoursPerDay` of it are left for charging. */
export function rechargeWhPerDay(powerDcW: number, hoursPerDay = 24): number {
  return powerDcW * hoursPerDay;
}

import type { ChemistryId } from '#bms/model';

/** Laws of calendar ageing; `planner-model` names, by chemistry. */
export type CalendarModel = 'naumann-lfp' | 'sam-lfp' | 'sam-lmolto';

export interface Standby {
  readonly temperatureC: number;
  /** State of charge it stands at, 0..1. */
  readonly socRatio: number;
}

interface Law {
  readonly chemistry: ChemistryId;
  /** Loss that is there from the start. */
  readonly offset: number;
  /** Loss after one day, without the offset, as a share. */
  perDay(kelvin: number, socRatio: number): number;
  /** Loss grows with time to this power. */
  readonly exponent: number;
}

const DAY_S = 86_400;
const YEAR_DAYS = 365.25;

const LAWS: Readonly<Record<CalendarModel, Law>> = {
  // Naumann 2018, 3 Ah Sony cell; tum-ees/simses sony_lfp_calendar.py. The law counts seconds.
  'naumann-lfp': {
    chemistry: 'lifepo4',
    offset: 0,
    exponent: 0.5,
    perDay: (kelvin, soc) =>
      1.2571e-5 *
      Math.exp((-17_126 / 8.31446) * (1 / kelvin - 1 / 298.15)) *
      (2.8575 * (soc - 0.5) ** 3 + 0.60225) *
      Math.sqrt(DAY_S),
  },
  // NREL SAM default; ssc lib_battery_lifetime_calendar_cycle.cpp.
  'sam-lfp': {
    chemistry: 'lifepo4',
    offset: 0.001,
    exponent: 0.5,
    perDay: (kelvin, soc) =>
      0.0033143 * Math.exp(-3191 * (1 / kelvin - 1 / 296)) * Math.exp(389.7 * (soc / kelvin - 1 / 296)),
  },
  // LMO against titanate; ssc lib_battery_lifetime_lmolto.cpp.
  'sam-lmolto': {
    chemistry: 'lto',
    offset: 0,
    exponent: 0.6224,
    perDay: (kelvin, soc) =>
      3.4984e-5 *
      Math.exp((-1.0704e9 * Math.sqrt(soc)) / kelvin ** 3) *
      Math.exp((3.7839e6 * Math.sqrt(soc)) / kelvin ** 2),
  },
};

export const CALENDAR_MODELS: readonly CalendarModel[] = ['naumann-lfp', 'sam-lfp', 'sam-lmolto'];

/** Share of the capacity lost by standing so for so many years of 365.25 days, 0..1. */
export function calendarLoss(model: CalendarModel, standby: Standby, years: number): number {
  return calendarLossOver(model, [{ ...standby, years }]);
}

/**
 * The same over stretches of different conditions: the loss reached is turned into the time the next conditions would have
 * needed for it, and goes on from there.
 */
export function calendarLossOver(
  model: CalendarModel,
  stretches: readonly (Standby & { readonly years: number })[],
): number {
  const { offset, exponent, perDay } = LAWS[model];
  let loss = 0;
  for (const { temperatureC, socRatio, years } of stretches) {
    const rate = perDay(temperatureC + 273.15, socRatio);
    const days = (loss / rate) ** (1 / exponent) + years * YEAR_DAYS;
    loss = rate * days ** exponent;
  }
  return loss > 0 ? Math.min(loss + offset, 1) : 0;
}

export interface CycleUse {
  readonly cyclesPerYear: number;
  /** Share of the capacity taken each time, 0..1. */
  readonly depthRatio: number;
  readonly cRate: number;
}

/** Loss by cycles, as a share: Naumann 2020, `cycles` are full equivalents. 96 at 80 % and 0.3C: 1.28 %. */
export function cycleLoss(cycles: number, depthRatio: number, cRate: number): number {
  return ((0.063 * cRate + 0.0971) * (4.0253 * (depthRatio - 0.6) ** 3 + 1.0923) * Math.sqrt(cycles)) / 100;
}

export interface LifeEstimate {
  readonly model: CalendarModel;
  /** Until `endHealth` is left; `LONGEST_YEARS` when it takes longer. */
  readonly years: number;
  /** How the loss at that time is made up, as shares. */
  readonly calendarLoss: number;
  readonly cycleLoss: number;
}

/** Beyond this no law says anything. */
export const LONGEST_YEARS = 50;
const END_HEALTH = 0.8;

/** Years until 80 % (or `endHealth`) of the capacity is left, by every law of the chemistry, the most cautious first. */
export function lifeYears(
  chemistry: ChemistryId,
  standby: Standby,
  use: CycleUse,
  endHealth = END_HEALTH,
): readonly LifeEstimate[] {
  return CALENDAR_MODELS.filter((model) => LAWS[model].chemistry === chemistry)
    .map((model) => lifeBy(model, standby, use, endHealth))
    .sort((a, b) => a.years - b.years);
}

function lifeBy(model: CalendarModel, standby: Standby, use: CycleUse, endHealth: number): LifeEstimate {
  const byCycles = (years: number): number =>
    cycleLoss(use.cyclesPerYear * use.depthRatio * years, use.depthRatio, use.cRate);
  let low = 0;
  let high = LONGEST_YEARS;
  for (let n = 0; n < 50; n++) {
    const years = (low + high) / 2;
    if (calendarLoss(model, standby, years) + byCycles(years) < 1 - endHealth) low = years;
    else high = years;
  }
  const years = high > LONGEST_YEARS - 1e-6 ? LONGEST_YEARS : high;
  return { model, years, calendarLoss: calendarLoss(model, standby, years), cycleLoss: byCycles(years) };
}

/** Resistance against new at this health, 0..1: 1.3 at 80 % (assumption). */
export function agedResistanceFactor(healthRatio: number): number {
  return 1 + 1.5 * (1 - healthRatio);
}

/** Datasheet cycles at a depth, straight in log-log between published (depth, cycles); the nearest point outside them. */
export function datasheetCycles(
  points: readonly (readonly [depthRatio: number, cycles: number])[],
  depthRatio: number,
): number {
  const rising = [...points].sort(([a], [b]) => a - b);
  let below = rising[0];
  for (const above of rising) {
    if (below !== undefined && above[0] >= depthRatio) {
      if (above === below || depthRatio <= below[0]) return below[1];
      const slope = Math.log(above[1] / below[1]) / Math.log(above[0] / below[0]);
      return below[1] * (depthRatio / below[0]) ** slope;
    }
    below = above;
  }
  return below?.[1] ?? Number.NaN;
}

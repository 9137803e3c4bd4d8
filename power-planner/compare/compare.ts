import type { PlannedPack } from '../model/battery.ts';
import { runtimeHours } from '../model/runtime.ts';
import { timeline } from '../model/timeline.ts';
import { type Estimate, fitPack, type PackFit } from './fit-pack.ts';
import type { OutageWindow } from './window.ts';

export interface ComparisonQuestion {
  /** As planned for the day of the outage: aged and cold as it was believed to be. */
  readonly pack: PlannedPack;
  /** What the plan said the rack takes from the pack, W; the load is not judged when absent. */
  readonly plannedW?: number | undefined;
  readonly outage: OutageWindow;
  /** State of charge at the beginning where it is known, 0..1. */
  readonly socStart?: number | undefined;
}

/** Above 0: the plan promised more than came. */
export interface Deviation {
  readonly planned: number;
  readonly real: number;
  /** planned / real - 1. */
  readonly ratio: number;
}

export interface Advice {
  /** What to change: words of the planner's own model. */
  readonly what: 'capacity' | 'resistance' | 'load';
  readonly from: number;
  readonly to: number;
  readonly unit: 'Ah' | 'mohm' | 'W';
  readonly because: string;
}

export interface Comparison {
  readonly fit: PackFit;
  /** What was recorded. */
  readonly measured: {
    readonly hours: number;
    readonly energyWh: number;
    readonly usedAh: number;
    readonly meanW: number;
    /** The recording ends at the planned cut-off, so its length is the runtime itself. */
    readonly toCutoff: boolean;
    readonly longestGapS: number;
  };
  readonly load: Deviation | undefined;
  /** From the beginning of the outage to the cut-off: the plan at its own load, and the fitted pack at the measured one. */
  readonly hours: Deviation;
  /** The same at the measured load: what the pack alone is to blame for. */
  readonly hoursByPack: Deviation;
  /** Deliverable energy at the measured load, Wh. */
  readonly energyWh: Deviation;
  readonly advice: readonly Advice[];
}

/** The cut-off is reached when the terminals are this near to it, per cell. */
const NEAR_CUTOFF_V = 0.03;
/** A change is worth making when the figure is off by more than this and by more than two standard deviations. */
const WORTH_RATIO = 0.03;

/**
 * Fits the pack to a recorded outage and says how far the plan was off, and because of what.
 * @throws TooLittleError when the recording tells too little.
 */
export function compareOutage({ pack, plannedW, outage, socStart }: ComparisonQuestion): Comparison {
  const fit = fitPack(pack, outage, socStart);
  const meanW = outage.hours > 0 ? outage.energyWh / outage.hours : 0;
  const real: PlannedPack = {
    ...pack,
    capacityFactor: (pack.capacityFactor ?? 1) * fit.capacityRatio.value,
    resistanceFactor: (pack.resistanceFactor ?? 1) * Math.max(fit.resistanceRatio.value, 1e-3),
  };
  const from = fit.socStart.value;
  const run = (on: PlannedPack, powerW: number) => runtimeHours({ pack: on, powerW, socStart: from });
  const planned = run(pack, plannedW ?? meanW);
  const plannedHere = run(pack, meanW);
  const really = run(real, meanW);
  const loadOff = plannedW === undefined ? undefined : deviation(plannedW, meanW);
  return {
    fit,
    measured: {
      hours: outage.hours,
      energyWh: outage.energyWh,
      usedAh: outage.usedAh,
      meanW,
      toCutoff: endsAtCutoff(pack, outage),
      longestGapS: outage.longestGapS,
    },
    load: loadOff,
    hours: deviation(planned.hours, really.hours),
    hoursByPack: deviation(plannedHere.hours, really.hours),
    energyWh: deviation(plannedHere.energyWh, really.energyWh),
    advice: [...packAdvice(pack, fit), ...loadAdvice(loadOff)],
  };
}

const deviation = (planned: number, real: number): Deviation => ({ planned, real, ratio: planned / real - 1 });

function endsAtCutoff(pack: PlannedPack, { readings }: OutageWindow): boolean {
  const cutoffV = pack.cutoffV ?? timeline(pack, [{ powerW: 1 }]).points.at(-1)?.volts ?? 0;
  const lastV = readings.at(-1)?.volts ?? Number.POSITIVE_INFINITY;
  return lastV <= cutoffV + NEAR_CUTOFF_V * pack.series;
}

function packAdvice({ cell, series, parallel }: PlannedPack, fit: PackFit): readonly Advice[] {
  const advice: Advice[] = [];
  const { capacityRatio, resistanceRatio } = fit;
  if (worthChanging(capacityRatio)) {
    const planAh = cell.capacityAh * parallel;
    advice.push({
      what: 'capacity',
      from: planAh,
      to: planAh * capacityRatio.value,
      unit: 'Ah',
      because: `the outage shows ${percent(capacityRatio)} of the planned charge`,
    });
  }
  if (cell.resistanceMohm !== undefined && worthChanging(resistanceRatio)) {
    advice.push({
      what: 'resistance',
      from: cell.resistanceMohm,
      to: ((fit.resistanceOhm.value * 1000) / series) * parallel,
      unit: 'mohm',
      because: `the outage shows ${percent(resistanceRatio)} of the planned resistance, wiring included`,
    });
  }
  return advice;
}

function loadAdvice(load: Deviation | undefined): readonly Advice[] {
  if (load === undefined || Math.abs(load.ratio) <= WORTH_RATIO) return [];
  const because = `the rack took ${figure(load.real)} W from the pack, planned were ${figure(load.planned)} W`;
  return [{ what: 'load', from: load.planned, to: load.real, unit: 'W', because }];
}

const worthChanging = ({ value, sigma }: Estimate): boolean =>
  Math.abs(value - 1) > WORTH_RATIO && Math.abs(value - 1) > 2 * sigma;

const figure = (value: number): string => String(Number(value.toPrecision(3)));
const percent = ({ value, sigma }: Estimate): string =>
  `${figure(100 * value)} ± ${Number((100 * sigma).toPrecision(2))} %`;

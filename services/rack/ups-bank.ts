import type { UpsSample } from '#bms/model';
import type { BankView, Observed } from './rack.ts';

/** One UPS of a bank that is made of UPSes. */
export interface UpsMember {
  /** Energy of its full battery, Wh, where it is configured. */
  readonly capacityWh?: number | undefined;
  readonly observed: Observed<UpsSample> | undefined;
}

/** A UPS's own figures are optimistic: batteries age, and its estimate assumes they do not. */
const CAUTION = 0.8;
/** How far its state of charge may be off. */
const SOC_SIGMA = 0.1;
/** Below this share nothing can be reckoned back to a full battery. */
const LEAST_SOC = 0.1;
/** A UPS may report for how long a minute of load would last after it has shed nearly all of it; more is no energy, s. */
const LONGEST_RUNTIME_S = 7 * 86_400;

/**
 * UPSes as one source of energy, where no pack is measured. Only fresh ones count. Of the two ways to know what one
 * holds (its charge of the configured capacity, and its own runtime at its own load) the smaller is taken.
 * Returns nothing when none is fresh. Pure.
 */
export function upsBank(members: readonly UpsMember[]): Omit<BankView, 'freshness'> | undefined {
  const present = members.flatMap(({ capacityWh, observed }) =>
    observed?.freshness === 'fresh' && observed.sample !== undefined
      ? [
          {
            sample: observed.sample,
            receivedAtMs: observed.receivedAtMs ?? 0,
            ...energyOf(observed.sample, capacityWh),
          },
        ]
      : [],
  );
  if (present.length === 0) return undefined;
  const told = present.filter(({ usableWh }) => usableWh !== undefined);
  const usableWh = sum(told.map((each) => each.usableWh));
  const usableLowWh = sum(told.map(({ usableWh: wh = 0, sample }) => (sample.lowBattery ? 0 : wh * CAUTION)));
  const fullWh = sum(present.map((each) => each.fullWh ?? each.usableWh));
  const socRatio = meanSoc(present);
  const carried = present.filter(({ sample }) => sample.mainsPresent === false);
  const loadW = carried.every(({ sample }) => sample.loadPowerW !== undefined)
    ? sum(carried.map(({ sample }) => sample.loadPowerW))
    : undefined;
  return {
    complete: told.length === members.length,
    measuredAtMs: Math.max(...present.map(({ receivedAtMs }) => receivedAtMs)),
    ...(told.length === 0 ? {} : { usableWh, usableLowWh }),
    ...(fullWh > 0 ? { fullWh } : {}),
    ...(socRatio === undefined ? {} : { socRatio, socSigma: SOC_SIGMA }),
    ...(carried.length > 0 && loadW !== undefined ? { powerW: -loadW } : {}),
    ...(carried.length > 0 && loadW !== undefined && loadW > 0 && told.length > 0
      ? { runtimeS: (usableWh / loadW) * 3600 }
      : {}),
    ...(present.length === 1 ? electrical(present[0]?.sample) : {}),
  };
}

interface UpsEnergy {
  readonly usableWh?: number;
  readonly fullWh?: number;
}

function energyOf({ socRatio, runtimeS, loadPowerW }: UpsSample, capacityWh: number | undefined): UpsEnergy {
  const byCharge = capacityWh !== undefined && socRatio !== undefined ? socRatio * capacityWh : undefined;
  const byRuntime =
    runtimeS !== undefined && loadPowerW !== undefined && loadPowerW > 0 && runtimeS <= LONGEST_RUNTIME_S
      ? (runtimeS * loadPowerW) / 3600
      : undefined;
  const usableWh =
    byCharge === undefined ? byRuntime : byRuntime === undefined ? byCharge : Math.min(byCharge, byRuntime);
  const fullWh =
    capacityWh ??
    (byRuntime !== undefined && socRatio !== undefined && socRatio >= LEAST_SOC ? byRuntime / socRatio : undefined);
  return { ...(usableWh === undefined ? {} : { usableWh }), ...(fullWh === undefined ? {} : { fullWh }) };
}

/** Weighted by what each holds when full where all tell; the plain mean otherwise. */
function meanSoc(present: readonly (UpsEnergy & { readonly sample: UpsSample })[]): number | undefined {
  const known = present.flatMap(({ sample, fullWh }) =>
    sample.socRatio === undefined ? [] : [{ socRatio: sample.socRatio, fullWh }],
  );
  if (known.length === 0) return undefined;
  const weighted = known.every(({ fullWh }) => fullWh !== undefined);
  const weights = known.map(({ fullWh }) => (weighted ? (fullWh ?? 0) : 1));
  return sum(known.map(({ socRatio }, index) => socRatio * (weights[index] ?? 0))) / sum(weights);
}

function electrical(sample: UpsSample | undefined): Pick<BankView, 'voltageV' | 'currentA'> {
  return {
    ...(sample?.batteryVoltageV === undefined ? {} : { voltageV: sample.batteryVoltageV }),
    ...(sample?.batteryCurrentA === undefined ? {} : { currentA: sample.batteryCurrentA }),
  };
}

const sum = (values: readonly (number | undefined)[]): number =>
  values.reduce<number>((total, value) => total + (value ?? 0), 0);

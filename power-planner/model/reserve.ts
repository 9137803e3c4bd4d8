export interface ShutdownNeed {
  /** What the rack draws while it goes down, W: full power, because draining and halting take work. */
  readonly powerW: number;
  readonly durationS: number;
  /** At least 1; 1.25 to 1.5 is usual. */
  readonly margin: number;
}

export interface Reserve {
  readonly reserveWh: number;
  /** As a share of `energyTotalWh`; above 1 the pack cannot carry its own shutdown. */
  readonly reserveRatio: number;
}

/** How wrong a meter's state of charge usually is: the trigger keeps at least this distance from the stop. */
const METER_ERROR_RATIO = 0.05;

/** Energy that must be kept for the shutdown itself, of all this load can get out of the full pack (Wh). */
export function reserve(energyTotalWh: number, { powerW, durationS, margin }: ShutdownNeed): Reserve {
  const reserveWh = powerW * (durationS / 3600) * margin;
  return { reserveWh, reserveRatio: energyTotalWh > 0 ? reserveWh / energyTotalWh : Number.POSITIVE_INFINITY };
}

/**
 * State of charge at which the shutdown must begin: enough for the reserve, and for the meter's error on a pack so big that
 * the reserve is next to nothing. May exceed 1: then it is already too late on a full pack.
 * @param stopSoc state of charge at the cut-off under this load, 0..1
 */
export function triggerSoc(stopSoc: number, reserveRatio: number, meterErrorRatio = METER_ERROR_RATIO): number {
  return stopSoc + Math.max(reserveRatio, meterErrorRatio);
}

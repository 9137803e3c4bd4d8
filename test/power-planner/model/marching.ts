import type { Points } from '../../../bms/model/index.ts';

/** A pack for the march: nothing but its tables and figures. */
export interface World {
  readonly ocvV: Points;
  readonly ohm: number;
  readonly series: number;
  readonly ah: number;
  readonly cutoffV: number;
}

export interface March {
  readonly hours: number;
  readonly soc: number;
  /** Given by the cells, delivered at the terminals, and turned to heat on the way, Wh: three sums of their own. */
  readonly releasedWh: number;
  readonly deliveredWh: number;
  readonly heatWh: number;
}

/**
 * Discharge by marching through time in short steps, from the tables alone: I from P = (E - IR) I, then Δs = I Δt / Q. The
 * load may depend on the hour and on the charge. Ends at the cut-off, at `stopSoc`, or when the load says undefined.
 */
export function march(
  { ocvV, ohm, series, ah, cutoffV }: World,
  load: (hours: number, soc: number) => number | undefined,
  { soc: from = 1, stopSoc = 0, stepS = 2 }: { soc?: number; stopSoc?: number; stepS?: number } = {},
): March {
  const stepH = stepS / 3600;
  const sums = { hours: 0, soc: from, releasedWh: 0, deliveredWh: 0, heatWh: 0 };
  while (sums.soc > stopSoc) {
    const powerW = load(sums.hours, sums.soc);
    if (powerW === undefined) break;
    const openV = series * straight(ocvV, sums.soc);
    const root = openV * openV - 4 * ohm * powerW;
    if (root < 0) break;
    const currentA = ohm > 0 ? (openV - Math.sqrt(root)) / (2 * ohm) : powerW / openV;
    if (openV - currentA * ohm < cutoffV) break;
    sums.soc -= (currentA * stepH) / ah;
    sums.hours += stepH;
    sums.releasedWh += openV * currentA * stepH;
    sums.deliveredWh += powerW * stepH;
    sums.heatWh += currentA * currentA * ohm * stepH;
  }
  return sums;
}

function straight(points: Points, x: number): number {
  const above = Math.max(
    points.findIndex(([at]) => at >= x),
    1,
  );
  const [x0, y0] = points[above - 1] ?? [0, 0];
  const [x1, y1] = points[above] ?? [1, 0];
  return y0 + ((x - x0) / (x1 - x0)) * (y1 - y0);
}

import { describe, expect, it } from 'vitest';
import { lfp, lto } from '../../../bms/model/index.ts';
import { type OcvName, type PlannedPack, runtimeHours } from '../../../power-planner/index.ts';

/** Hours by marching through time in steps of 2 s, from the tables alone: I from P = (E - IR) I, then Δs = I Δt / Q. */
function march(
  ocvV: readonly (readonly [number, number])[],
  ohm: number,
  { powerW, cutoffV, series, ah }: World,
): number {
  const stepH = 2 / 3600;
  let soc = 1;
  let hours = 0;
  while (soc > 0) {
    let above = ocvV.findIndex(([x]) => x >= soc);
    if (above < 1) above = 1;
    const [x0, y0] = ocvV[above - 1] ?? [0, 0];
    const [x1, y1] = ocvV[above] ?? [1, 0];
    const openV = series * (y0 + ((soc - x0) / (x1 - x0)) * (y1 - y0));
    const root = openV * openV - 4 * ohm * powerW;
    if (root < 0) break;
    const currentA = (openV - Math.sqrt(root)) / (2 * ohm);
    if (openV - currentA * ohm < cutoffV) break;
    soc -= (currentA * stepH) / ah;
    hours += stepH;
  }
  return hours;
}

interface World {
  readonly powerW: number;
  readonly cutoffV: number;
  readonly series: number;
  readonly ah: number;
}

describe('the closed form against a march through time', () => {
  it.each([
    ['lfp', 16, 280, 0.5, 7168, 46.4],
    ['lfp', 16, 105, 1, 2000, 40],
    ['lto-nmc', 22, 40, 0.71, 1936, 44],
    ['lto-nmc', 20, 40, 0.71, 400, 40],
  ] as const satisfies readonly (readonly [OcvName, number, number, number, number, number])[])(
    '%s %is %f Ah %f mohm at %f W to %f V: within 0.1 %%',
    (ocv, series, ah, mohm, powerW, cutoffV) => {
      const pack: PlannedPack = { cell: { ocv, capacityAh: ah, resistanceMohm: mohm }, series, parallel: 1, cutoffV };
      const table = (ocv === 'lfp' ? lfp : lto).facts.ocvV;
      const marched = march(table, (series * mohm) / 1000, { powerW, cutoffV, series, ah });
      expect(marched).toBeGreaterThan(0.5);
      expect(Math.abs(runtimeHours({ pack, powerW }).hours / marched - 1)).toBeLessThan(0.001);
    },
  );
});

import { describe, expect, it } from 'vitest';
import { lfp, lto } from '../../../bms/model/index.ts';
import {
  type LoadProfile,
  type OcvName,
  type PlannedPack,
  type PoeRack,
  poeRackPower,
  rackStages,
  runtimeHours,
  shed,
  stretchesOf,
  timeline,
} from '../../../power-planner/index.ts';
import { march, type World } from './marching.ts';

function packAndWorld(ocv: OcvName, series: number, ah: number, mohm: number, cutoffV: number) {
  const pack: PlannedPack = { cell: { ocv, capacityAh: ah, resistanceMohm: mohm }, series, parallel: 1, cutoffV };
  const ocvV = (ocv === 'lfp' ? lfp : lto).facts.ocvV;
  const world: World = { ocvV, ohm: (series * mohm) / 1000, series, ah, cutoffV };
  return { pack, world };
}

const within = (got: number, wanted: number, share: number): void =>
  expect(Math.abs(got / wanted - 1), `${got} against ${wanted}`).toBeLessThan(share);

describe('the closed form against a march through time', () => {
  it.each([
    ['lfp', 16, 280, 0.5, 7168, 46.4],
    ['lfp', 16, 105, 1, 2000, 40],
    ['lto-nmc', 22, 40, 0.71, 1936, 44],
    ['lto-nmc', 20, 40, 0.71, 400, 40],
  ] as const satisfies readonly (readonly [OcvName, number, number, number, number, number])[])(
    '%s %is %f Ah %f mohm at %f W to %f V: within 0.1 %%',
    (ocv, series, ah, mohm, powerW, cutoffV) => {
      const { pack, world } = packAndWorld(ocv, series, ah, mohm, cutoffV);
      const marched = march(world, () => powerW);
      expect(marched.hours).toBeGreaterThan(0.5);
      within(runtimeHours({ pack, powerW }).hours, marched.hours, 0.001);
    },
  );

  it('over the hours of a day, again and again', () => {
    const { pack, world } = packAndWorld('lfp', 16, 280, 0.5, 46.4);
    const day: LoadProfile = {
      steps: [
        { fromH: 7, watts: 420 },
        { fromH: 18.5, watts: 700 },
        { fromH: 23, watts: 180 },
      ],
      repeatH: 24,
      startH: 21,
    };
    const marched = march(world, (hours) => {
      const hour = (21 + hours) % 24;
      if (hour < 7 || hour >= 23) return 180;
      return hour < 18.5 ? 420 : 700;
    });
    const planned = timeline(pack, stretchesOf(day));
    expect(planned.endedBy).toBe('cut-off');
    expect(marched.hours).toBeGreaterThan(24);
    within(planned.hours, marched.hours, 0.001);
    expect(planned.socEnd).toBeCloseTo(marched.soc, 3);
  });

  it('while stages are shed by time and by charge', () => {
    const { pack, world } = packAndWorld('lto-nmc', 20, 80, 0.355, 40);
    const marched = march(world, (hours, soc) => {
      if (hours < 1.5) return 900;
      return soc > 0.4 ? 500 : 120;
    });
    const planned = shed(pack, [{ powerW: 900, untilS: 5400 }, { powerW: 500, untilSoc: 0.4 }, { powerW: 120 }]);
    expect(planned.stages.map(({ endedBy }) => endedBy)).toEqual(['time', 'floor', 'cut-off']);
    within(planned.hoursTotal, marched.hours, 0.001);
  });

  it('while a rack sheds its nodes, with the losses of every stage', () => {
    const { pack, world } = packAndWorld('lfp', 16, 105, 1, 46.4);
    const supply = { ratedW: 450, a: 0.025543, b: -0.003831, c: 0.127714 };
    const rack: PoeRack = {
      nodes: 20,
      nodeW: 6.5,
      hat: 0.86,
      portV: 53,
      loopOhm: 0.421,
      switches: 1,
      switchSelfW: 25,
      switchSupply: supply,
      otherAcW: 65,
      inverter: { ratedW: 1200, a: 0.015, b: 0.03, c: 0.03 },
    };
    const stages = rackStages(rack, [{ untilSoc: 0.6 }, { nodes: 8, untilSoc: 0.3 }, { nodes: 0, otherAcW: 20 }]);
    /** The chain by hand: no fit, no shared code. */
    const chainW = (nodes: number, otherW: number): number => {
      const deviceW = 6.5 / 0.86;
      const portW = (53 * (53 - Math.sqrt(53 * 53 - 4 * 0.421 * deviceW))) / (2 * 0.421);
      const x = (25 + nodes * portW) / 450;
      const acW = 450 * (x + 0.025543 - 0.003831 * x + 0.127714 * x * x) + otherW;
      return acW + 1200 * (0.015 + (0.03 * acW) / 1200 + 0.03 * (acW / 1200) ** 2);
    };
    const marched = march(world, (_, soc) => {
      if (soc > 0.6) return chainW(20, 65);
      return soc > 0.3 ? chainW(8, 65) : chainW(0, 20);
    });
    within(shed(pack, stages).hoursTotal, marched.hours, 0.001);
    // Two fifths of the nodes are far more than two fifths of the losses.
    const [all = 0, some = 0] = stages.map(({ powerW }) => powerW);
    const usefulW = (nodes: number): number => nodes * 6.5 + 65;
    expect((some - usefulW(8)) / (all - usefulW(20))).toBeGreaterThan(0.5);
    expect(all).toBeCloseTo(poeRackPower(rack).packW, 9);
  });
});

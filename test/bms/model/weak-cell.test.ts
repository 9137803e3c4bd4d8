import { describe, expect, it } from 'vitest';
import { bankFigure } from '../../../bms/model/bank.ts';
import { packOf } from '../../../bms/model/pack.ts';
import type { PackSample } from '../../../bms/model/sample.ts';
import { type SocState, socStart, socStep } from '../../../bms/model/soc.ts';
import { SimPack } from '../../../services/twin/world/pack.ts';

/** One cell ends before the others, in the twin's own physics: its board opens while the pack still counts itself half full. */

const spec = packOf({ chemistry: 'lifepo4', cells: 16, capacityAh: 100 });

interface Story {
  /** Mean load, W, and how far it swings round that, as a ratio, every so many seconds. */
  readonly loadW: number;
  readonly swing?: number;
  readonly swingS?: number;
  readonly everyS?: number;
  readonly weakCell: { readonly capacityRatio: number; readonly resistanceRatio: number };
}

const asSample = (pack: SimPack): PackSample => ({
  kind: 'pack',
  measuredAtMs: 0,
  voltageV: pack.voltageV,
  currentA: pack.currentA,
  socRatio: pack.socRatio,
  cellsV: pack.cellsV.map((cellV) => Math.round(cellV * 1000) / 1000),
  temperaturesC: [25],
  dischargeFetClosed: pack.dischargeFetClosed,
});

const usableLowWh = (sample: PackSample, soc: SocState, loadW: number): number =>
  bankFigure([{ spec, sample, soc }], loadW).usableLowWh ?? Number.NaN;

/** What could still be drawn when the cautious figure fell below the reserve and what ten minutes of shutdown need. */
function leftAtBegin({ loadW, swing = 0, swingS = 20, everyS = 1, weakCell }: Story, seed = 1) {
  const pack = new SimPack({ capacityAh: 100, weakCell }, seed);
  const needWh = 500 + (loadW * 600) / 3600;
  let soc = socStart(asSample(pack), spec);
  let begunWh: number | undefined;
  for (let halves = 1; pack.dischargeFetClosed; halves += 1) {
    const timeS = halves / 2;
    pack.discharge(loadW * (1 + (Math.floor(timeS / swingS) % 2 === 0 ? swing : -swing)), 0.5);
    if (timeS % everyS !== 0) continue;
    const sample = asSample(pack);
    soc = socStep(soc, sample, everyS, spec);
    if (begunWh === undefined && usableLowWh(sample, soc, loadW) < needWh) begunWh = pack.energyOutWh;
  }
  return { leftWh: pack.energyOutWh - (begunWh ?? pack.energyOutWh), countedRatio: pack.socRatio };
}

describe('a weak cell', () => {
  const small = { capacityRatio: 0.6, resistanceRatio: 1 };
  const bad = { capacityRatio: 0.6, resistanceRatio: 4 };

  it.each<[string, Story]>([
    ['under a small load', { loadW: 1500, everyS: 2, weakCell: small }],
    ['under a large one', { loadW: 2500, weakCell: small }],
    ['heard every ten seconds', { loadW: 2500, everyS: 10, weakCell: small }],
    ['under a load that swings', { loadW: 2000, swing: 0.8, weakCell: small }],
    ['with a high resistance too', { loadW: 2000, swing: 0.8, weakCell: bad }],
    ['with that, heard seldom', { loadW: 2000, swing: 0.8, everyS: 5, swingS: 25, weakCell: bad }],
    ['under a load that swings fast', { loadW: 1500, swing: 0.9, swingS: 10, weakCell: bad }],
  ])('is seen to end four minutes ahead %s', (_title, story) => {
    const { leftWh, countedRatio } = leftAtBegin(story);
    expect(countedRatio).toBeGreaterThan(0.35);
    expect(leftWh).toBeGreaterThan((story.loadW * 240) / 3600);
  });

  it('ends what can be counted on where it does not hold its voltage, whatever the charge', () => {
    const sagging = (lowV: number, currentA = -50): PackSample => ({
      kind: 'pack',
      measuredAtMs: 0,
      voltageV: 52.5,
      currentA,
      socRatio: 0.9,
      cellsV: [lowV, ...Array<number>(15).fill(3.31)],
    });
    const hear = (soc: SocState, sample: PackSample, dtS = 1) => {
      const next = socStep(soc, sample, dtS, spec);
      return { next, lowWh: usableLowWh(sample, next, 2500) };
    };
    let { next, lowWh } = hear(socStart(sagging(3.3), spec), sagging(2.85));
    expect(lowWh, 'one reading may be a glitch').toBeGreaterThan(1000);
    ({ next } = hear(next, sagging(3.2)));
    ({ next, lowWh } = hear(next, sagging(2.85), 10));
    expect(lowWh).toBe(0);
    expect(hear(next, sagging(3.25), 30).lowWh, 'not forgotten with the next reading').toBe(0);
    expect(hear(next, sagging(3.25), 90).lowWh, 'until it has held for a minute').toBeGreaterThan(1000);
    expect(hear(next, sagging(3.2, 5)).lowWh, 'or is charged').toBeGreaterThan(1000);
    expect(JSON.parse(JSON.stringify(next))).toEqual(next);
  });

  it('is no alarm for a good pack under the same loads', () => {
    const good = { capacityRatio: 1, resistanceRatio: 1 };
    const { leftWh, countedRatio } = leftAtBegin({ loadW: 2500, swing: 0.8, everyS: 2, weakCell: good });
    expect(countedRatio).toBeLessThan(0.03);
    expect(leftWh).toBeLessThan(1400);
  });
});

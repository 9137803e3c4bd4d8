import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anchored, type SocBelief, sigmaOf, socFromOcv } from '../../../bms/model/anchor.ts';
import { ocvAt } from '../../../bms/model/chemistry/chemistry.ts';
import { lfp } from '../../../bms/model/chemistry/lfp.ts';
import { lto } from '../../../bms/model/chemistry/lto.ts';

const fresh = (socRatio: number, sigma: number): SocBelief => ({
  socRatio,
  sigma,
  countedSigma: sigma,
  voltageSigma: 0,
});
const counted = (belief: SocBelief, by: number): SocBelief => {
  const countedSigma = belief.countedSigma + by;
  return { ...belief, countedSigma, sigma: sigmaOf(countedSigma, belief.voltageSigma) };
};

describe('what an open-circuit voltage says', () => {
  it('is sharp on the steep ends of LiFePO4 and next to nothing on its plateau', () => {
    expect(socFromOcv(lfp, 3.0, 0.02)).toMatchObject({ sigma: 0.01 });
    expect(socFromOcv(lfp, 3.0, 0.02).socRatio).toBeCloseTo(0.036, 2);
    expect(socFromOcv(lfp, 3.3, 0.02).sigma).toBeGreaterThan(0.15);
  });

  it('is useful all along LTO', () => {
    for (const soc of [0.1, 0.3, 0.5, 0.7, 0.9]) {
      const heard = socFromOcv(lto, ocvAt(lto, soc), 0.015);
      expect(heard.sigma).toBeLessThan(0.08);
      expect(Math.abs(heard.socRatio - soc)).toBeLessThan(heard.sigma);
    }
  });

  it('is full or empty beyond the table', () => {
    expect(socFromOcv(lfp, 3.9, 0.02)).toEqual({ socRatio: 1, sigma: 0.01 });
    expect(socFromOcv(lfp, 1.9, 0.02)).toEqual({ socRatio: 0, sigma: 0.01 });
  });
});

describe('hearing a voltage', () => {
  it('the first time weighs it as a Kalman filter does', () => {
    const after = anchored(fresh(0.6, 0.1), { socRatio: 0.5, sigma: 0.1 });
    expect(after.socRatio).toBeCloseTo(0.55, 9);
    expect(after.sigma).toBeCloseTo(0.1 / Math.SQRT2, 9);
  });

  it('a thousand times says no more than once', () => {
    const heard = { socRatio: 0.5, sigma: 0.2 };
    const once = anchored(fresh(0.7, 0.15), heard);
    let often = once;
    for (let i = 0; i < 1000; i++) often = anchored(often, heard);
    expect(often.socRatio).toBeCloseTo(once.socRatio, 6);
    expect(often.sigma).toBeCloseTo(once.sigma, 6);
  });

  it('with a sharpness that wavers says no more than its sharpest', () => {
    let belief = fresh(0.7, 0.3);
    for (let i = 0; i < 1000; i++) belief = anchored(belief, { socRatio: 0.5, sigma: 0.15 + 0.05 * ((i % 10) / 9) });
    expect(belief.sigma).toBeGreaterThan(0.13);
    expect(belief.sigma).toBeLessThan(0.15);
  });

  it('that grows sharper is taken at its sharpest, not averaged with what it was before', () => {
    const vague = anchored(fresh(0.5, 0.5), { socRatio: 0.8, sigma: 0.2 });
    const sharp = anchored(vague, { socRatio: 0.3, sigma: 0.02 });
    expect(sharp.socRatio).toBeCloseTo(0.3, 1);
    expect(sharp.sigma).toBeLessThanOrEqual(0.0201);
    expect(sharp.sigma).toBeGreaterThan(0.018);
  });

  it('counts again once the count has become worse', () => {
    const heard = { socRatio: 0.5, sigma: 0.1 };
    const once = anchored(fresh(0.7, 0.3), heard);
    const again = anchored(counted({ ...once, socRatio: 0.7 }, 0.3), heard);
    expect(again.socRatio).toBeLessThan(0.56);
    expect(again.sigma).toBeGreaterThan(0.09);
    expect(again.sigma).toBeLessThan(0.11);
  });

  it('that contradicts everything believed replaces the belief, and stays unsure about it', () => {
    const after = anchored(fresh(0.9, 0.01), { socRatio: 0.05, sigma: 0.01 });
    expect(after.socRatio).toBeCloseTo(0.05, 2);
    expect(after.sigma).toBeGreaterThan(0.0099);
  });

  it('in turns, sharp and vague, never adds up to more than the sharp one: full, rest, full, rest', () => {
    let belief = fresh(0.7, 0.15);
    for (let i = 0; i < 500; i++) belief = anchored(belief, { socRatio: 0.6, sigma: i % 2 ? 0.05 : 0.12 });
    expect(belief.sigma).toBeGreaterThan(0.045);
  });

  it('keeps charge in 0..1 and the sigma within what both say, whatever comes in whatever order', () => {
    const ratio = fc.double({ min: 0, max: 1, noNaN: true });
    const sigma = fc.double({ min: 0.01, max: 0.5, noNaN: true });
    const step = fc.record({ socRatio: ratio, sigma, grows: fc.double({ min: 0, max: 0.1, noNaN: true }) });
    fc.assert(
      fc.property(ratio, sigma, fc.array(step, { maxLength: 30 }), (start, startSigma, steps) => {
        let belief = fresh(start, startSigma);
        for (const { grows, ...heard } of steps) {
          belief = counted(belief, grows);
          const after = anchored(belief, heard);
          expect(after.socRatio).toBeGreaterThanOrEqual(0);
          expect(after.socRatio).toBeLessThanOrEqual(1);
          expect(after.sigma).toBeGreaterThan(0);
          const surprised = Math.abs(heard.socRatio - belief.socRatio) > 4 * belief.sigma;
          if (!surprised) expect(after.sigma).toBeLessThanOrEqual(belief.sigma + 1e-12);
          expect(after.sigma).toBeCloseTo(sigmaOf(after.countedSigma, after.voltageSigma), 12);
          belief = after;
        }
      }),
    );
  });

  it('claims a spread that is the true one: a lasting voltage error, averaged over many worlds', () => {
    // Normal error of the start and of the voltage; the voltage is heard often, with changing sharpness.
    const sharpness = [0.2, 0.12, 0.08, 0.08, 0.15];
    let squares = 0;
    let claimed = 0;
    let n = 0;
    for (let i = -40; i <= 40; i++) {
      for (let j = -40; j <= 40; j++) {
        const [x, y] = [i / 10, j / 10];
        const weight = Math.exp(-(x * x + y * y) / 2);
        let belief = fresh(0.5 + 0.1 * x, 0.1);
        for (const sigma of sharpness) belief = anchored(belief, { socRatio: 0.5 + sigma * y, sigma });
        squares += weight * (belief.socRatio - 0.5) ** 2;
        claimed += weight * belief.sigma ** 2;
        n += weight;
      }
    }
    expect(Math.sqrt(squares / n)).toBeLessThan(Math.sqrt(claimed / n) * 1.05);
    expect(Math.sqrt(claimed / n)).toBeLessThan(0.1);
  });
});

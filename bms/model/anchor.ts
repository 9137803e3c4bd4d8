import { type Chemistry, socAtOcv } from './chemistry/chemistry.ts';

/**
 * Correcting a counted charge by a voltage. A voltage error lasts (another maker's curve, hysteresis, a meter's offset), so
 * hearing the same voltage a thousand times must not make us a thousand times surer. The belief therefore keeps apart what
 * it owes to voltages and what it owes to counting. Errors of voltages may be related in any way, so they add up straight;
 * only counting and voltage are taken as independent. It follows by itself that the first anchor counts in full, a repetition
 * adds nothing, a sharper one replaces, and a later one counts as far as the counting has become worse since.
 */

/** Never surer than this of what a voltage says about charge. */
const SHARPEST_SIGMA = 0.01;
/** A contradiction of so many standard deviations throws the belief away instead of averaging with it. */
const SURPRISE_SIGMAS = 4;

/** State of charge 0..1 with its standard deviation. */
export interface SocMeasurement {
  readonly socRatio: number;
  readonly sigma: number;
}

export interface SocBelief {
  readonly socRatio: number;
  /** Standard deviation of all of the error, `sigmaOf` the next two. */
  readonly sigma: number;
  /** Part of it that comes from where we started and from counting since. */
  readonly countedSigma: number;
  /** Part of it that comes from the voltages heard so far. */
  readonly voltageSigma: number;
}

/** The standard deviation of two independent parts together. */
export function sigmaOf(countedSigma: number, voltageSigma: number): number {
  return Math.hypot(countedSigma, voltageSigma);
}

/**
 * What an open-circuit voltage says: the charge half way between the curve at `noiseV` below and above it. On a flat part of
 * the curve that is a wide range, on a steep one a sharp figure.
 */
export function socFromOcv(chemistry: Chemistry, ocvV: number, noiseV: number): SocMeasurement {
  const low = socAtOcv(chemistry, ocvV - noiseV);
  const high = socAtOcv(chemistry, ocvV + noiseV);
  return { socRatio: (low + high) / 2, sigma: Math.max((high - low) / 2, SHARPEST_SIGMA) };
}

/**
 * The belief after a voltage was heard; the same object when it says nothing new. With gain K the error becomes
 * (1-K)·counted + [(1-K)·voltage + K·heard]; K minimizes its size. Never less certain than before, except after a
 * contradiction.
 */
export function anchored(belief: SocBelief, heard: SocMeasurement): SocBelief {
  const innovation = heard.socRatio - belief.socRatio;
  const expected = Math.hypot(belief.countedSigma, belief.voltageSigma + heard.sigma);
  const surprised = Math.abs(innovation) > SURPRISE_SIGMAS * expected;
  const counted = surprised ? Math.abs(innovation) : belief.countedSigma;
  const owed = surprised ? 0 : belief.voltageSigma;

  const worse = heard.sigma - owed;
  const scale = worse ** 2 + counted ** 2;
  const gain = scale > 0 ? Math.min((counted ** 2 - owed * worse) / scale, 1) : 0;
  if (!(gain > 0)) return belief;
  const countedSigma = (1 - gain) * counted;
  const voltageSigma = owed + gain * worse;
  return {
    socRatio: Math.min(Math.max(belief.socRatio + gain * innovation, 0), 1),
    sigma: sigmaOf(countedSigma, voltageSigma),
    countedSigma,
    voltageSigma,
  };
}

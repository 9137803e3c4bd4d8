import { packOcvV, packResistanceOhm, terminalV } from '../../../bms/model/index.ts';
import { type PlannedPack, packSpecOf, type Reading } from '../../../power-planner/index.ts';

export interface Truth {
  /** As it really is: its factors are the truth. */
  readonly pack: PlannedPack;
  readonly socStart: number;
  readonly powerW: (seconds: number) => number;
  readonly hours?: number;
  readonly cutoffV?: number;
  /** Standard deviations of one reading. */
  readonly noiseV?: number;
  readonly noiseRatio?: number;
  readonly seed?: number;
  readonly everyS?: number;
}

/** A made outage: a pack of known charge and resistance, marched through time, read by a noisy meter. */
export function recordedOutage({
  pack,
  socStart,
  powerW,
  hours = 1000,
  cutoffV = 46.4,
  noiseV = 0.02,
  noiseRatio = 0.005,
  seed = 1,
  everyS = 20,
}: Truth): readonly Reading[] {
  const spec = packSpecOf(pack);
  const ah = spec.capacityAh * (spec.capacityRatio ?? 1);
  const noise = noiseFrom(seed);
  const readings: Reading[] = [];
  let soc = socStart;
  for (let seconds = 0; seconds < hours * 3600 && soc > 0; seconds += everyS) {
    const watts = powerW(seconds);
    const volts = terminalV(packOcvV(spec, soc), packResistanceOhm(spec, soc), watts);
    if (volts < cutoffV) break;
    const amperes = watts / volts;
    readings.push({ seconds, volts: volts + noiseV * noise(), amperes: amperes * (1 + noiseRatio * noise()) });
    soc -= (amperes * everyS) / 3600 / ah;
  }
  return readings;
}

/** Normally distributed, the same for the same seed. */
function noiseFrom(seed: number): () => number {
  let state = seed + 1;
  const uniform = (): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return (state + 0.5) / 2_147_483_648;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

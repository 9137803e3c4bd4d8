import circuits from '../data/circuits.json' with { type: 'json' };

/** Solid copper of an AWG size: 0.127 mm · 92^((36-n)/39). */
function areaM2(awg: number): number {
  const diameterM = 0.127e-3 * 92 ** ((36 - awg) / 39);
  return (Math.PI / 4) * diameterM * diameterM;
}

/** Resistance of one copper conductor, ohm/m: ρ(1 + α(T - 20)) / A. 12 AWG at 75 °C: 6.34 ohm/km. */
export function conductorOhmPerM(awg: number, temperatureC: number): number {
  const { rho_ohm_m_20c, alpha_per_k } = circuits.wire;
  return (rho_ohm_m_20c * (1 + alpha_per_k * (temperatureC - 20))) / areaM2(awg);
}

export interface Run {
  readonly awg: number;
  /** One way, m. */
  readonly lengthM: number;
  readonly currentA: number;
  readonly temperatureC: number;
  readonly volts: number;
}

/** Voltage lost on the way there and back, V, and as a share of the supply. */
export function wireDrop({ awg, lengthM, currentA, temperatureC, volts }: Run): {
  readonly dropV: number;
  readonly dropRatio: number;
} {
  const dropV = 2 * lengthM * currentA * conductorOhmPerM(awg, temperatureC);
  return { dropV, dropRatio: dropV / volts };
}

/** Drop on a branch worth a warning, as a share (NEC informational note; unverified). */
export const MAX_BRANCH_DROP_RATIO = circuits.wire.max_drop_branch;

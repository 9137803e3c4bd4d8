import circuits from '../data/circuits.json' with { type: 'json' };

/** A branch circuit. A rack behind a UPS is a continuous load: it can run 3 h or more (planner data, circuits.json). */
export interface Circuit {
  /** Lowest voltage to expect: constant power draws more current the lower it sags. */
  readonly volts: number;
  readonly breakerA: number;
  /** Share of the breaker a continuous load may use, 0..1; 0.8 when absent (NEC 210.19(A)(1)). */
  readonly continuousFactor?: number | undefined;
}

export interface CircuitLoad {
  readonly powerW: number;
  /** W / VA, above 0, at most 1. */
  readonly powerFactor: number;
}

export interface CircuitBudget {
  readonly limitA: number;
  readonly limitVa: number;
  /** Arithmetic sum of the loads' currents: the safe upper bound. */
  readonly currentA: number;
  /** For information: √((ΣP)² + (ΣQ)²) / V, less than the truth where rectifiers are. */
  readonly vectorCurrentA: number;
  readonly apparentVa: number;
  /** Below 0: over the limit. */
  readonly headroomA: number;
  readonly fits: boolean;
}

const CONTINUOUS_FACTOR = circuits.continuous_rule.factor;
/** Sums of loads are compared with limits that are round numbers. */
const ROUNDING_A = 1e-9;

/** Amperes of all loads against what the circuit carries for hours; amperes are summed, never watts. */
export function circuitBudget(circuit: Circuit, loads: readonly CircuitLoad[]): CircuitBudget {
  const { volts, breakerA, continuousFactor = CONTINUOUS_FACTOR } = circuit;
  let apparentVa = 0;
  let activeW = 0;
  let reactiveVar = 0;
  for (const { powerW, powerFactor } of loads) {
    const va = powerW / powerFactor;
    apparentVa += va;
    activeW += powerW;
    reactiveVar += Math.sqrt(Math.max(va * va - powerW * powerW, 0));
  }
  const limitA = continuousFactor * breakerA;
  const currentA = apparentVa / volts;
  return {
    limitA,
    limitVa: limitA * volts,
    currentA,
    vectorCurrentA: Math.hypot(activeW, reactiveVar) / volts,
    apparentVa,
    headroomA: limitA - currentA,
    fits: currentA <= limitA + ROUNDING_A,
  };
}

export interface Charger {
  readonly powerFactor: number;
  /** DC out / AC in, 0..1. */
  readonly efficiencyRatio: number;
  /** Pack voltage the current is wanted at, V. */
  readonly packV: number;
}

/** What is left for a charger beside the load: the AC power it may take, and the DC current to set it to. */
export function chargerHeadroom(
  circuit: Circuit,
  loads: readonly CircuitLoad[],
  { powerFactor, efficiencyRatio, packV }: Charger,
): { readonly chargerAcW: number; readonly chargerDcA: number } {
  const { limitVa, apparentVa } = circuitBudget(circuit, loads);
  const chargerAcW = Math.max(limitVa - apparentVa, 0) * powerFactor;
  return { chargerAcW, chargerDcA: (chargerAcW * efficiencyRatio) / packV };
}

/**
 * Power factor where none is known: 0.95 with active correction, 0.55 for a supply below 75 W without, 1 for a heater.
 * From memory; 80 PLUS demands 0.9.
 */
export function assumedPowerFactor(supply: 'corrected' | 'small' | 'resistive'): number {
  return { corrected: 0.95, small: 0.55, resistive: 1 }[supply];
}

/** Current a plug carries for hours, A; undefined for a plug we have no figure for. */
export function plugLimitA(plug: string): number | undefined {
  return circuits.plugs.find(({ id }) => id === plug)?.max_continuous_a;
}

/** Plugs there is a figure for. */
export const PLUGS: readonly string[] = circuits.plugs.map(({ id }) => id);

/** Sum of inrush peaks above which a breaker may trip at once, A: the lower edge of its magnetic region. */
export function inrushLimitA(breakerA: number): number {
  return MAGNETIC_FROM * breakerA;
}

/** Peak when this many small supplies are switched on together, A; the upper published figure each (unverified). */
export function inrushPeakA(supplies: number, peakA = Math.max(...circuits.inrush.small_smps_peak_a)): number {
  return supplies * peakA;
}

/** The magnetic region of a breaker begins here, as a multiple of its rating. */
const MAGNETIC_FROM = 5;

/** What a thermal-magnetic breaker does at this multiple of its rating, in words: to explain, never to decide. */
export function breakerNote(multiple: number): string {
  let note = 'carries it for ever at 40 °C; a hot cabinet lowers that';
  if (multiple > 1) note = 'may trip after hours';
  for (const point of circuits.breaker_trip) {
    const from = point.multiple ?? point.multiple_range?.[0] ?? Number.POSITIVE_INFINITY;
    if (from > 1.13 && multiple >= from) note = point.time;
  }
  return note;
}

/**
 * One LiFePO4 cell at 25 °C, kept apart from the product's own model so that an error there cannot agree with itself.
 *
 * Open-circuit voltage: measured Sony/Murata US26650FTC1 3 Ah, mean of charge and discharge, thinned from
 * tum-ees/simses `CLFP_Sony_US26650_OCV.csv` (commit 2769f809); by linear interpolation, 3 mV or less from the full
 * table above 5 % charge.
 */
const OCV: readonly (readonly [socRatio: number, voltageV: number])[] = [
  [0, 2.2862],
  [0.005, 2.6835],
  [0.01, 2.7833],
  [0.015, 2.847],
  [0.02, 2.8952],
  [0.03, 2.9673],
  [0.04, 3.0213],
  [0.05, 3.0647],
  [0.06, 3.1008],
  [0.08, 3.1583],
  [0.1, 3.1967],
  [0.125, 3.2068],
  [0.15, 3.212],
  [0.2, 3.2343],
  [0.25, 3.2547],
  [0.3, 3.2703],
  [0.4, 3.2921],
  [0.5, 3.2995],
  [0.6, 3.3035],
  [0.7, 3.3108],
  [0.75, 3.3185],
  [0.8, 3.3345],
  [0.85, 3.3403],
  [0.95, 3.3447],
  [0.97, 3.3463],
  [0.985, 3.3522],
  [0.99, 3.3618],
  [0.995, 3.3963],
  [1, 3.5305],
];

/**
 * Open-circuit voltage of a cell, V. Outside 0..1 the last slope goes on (a cell in a string can be driven past its
 * ends), but never below 1 V.
 */
export function openCircuitV(socRatio: number): number {
  let high = 1;
  while (high < OCV.length - 1 && (OCV[high]?.[0] ?? 1) < socRatio) high += 1;
  const [s0, v0] = OCV[high - 1] ?? [0, 0];
  const [s1, v1] = OCV[high] ?? [1, 0];
  return Math.max(1, v0 + ((v1 - v0) * (socRatio - s0)) / (s1 - s0));
}

/** Direct-current resistance times capacity at half charge and 25 °C, ohm·Ah (same source, `Rint.csv`). */
export const RESISTANCE_OHM_AH = 0.1435;

/** Resistance against temperature: Arrhenius with 17.2 kJ/mol, 1 at 25 °C. */
export const resistanceFactor = (temperatureC: number): number =>
  Math.exp((17_200 / 8.314) * (1 / (temperatureC + 273.15) - 1 / 298.15));

/** Heat capacity per Ah of cell: about 19 g/Ah at 1 J/(g·K). */
export const HEAT_CAPACITY_J_PER_K_AH = 19;

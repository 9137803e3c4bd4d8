const REFERENCE_K = 298.15;
const GAS_CONSTANT = 8.314;
/** From the 10 and 25 °C columns of a 3 Ah LiFePO4 cell at 40 % charge; taken for LTO as well (unverified there). */
const ACTIVATION_J_PER_MOL = 17_200;

/**
 * Cell resistance at this temperature against 25 °C (Arrhenius): 1.44 at 10 °C, 1.89 at 0 °C, 3.4 at -20 °C (extrapolated).
 * Held outside -40..80 °C. Unknown temperature: 1.
 */
export function resistanceFactor(temperatureC?: number): number {
  if (temperatureC === undefined || Number.isNaN(temperatureC)) return 1;
  const kelvin = Math.min(Math.max(temperatureC, -40), 80) + 273.15;
  return Math.exp((ACTIVATION_J_PER_MOL / GAS_CONSTANT) * (1 / kelvin - 1 / REFERENCE_K));
}

import type { Fields } from './driver.ts';
import type { Balancing, Mosfets } from './switches.ts';

/** How both MOSFETs stand, from the names that most decoders use; undefined unless both are told. */
export function mosfetsOf({ chargeMosfet, dischargeMosfet }: Fields): Mosfets | undefined {
  if (typeof chargeMosfet !== 'boolean' || typeof dischargeMosfet !== 'boolean') return undefined;
  return { charge: chargeMosfet, discharge: dischargeMosfet };
}

/** Whether balancing is allowed, from the board's settings. */
export function balancingOf({ balanceSwitch }: Fields): Balancing | undefined {
  return typeof balanceSwitch === 'boolean' ? { balancing: balanceSwitch } : undefined;
}

import type { ChargeOffer, SimPack } from './pack.ts';

/**
 * The way of the energy, from the device outwards: every stage is `in = f(out)`.
 *
 *     node ─ cable ─ PoE port ─ switch supply ─┬─ AC bus ─ mains meter ─ mains
 *     router, NUCs ────────────────────────────┘    └── inverter ─ pack ─ charger ─ mains meter
 */

/** Loop of 5 m of 24 AWG, two pairs, at the voltage of the switch. */
const LINK = { loopOhm: 0.421, voltageV: 53 } as const;

/** What a port gives so that the device takes `deviceW`; the device is a constant-power load, W. */
export function portPowerW(deviceW: number): number {
  const { loopOhm, voltageV } = LINK;
  const root = voltageV * voltageV - 4 * loopOhm * deviceW;
  const currentA = (voltageV - Math.sqrt(Math.max(0, root))) / (2 * loopOhm);
  return voltageV * currentA;
}

/**
 * Input of a supply with 80 PLUS Gold losses (0.87 / 0.90 / 0.87 at 20 / 50 / 100 %): loss/rated = a + b x + c x²
 * fitted through the three points, so that a lightly loaded supply is as bad as it really is.
 */
export function supplyInputW(outputW: number, ratedW: number): number {
  const x = outputW / ratedW;
  return ratedW * (x + 0.025543 - 0.003831 * x + 0.127714 * x * x);
}

export interface ChargerOptions {
  /** Most it gives, at the pack, W. */
  readonly maxW: number;
  readonly maxA: number;
  /** Constant voltage per cell, V; 3.45 when absent. */
  readonly cellV?: number;
  /** DC out / AC in; 0.92 when absent. */
  readonly efficiency?: number;
}

/** Constant current or power, then constant voltage; stops at a tail current of 0.03 C, begins again below 97 %. */
export class Charger {
  readonly #options: Required<ChargerOptions>;
  #full = false;

  constructor(options: ChargerOptions) {
    this.#options = { cellV: 3.45, efficiency: 0.92, ...options };
  }

  /** Charges for `dtS` seconds and returns what it took from the AC side meanwhile, W. */
  run(pack: SimPack, dtS: number): number {
    const { maxW, maxA, cellV, efficiency } = this.#options;
    const offer: ChargeOffer = { maxW, maxA, limitV: cellV * pack.cells };
    if (pack.socRatio < 0.97) this.#full = false;
    else if (!this.#full) this.#full = pack.acceptableA(offer) <= 0.03 * pack.capacityAh;
    if (this.#full) {
      pack.rest(dtS);
      return 0;
    }
    return pack.charge(offer, dtS) / efficiency;
  }
}

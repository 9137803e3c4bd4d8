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
  /** Does not begin above this charge; 0.97 when absent. */
  readonly resumeSocRatio?: number;
  /** Stops at this charge, for a bank that shall not stand full; 1 when absent. */
  readonly stopSocRatio?: number;
}

/** Constant current or power, then constant voltage; stops at a tail current of 0.03 C or at the charge it was told. */
export class Charger {
  readonly #options: Required<ChargerOptions>;
  #resting: boolean | undefined;

  constructor(options: ChargerOptions) {
    this.#options = { cellV: 3.45, efficiency: 0.92, resumeSocRatio: 0.97, stopSocRatio: 1, ...options };
  }

  /** Charges for `dtS` seconds and returns what it took from the AC side meanwhile, W. */
  run(pack: SimPack, dtS: number): number {
    const { maxW, maxA, cellV, efficiency, resumeSocRatio, stopSocRatio } = this.#options;
    const offer: ChargeOffer = { maxW, maxA, limitV: cellV * pack.cells };
    const done = pack.socRatio >= stopSocRatio || pack.acceptableA(offer) <= 0.03 * pack.capacityAh;
    this.#resting = pack.socRatio >= resumeSocRatio && ((this.#resting ?? true) || done);
    if (this.#resting) {
      pack.rest(dtS);
      return 0;
    }
    return pack.charge(offer, dtS) / efficiency;
  }
}

import type { SwitchLock, WorldPack } from '../model.ts';
import { HEAT_CAPACITY_J_PER_K_AH, openCircuitV, RESISTANCE_OHM_AH, resistanceFactor } from './lfp-cell.ts';
import { hash32, signedUnit, unit } from './random.ts';

export interface PackOptions {
  /** Cells in series; 16 when absent. */
  readonly cells?: number;
  /** What the weakest cell holds (but for `weakCell`), Ah. */
  readonly capacityAh: number;
  /** 0..1 at the beginning; 1 when absent. */
  readonly socRatio?: number;
  /** One cell at 25 °C over minutes, ohm; that of a large energy cell scaled to this capacity when absent. */
  readonly cellResistanceOhm?: number;
  readonly ambientC?: number;
  /** How much capacity and resistance differ from cell to cell, ratio; 0.01 when absent. */
  readonly spreadRatio?: number;
  /** Cycles it has behind it. */
  readonly cycles?: number;
  /** Cell 1 is worse than the others: what it holds of their charge, and its resistance as a multiple of theirs. */
  readonly weakCell?: { readonly capacityRatio: number; readonly resistanceRatio: number };
}

/** What a charger offers at one moment. */
export interface ChargeOffer {
  readonly maxW: number;
  readonly maxA: number;
  /** Constant voltage of the whole pack, V. */
  readonly limitV: number;
}

/** Trip points of a 16S LiFePO4 board (factory file): cell V, °C, delay s. */
const TRIP = {
  underV: 2.5,
  underReleaseV: 3.0,
  overV: 3.65,
  overReleaseV: 3.5,
  chargeColdC: 1,
  chargeColdReleaseC: 5,
  delayS: 2,
} as const;

/** The ohmic part of the resistance; the rest builds up with this time constant. */
const OHMIC_SHARE = 0.6;
const POLARISATION_S = 40;
/** Time in which the pack cools by 63 % of its excess over ambient, s. */
const COOLING_S = 2400;

interface Cell {
  readonly capacityAh: number;
  readonly ohmic: number;
  socRatio: number;
}

/**
 * Cells in series with a protection board. Each cell has its own capacity, charge and resistance; the pack was balanced
 * at the top. Moves only by `discharge`, `charge` and `rest`, for at most half a second a call.
 */
export class SimPack implements WorldPack {
  readonly cells: number;
  readonly capacityAh: number;
  /** Energy over the terminals and heat in the cells since the beginning, Wh; each only grows. */
  energyOutWh = 0;
  energyInWh = 0;
  lossWh = 0;
  /** Times the board opened a switch by itself. */
  readonly trips = { cellOvervoltage: 0, cellUndervoltage: 0, chargeCold: 0 };

  readonly #string: readonly Cell[];
  /** What the protection allows; the switch is closed when nobody has locked it besides. */
  #dischargeAllowed = true;
  #chargeAllowed = true;
  #locked: SwitchLock = { charge: false, discharge: false };
  readonly #salt: number;
  readonly #ambientC: number;
  readonly #cyclesBefore: number;
  #countedAh: number;
  #throughputAh = 0;
  #currentA = 0;
  #polarisationV = 0;
  #temperatureC: number;
  #underS = 0;
  #overS = 0;
  #coldS = 0;

  constructor(options: PackOptions, seed: number) {
    const { cells = 16, capacityAh, socRatio = 1, ambientC = 25, spreadRatio = 0.01, cycles = 12 } = options;
    if (!(cells >= 1 && capacityAh > 0 && socRatio >= 0 && socRatio <= 1)) {
      throw new RangeError('a pack needs at least one cell, a capacity above 0 Ah and a charge of 0..1');
    }
    const { cellResistanceOhm = RESISTANCE_OHM_AH / capacityAh } = options;
    this.cells = cells;
    this.capacityAh = capacityAh;
    this.#salt = hash32(seed, 0xce11);
    this.#ambientC = ambientC;
    this.#temperatureC = ambientC;
    this.#cyclesBefore = cycles;
    this.#countedAh = capacityAh * socRatio;
    const missingAh = capacityAh - this.#countedAh;
    this.#string = Array.from({ length: cells }, (_, index) => {
      const weak = index === 0 ? options.weakCell : undefined;
      const cellAh = capacityAh * (1 + spreadRatio * unit(this.#salt, index, 1)) * (weak?.capacityRatio ?? 1);
      const ohm = cellResistanceOhm * (1 + 3 * spreadRatio * signedUnit(this.#salt, index, 2));
      return {
        capacityAh: cellAh,
        ohmic: ohm * OHMIC_SHARE * (weak?.resistanceRatio ?? 1),
        socRatio: 1 - missingAh / cellAh,
      };
    });
  }

  /** As the board counts it; 0..capacity. */
  get remainingAh(): number {
    return this.#countedAh;
  }

  get socRatio(): number {
    return this.#countedAh / this.capacityAh;
  }

  get dischargeFetClosed(): boolean {
    return this.#dischargeAllowed && !this.#locked.discharge;
  }

  get chargeFetClosed(): boolean {
    return this.#chargeAllowed && !this.#locked.charge;
  }

  get locked(): SwitchLock {
    return this.#locked;
  }

  lock({ charge, discharge }: SwitchLock): void {
    this.#locked = { charge, discharge };
  }

  get currentA(): number {
    return this.#currentA;
  }

  get voltageV(): number {
    return this.#restingV() + this.#currentA * this.#ohmicOhm();
  }

  get cellsV(): readonly number[] {
    return this.#string.map((cell) => this.#cellV(cell));
  }

  /** Two sensors on cells, one at the switches. */
  get temperaturesC(): readonly number[] {
    const board = this.#temperatureC + Math.min(40, 0.004 * this.#currentA ** 2) + 0.6;
    return [this.#temperatureC + 0.2, this.#temperatureC - 0.3, board];
  }

  get cycles(): number {
    return this.#cyclesBefore + Math.floor(this.#throughputAh / this.capacityAh);
  }

  /** Chemical energy left above empty, Wh: what the cells would give at no current at all. */
  get chemicalWh(): number {
    return this.#string.reduce((sum, cell) => sum + cell.capacityAh * chemicalVoltSum(cell.socRatio), 0);
  }

  /** Gives `powerW` for `dtS` seconds; nothing while the switch is open. It opens at once when the voltage collapses. */
  discharge(powerW: number, dtS: number): void {
    const emf = this.#restingV();
    const ohm = this.#ohmicOhm();
    const root = emf * emf - 4 * ohm * powerW;
    if (this.dischargeFetClosed && root < 0) this.#openDischarge();
    this.#flow(this.dischargeFetClosed ? -powerW / ((emf + Math.sqrt(root)) / 2) : 0, dtS);
  }

  /** Takes what the charger offers and the pack allows, for `dtS` seconds; the power at the terminals, W. */
  charge(offer: ChargeOffer, dtS: number): number {
    const currentA = this.chargeFetClosed ? this.acceptableA(offer) : 0;
    this.#flow(currentA, dtS);
    return this.voltageV * currentA;
  }

  rest(dtS: number): void {
    this.#flow(0, dtS);
  }

  /** Charging current this offer comes to right now, A. */
  acceptableA(offer: ChargeOffer): number {
    const emf = this.#restingV();
    const ohm = this.#ohmicOhm();
    const byPower = (-emf + Math.sqrt(emf * emf + 4 * ohm * offer.maxW)) / (2 * ohm);
    return Math.max(0, Math.min(offer.maxA, byPower, (offer.limitV - emf) / ohm));
  }

  #flow(currentA: number, dtS: number): void {
    const hours = dtS / 3600;
    const emf = this.#restingV();
    const ohmic = this.#ohmicOhm();
    const chemical = emf - this.#polarisationV;
    const terminalW = (emf + currentA * ohmic) * currentA;
    const lossW = terminalW - chemical * currentA;
    if (terminalW > 0) this.energyInWh += terminalW * hours;
    else this.energyOutWh -= terminalW * hours;
    this.lossWh += lossW * hours;
    for (const cell of this.#string) cell.socRatio += (currentA * hours) / cell.capacityAh;
    this.#countedAh = Math.min(this.capacityAh, Math.max(0, this.#countedAh + currentA * hours));
    this.#throughputAh += Math.max(0, -currentA) * hours;
    this.#currentA = currentA;
    const slowOhm = ohmic * (1 / OHMIC_SHARE - 1);
    const keep = Math.exp(-dtS / POLARISATION_S);
    this.#polarisationV = this.#polarisationV * keep + currentA * slowOhm * (1 - keep);
    this.#warm(lossW, dtS);
    this.#protect(dtS);
  }

  #warm(lossW: number, dtS: number): void {
    const heatCapacity = HEAT_CAPACITY_J_PER_K_AH * this.cells * this.capacityAh;
    const excess = this.#temperatureC - this.#ambientC;
    this.#temperatureC += (lossW * dtS) / heatCapacity - (excess * dtS) / COOLING_S;
  }

  /** The board: a switch opens when a limit was passed for two seconds; discharge comes back only under charge. */
  #protect(dtS: number): void {
    let lowest = Number.POSITIVE_INFINITY;
    let highest = 0;
    for (const cell of this.#string) {
      const cellV = this.#cellV(cell);
      lowest = Math.min(lowest, cellV);
      highest = Math.max(highest, cellV);
    }
    this.#underS = lowest < TRIP.underV ? this.#underS + dtS : 0;
    this.#overS = highest > TRIP.overV ? this.#overS + dtS : 0;
    this.#coldS = this.#temperatureC < TRIP.chargeColdC ? this.#coldS + dtS : 0;
    if (this.#dischargeAllowed && this.#underS >= TRIP.delayS) this.#openDischarge();
    else if (!this.#dischargeAllowed && this.#currentA > 0 && lowest > TRIP.underReleaseV) {
      this.#dischargeAllowed = true;
    }
    if (this.#chargeAllowed) {
      if (this.#overS >= TRIP.delayS) {
        this.#chargeAllowed = false;
        this.trips.cellOvervoltage += 1;
      } else if (this.#coldS >= TRIP.delayS) {
        this.#chargeAllowed = false;
        this.trips.chargeCold += 1;
      }
    } else if (highest < TRIP.overReleaseV && this.#temperatureC > TRIP.chargeColdReleaseC) {
      this.#chargeAllowed = true;
    }
  }

  #openDischarge(): void {
    this.#dischargeAllowed = false;
    this.trips.cellUndervoltage += 1;
  }

  #cellV(cell: Cell): number {
    const ohm = cell.ohmic * resistanceFactor(this.#temperatureC);
    return openCircuitV(cell.socRatio) + this.#polarisationV / this.cells + this.#currentA * ohm;
  }

  /** Voltage behind the ohmic part, V. */
  #restingV(): number {
    return this.#string.reduce((sum, cell) => sum + openCircuitV(cell.socRatio), this.#polarisationV);
  }

  #ohmicOhm(): number {
    return this.#string.reduce((sum, cell) => sum + cell.ohmic, 0) * resistanceFactor(this.#temperatureC);
  }
}

/** Integral of the open-circuit voltage from empty to `socRatio`, V (midpoint rule on a fine grid). */
function chemicalVoltSum(socRatio: number): number {
  const parts = 2000;
  const width = socRatio / parts;
  let sum = 0;
  for (let part = 0; part < parts; part++) sum += openCircuitV((part + 0.5) * width);
  return sum * width;
}

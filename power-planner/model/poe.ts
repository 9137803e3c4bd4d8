import loads from '../data/loads.json' with { type: 'json' };
import { conductorOhmPerM } from './wire.ts';

export interface PoeLink {
  /** Voltage at the switch, V. */
  readonly sourceV: number;
  /** There and back, ohm. */
  readonly loopOhm: number;
  /** Taken by the device at its end, W. */
  readonly deviceW: number;
}

export interface PoeLinkAnswer {
  readonly currentA: number;
  /** Drawn from the switch's port, W. */
  readonly sourceW: number;
  /** Lost in the cable, W. */
  readonly lossW: number;
  readonly deviceV: number;
}

/**
 * A device that takes constant power behind a cable: I = (V - √(V² - 4RP)) / 2R, the standard's own arithmetic
 * (44 V, 20 ohm, 12.95 W gives 15.4 W). Undefined when the cable cannot carry that power at all.
 */
export function poeLink({ sourceV, loopOhm, deviceW }: PoeLink): PoeLinkAnswer | undefined {
  const root = sourceV * sourceV - 4 * loopOhm * deviceW;
  if (root < 0) return undefined;
  // The same root, in the form that is also exact for a cable of next to nothing.
  const currentA = (2 * deviceW) / (sourceV + Math.sqrt(root));
  const sourceW = sourceV * currentA;
  return { currentA, sourceW, lossW: sourceW - deviceW, deviceV: sourceV - currentA * loopOhm };
}

/** Loop resistance of an Ethernet cable, ohm: the two wires of each pair share the current. 24 AWG at 20 °C when absent. */
export function cableLoopOhm(lengthM: number, pairs: 2 | 4, awg = 24, temperatureC = 20): number {
  return (lengthM * conductorOhmPerM(awg, temperatureC)) / (pairs / 2);
}

/** What the switch sets aside and what the device may take, by PoE class 0..8, W; undefined for another class. */
export function poeClass(number: number): { readonly sourceW: number; readonly deviceW: number } | undefined {
  const found = loads.poe_classes.find((one) => one.class === number);
  return found && { sourceW: found.pse_w, deviceW: found.pd_w };
}

/** Voltage a source must have, V, and worst cable, ohm, by PoE type 1..4 (af, at, bt, bt). */
export function poeType(number: number):
  | {
      readonly minV: number;
      readonly maxV: number;
      readonly loopOhmMax: number;
    }
  | undefined {
  const found = loads.poe_types.find((one) => one.type === number);
  return found && { minV: found.v_pse_min, maxV: found.v_pse_max, loopOhmMax: found.loop_ohm_max };
}

export interface PoePort {
  readonly poeClass: number;
  /** What the device takes from the port, W. */
  readonly sourceW: number;
}

/** Both views of a switch's ports: set aside by class (0 W for a class that does not exist) and really taken, W. */
export function poeTotals(ports: readonly PoePort[]): { readonly allocatedW: number; readonly consumedW: number } {
  let allocatedW = 0;
  let consumedW = 0;
  for (const port of ports) {
    allocatedW += poeClass(port.poeClass)?.sourceW ?? 0;
    consumedW += port.sourceW;
  }
  return { allocatedW, consumedW };
}

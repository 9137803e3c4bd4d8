import loads from '../data/loads.json' with { type: 'json' };
import { inputPowerW, type LossFit } from './converter.ts';
import { type PoeLinkAnswer, poeLink } from './poe.ts';

/** A device of the catalogue. `at` says where its watts were measured. Null: no figure. */
export interface CatalogueDevice {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly idle_w: number | null;
  readonly typical_w: number | null;
  readonly max_w: number | null;
  readonly at: string;
  readonly source: string;
}

export const DEVICES: readonly CatalogueDevice[] = loads.devices;

export interface PowerTotals {
  readonly idleW: number;
  readonly typicalW: number;
  /** For the circuit; a nameplate would be higher still and must never be used for a runtime. */
  readonly maxW: number;
}

/**
 * Watts of so many of each device, each at the point it was measured.
 * @throws RangeError for a device that is not in the catalogue.
 */
export function deviceTotals(items: readonly (readonly [id: string, count: number])[]): PowerTotals {
  let idleW = 0;
  let typicalW = 0;
  let maxW = 0;
  for (const [id, count] of items) {
    const device = DEVICES.find((one) => one.id === id);
    if (device === undefined) throw new RangeError(`device ${id} is not in the catalogue`);
    idleW += count * (device.idle_w ?? 0);
    typicalW += count * (device.typical_w ?? device.idle_w ?? 0);
    maxW += count * (device.max_w ?? device.typical_w ?? device.idle_w ?? 0);
  }
  return { idleW, typicalW, maxW };
}

/** A converter: its losses where they are known, else one efficiency for every load (0..1, above 0). */
export type Stage = LossFit | number;

/** Power in for this power out, W. */
export function stageInputW(stage: Stage, outputW: number): number {
  return typeof stage === 'number' ? outputW / stage : inputPowerW(stage, outputW);
}

/** Nodes on PoE behind switches, beside other mains devices, all behind one inverter. */
export interface PoeRack {
  readonly nodes: number;
  /** Useful power of one node at its own rail, W. */
  readonly nodeW: number;
  /** Converter on the node (PoE hat). */
  readonly hat: Stage;
  /** Voltage at the switch port and loop resistance of one node's cable. */
  readonly portV: number;
  readonly loopOhm: number;
  readonly switches: number;
  /** What one switch takes for itself, W. */
  readonly switchSelfW: number;
  /** Supply of one switch. */
  readonly switchSupply: Stage;
  /** Everything else on mains, W. */
  readonly otherAcW: number;
  /** From the pack to mains voltage; absent when nothing is between. */
  readonly inverter?: Stage | undefined;
}

/** Where the watts of a rack go. The parts sum to `packW`. */
export interface PoeRackPower {
  /** One port; undefined when its cable cannot carry the power: then all totals are Infinity. */
  readonly port: PoeLinkAnswer | undefined;
  readonly poeTotalW: number;
  readonly switchAcW: number;
  readonly acW: number;
  readonly packW: number;
  readonly parts: readonly { readonly what: string; readonly watts: number }[];
}

/** The loss chain from the node outwards; every stage at its own load. Ports are spread evenly over the switches. */
export function poeRackPower(rack: PoeRack): PoeRackPower {
  const { nodes, nodeW, switches, switchSelfW, otherAcW } = rack;
  const hatInW = stageInputW(rack.hat, nodeW);
  const port = poeLink({ sourceV: rack.portV, loopOhm: rack.loopOhm, deviceW: hatInW });
  const poeTotalW = nodes * (port?.sourceW ?? Number.POSITIVE_INFINITY);
  const switchOutW = switches > 0 ? switchSelfW + poeTotalW / switches : 0;
  const switchAcW = switches > 0 ? switches * stageInputW(rack.switchSupply, switchOutW) : poeTotalW;
  const acW = switchAcW + otherAcW;
  const packW = rack.inverter === undefined ? acW : stageInputW(rack.inverter, acW);
  return {
    port,
    poeTotalW,
    switchAcW,
    acW,
    packW,
    parts: [
      { what: 'nodes', watts: nodes * nodeW },
      { what: 'node converters', watts: nodes * (hatInW - nodeW) },
      { what: 'PoE cables', watts: nodes * (port?.lossW ?? Number.POSITIVE_INFINITY) },
      { what: 'switches themselves', watts: switches * switchSelfW },
      { what: 'switch supplies', watts: switchAcW - poeTotalW - switches * switchSelfW },
      { what: 'other devices', watts: otherAcW },
      { what: 'inverter', watts: packW - acW },
    ],
  };
}

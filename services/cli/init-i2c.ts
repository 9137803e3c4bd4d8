import type { I2cFinding } from '#bms';

/** A first configuration of a pack that chips on I2C watch. */

export interface FoundChips {
  /** The bus, as it was named. */
  readonly path: string;
  readonly chips: readonly I2cFinding[];
}

/** Chips that tell the current of a pack; without one there is nothing to make a pack of. */
const SHUNTS: ReadonlySet<string> = new Set(['ina219', 'ina226', 'ina228', 'ina3221']);
/** What a pack gets from a chip without being told more than its address. */
const PLAIN: ReadonlySet<string> = new Set(['tmp102', 'lm75']);
/** A rough voltage of a LiFePO4 cell, V. */
const CELL_V = 3.3;

/** Lines of an entry of `packs:`; only remarks where no chip tells a current. */
export function chipPackLines({ path, chips }: FoundChips, id: string): { active: boolean; lines: string[] } {
  const shunt = chips.find(({ chip }) => SHUNTS.has(chip));
  const remarks = chips.map(
    ({ chip, address, certainty }) =>
      `  # ${chip} at ${hex(address)} of ${path}${certainty === 'sure' ? '' : `, CHECK: ${certainty}`}`,
  );
  if (shunt === undefined)
    return { active: false, lines: [...remarks, '  # none of them tells a current: docs/devices.md'] };
  const busV = Number(shunt.says.voltageV);
  const cells = busV > CELL_V ? Math.max(1, Math.round(busV / CELL_V)) : 4;
  const left = chips.filter((each) => each !== shunt && !PLAIN.has(each.chip));
  return {
    active: true,
    lines: [
      ...remarks,
      `  - id: ${id}`,
      '    driver: i2c-sensors',
      `    via: { i2c: ${JSON.stringify(path)} }`,
      '    chemistry: lifepo4 # CHECK: no chip tells it',
      `    cells: ${cells} # CHECK: by the voltage alone`,
      '    capacityAh: 100 # CHECK: no chip tells it',
      '    sensors:',
      `      - { chip: ${shunt.chip}, address: ${hex(shunt.address)}, shuntOhm: 0.001${shunt.chip === 'ina3221' ? ', channel: 1' : ''} } # CHECK: the resistance of the shunt, and invert:`,
      ...chips
        .filter(({ chip }) => PLAIN.has(chip))
        .map(({ chip, address }) => `      - { chip: ${chip}, address: ${hex(address)} }`),
      ...left.map(
        ({ chip, address }) => `      # ${chip} at ${hex(address)}: docs/devices.md says what it has to be told`,
      ),
    ],
  };
}

const hex = (address: number): string => `0x${address.toString(16).padStart(2, '0')}`;

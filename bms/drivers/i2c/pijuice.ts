import { refused } from '../decoded.ts';
import type { Fields } from '../driver.ts';
import { type Chip, signed } from './chip.ts';

/**
 * PiJuice: a command, then data and the XOR of the data and FF.
 *
 *     41  57 A8        charge 87 %
 *     49  51 0F A1     battery, mV, low byte first: 3.921 V
 *     40  00 FF        status
 *
 * The sign of its current is not known for certain, so it is shown and not used.
 */

const STATUS = 0x40;
const CHARGE = 0x41;
const TEMPERATURE = 0x47;
const VOLTAGE = 0x49;
const CURRENT = 0x4b;

const BATTERY = ['normal', 'charging_from_in', 'charging_from_5v_io', 'not_present'] as const;
const INPUT = ['not_present', 'bad', 'weak', 'present'] as const;

/** One byte, or two with the low one first. */
const MEANINGS: Readonly<Record<number, (byte: number, word: number) => Fields>> = {
  [STATUS]: (byte) => ({
    fault: (byte & 1) !== 0,
    button: (byte & 2) !== 0,
    battery: BATTERY[(byte >> 2) & 3],
    powerInput: INPUT[(byte >> 4) & 3],
    powerInput5vIo: INPUT[(byte >> 6) & 3],
  }),
  [CHARGE]: (byte) => ({ socRatio: byte / 100 }),
  [TEMPERATURE]: (_, word) => ({ tempC: signed(word, 16) }),
  [VOLTAGE]: (_, word) => ({ voltageV: word / 1000 }),
  [CURRENT]: (_, word) => ({ batteryCurrentA: signed(word, 16) / 1000 }),
};

export const pijuice: Chip = {
  id: 'pijuice',
  title: 'PiJuice UPS board',
  note: 'protocols/i2c-sensors.md, section 8',
  addresses: [0x14],
  lengths: { [STATUS]: 2, [CHARGE]: 2, [TEMPERATURE]: 3, [VOLTAGE]: 3, [CURRENT]: 3 },
  polled: [STATUS, CHARGE, VOLTAGE],
  values(registers) {
    const fields: Record<string, unknown> = {};
    for (const at of [STATUS, CHARGE, TEMPERATURE, VOLTAGE, CURRENT]) {
      if (!registers.has(at)) continue;
      if (registers.bytes(at).reduce((sum, byte) => sum ^ byte, 0xff) !== 0)
        return refused('checksum', 'the XOR of the data does not match');
      const [low = 0, high = 0] = registers.bytes(at);
      Object.assign(fields, MEANINGS[at]?.(low, low + 256 * high));
    }
    return fields;
  },
};

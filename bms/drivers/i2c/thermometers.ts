import { refused } from '../decoded.ts';
import type { Chip } from './chip.ts';

/**
 * TMP102 and LM75: the temperature in register 0, left-justified, 1/256 C a bit.
 *
 *     1900  25.0 C        E700  -25.0 C        FF80 (LM75)  -0.5 C
 */

const TEMPERATURE = 0x00;
const addresses = [0x48, 0x49, 0x4a, 0x4b];
const lengths = { [TEMPERATURE]: 2 };
const polled = [TEMPERATURE];
const note = 'protocols/i2c-sensors.md, section 7';

/** What these chips can measure, C. */
const COLDEST = -55;
const HOTTEST = 150;

const within = (tempC: number) =>
  tempC >= COLDEST && tempC <= HOTTEST ? { tempC } : refused('range', `${tempC} C is beyond what the chip can measure`);

export const tmp102: Chip = {
  id: 'tmp102',
  title: 'TMP102 thermometer',
  note,
  addresses,
  lengths,
  polled,
  values(registers) {
    const word = registers.u(TEMPERATURE);
    const wide = (word & 1) !== 0;
    if ((word & (wide ? 0b110 : 0b1110)) !== 0)
      return refused('reserved_bits', 'bits that always read 0 are set: this is no TMP102');
    return within(wide ? (registers.s(TEMPERATURE) >> 3) * 0.0625 : registers.s(TEMPERATURE) / 256);
  },
};

export const lm75: Chip = {
  id: 'lm75',
  title: 'LM75 thermometer and its kin, to half a degree',
  note,
  addresses: [...addresses, 0x4c, 0x4d, 0x4e, 0x4f],
  lengths,
  polled,
  // What is below half a degree is not defined on the plain LM75.
  values: (registers) => within((registers.s(TEMPERATURE) & ~0x7f) / 256),
};

import type { RegisterBytes } from '../drivers/driver.ts';
import { ads1115 } from '../drivers/i2c/ads1115.ts';
import { type Chip, decodeChip } from '../drivers/i2c/chip.ts';
import { ina219 } from '../drivers/i2c/ina219.ts';
import { ina226 } from '../drivers/i2c/ina226.ts';
import { ina228 } from '../drivers/i2c/ina228.ts';
import { ina3221 } from '../drivers/i2c/ina3221.ts';
import { max17040 } from '../drivers/i2c/max17040.ts';
import { pijuice } from '../drivers/i2c/pijuice.ts';
import { lm75, tmp102 } from '../drivers/i2c/thermometers.ts';
import type { Certainty } from './belief.ts';

/**
 * What chips on an I2C bus are asked. A register is read by writing its number first, and for some chips one written byte is
 * an order: it switches the relays behind a PCF8574 (0x20..0x27, 0x38..0x3f), moves a multiplexer (0x70..0x77), and resets
 * a hygrometer at 0x40 when it is FE. So addresses are first only read from, without a number before; numbers are written
 * only where no such chip is known, the ones everybody has before the others; and a chip that turns the first one down gets
 * no second. Chips of switches (0x20..0x35) are asked by name alone.
 */

/** Addresses that may answer. 0x69 is left out: there are clocks that a bare read stops. */
export const PRESENCE: readonly number[] = Array.from({ length: 0x78 - 0x08 }, (_, at) => at + 0x08).filter(
  (address) => address !== 0x69,
);

export interface I2cCandidate {
  readonly chip: Chip;
  /** Registers that are read for it, in this order. */
  readonly registers: readonly { readonly at: number; readonly length: number }[];
  /** What its answers are worth; undefined when it is another chip. */
  readonly judge: (registers: RegisterBytes) => Certainty | undefined;
}

const words = (...numbers: readonly number[]) => numbers.map((at) => ({ at, length: 2 }));

/** As of the bytes, big-endian; -1 where it was not read. */
function word(registers: RegisterBytes, at: number): number {
  const [high, low] = registers.get(at) ?? [];
  return high === undefined || low === undefined ? -1 : high * 256 + low;
}

const fits = (chip: Chip, registers: RegisterBytes): boolean => decodeChip(chip, registers, {}).ok;

/** Who says who it is, by two registers. */
const named = (
  chip: Chip,
  maker: number,
  die: number,
  more: readonly { at: number; length: number }[],
): I2cCandidate => ({
  chip,
  registers: [...words(0, maker, die), ...more],
  judge: (registers) => (fits(chip, registers) ? 'sure' : undefined),
});

/** Who says nothing of itself, and is as it was made: its configuration is that of a chip nobody has set. */
const untouched = (chip: Chip, at: number, made: number, more: readonly number[]): I2cCandidate => ({
  chip,
  registers: words(0, ...(at === 0 ? [] : [at]), ...more),
  judge: (registers) => {
    if (!fits(chip, registers)) return undefined;
    return word(registers, at) === made ? 'likely' : 'perhaps';
  },
});

/** In the order in which they are asked. Values after power-up of ADS1115 and TMP102: unverified, from memory. */
export const I2C_CANDIDATES: readonly I2cCandidate[] = [
  {
    chip: pijuice,
    registers: [
      { at: 0x41, length: 2 },
      { at: 0x49, length: 3 },
    ],
    // both carry a checksum
    judge: (registers) => (fits(pijuice, registers) ? 'sure' : undefined),
  },
  {
    chip: max17040,
    registers: words(0x02, 0x04, 0x0c),
    judge: (registers) => {
      const cellV = word(registers, 0x02) * 78.125e-6;
      if (cellV < 1.5 || cellV > 5) return undefined;
      return word(registers, 0x0c) === 0x971c ? 'likely' : 'perhaps';
    },
  },
  named(ina228, 0x3e, 0x3f, [
    { at: 4, length: 3 },
    { at: 5, length: 3 },
  ]),
  named(ina226, 0xfe, 0xff, words(1, 2)),
  named(ina3221, 0xfe, 0xff, words(1, 2, 3, 4, 5, 6)),
  untouched(ads1115, 1, 0x8583, []),
  untouched(tmp102, 1, 0x60a0, []),
  untouched(ina219, 0, 0x399f, [1, 2]),
  { chip: lm75, registers: words(0), judge: (registers) => (fits(lm75, registers) ? 'perhaps' : undefined) },
];

import { decoded, refused } from '../decoded.ts';
import type { I2cRead } from '../driver.ts';
import { type Chip, decodeChip, hex } from './chip.ts';

/**
 * ADS1115: four inputs, 16 bits, for voltages behind a divider and for current sensors with a voltage at their output.
 *
 *     01  C383   configuration: start, A0 to ground, 4.096 V, once, 128 a second
 *     00  3E80   result, 4.096 V / 32768 a bit: 2.000 V
 *
 * Each measurement is started by a write and awaited. Its configuration is read back with the result: another program,
 * or a chip that started anew, would leave the result of another input there.
 */

const RESULT = 0x00;
const CONFIGURATION = 0x01;
const START = 0x8000;
const ONCE = 0x0100;
const RATE_128 = 0x0080;
const NO_COMPARATOR = 0x0003;
/** One measurement at 128 a second, and a tenth for the chip's own clock, ms. */
const TAKES_MS = 9;

/** What can be measured against what, in the order of the chip's own numbers. */
export const ADS_INPUTS = ['a0-a1', 'a0-a3', 'a1-a3', 'a2-a3', 'a0', 'a1', 'a2', 'a3'] as const;
export type AdsInputName = (typeof ADS_INPUTS)[number];
const MUX_WORDS = [
  'ain0_ain1',
  'ain0_ain3',
  'ain1_ain3',
  'ain2_ain3',
  'ain0_gnd',
  'ain1_gnd',
  'ain2_gnd',
  'ain3_gnd',
] as const;
/** Full scale, V. */
export const ADS_RANGES_V = [6.144, 4.096, 2.048, 1.024, 0.512, 0.256] as const;
export type AdsRangeV = (typeof ADS_RANGES_V)[number];
const RATES = [8, 16, 32, 64, 128, 250, 475, 860] as const;

export const ads1115: Chip = {
  id: 'ads1115',
  title: 'ADS1115 converter with four inputs',
  note: 'protocols/i2c-sensors.md, section 6',
  addresses: [0x48, 0x49, 0x4a, 0x4b],
  lengths: { [RESULT]: 2, [CONFIGURATION]: 2 },
  polled: [CONFIGURATION, RESULT],
  values(registers, { pgaV, dividerRatio = 1 }) {
    const fields: Record<string, unknown> = {};
    let scaleV = pgaV;
    if (registers.has(CONFIGURATION)) {
      const word = registers.u(CONFIGURATION);
      const comparator = (word & 3) === 3 ? 'disabled' : 'enabled';
      scaleV ??= fullScaleV(word);
      Object.assign(fields, {
        mux: MUX_WORDS[(word >> 12) & 7],
        pgaV: fullScaleV(word),
        mode: (word & ONCE) === 0 ? 'continuous' : 'single_shot',
        rateSps: RATES[(word >> 5) & 7],
        comparator,
      });
    }
    if (registers.has(RESULT) && scaleV !== undefined) {
      const raw = registers.s(RESULT);
      const clipped = raw === 0x7fff || raw === -0x8000;
      const adcV = clipped ? null : (raw * scaleV) / 32_768;
      Object.assign(fields, { adcV, voltageV: adcV === null ? null : adcV * dividerRatio });
      if (clipped) fields.clipped = true;
    }
    return fields;
  },
};

const fullScaleV = (word: number): number => ADS_RANGES_V[(word >> 9) & 7] ?? 0.256;

/**
 * The read of one input. Its fields are the input's name with `V` behind it: volts at the pin; null when it is clipped.
 */
export function adsRead(input: AdsInputName, rangeV: AdsRangeV): I2cRead {
  const gain = ADS_RANGES_V.indexOf(rangeV);
  const word = START | (ADS_INPUTS.indexOf(input) << 12) | (gain << 9) | ONCE | RATE_128 | NO_COMPARATOR;
  return {
    name: input,
    cadence: 'fast',
    start: { at: CONFIGURATION, word, doneMask: START, takesMs: TAKES_MS },
    registers: [
      { at: RESULT, length: 2 },
      { at: CONFIGURATION, length: 2 },
    ],
    decode(registers) {
      const result = decodeChip(ads1115, registers, {});
      if (!result.ok) return result;
      const [high = 0, low = 0] = registers.get(CONFIGURATION) ?? [];
      const held = high * 256 + low;
      if (held !== word) return refused('other_input', `its configuration is ${hex(held, 4)} and not ${hex(word, 4)}`);
      return decoded({ [`${input}V`]: result.fields.adcV });
    },
  };
}

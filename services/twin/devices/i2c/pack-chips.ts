import type { World } from '../../model.ts';
import { type TwinChip, word, wordChip } from './chip.ts';

/** Chips that watch the world's pack, as somebody without a BMS would wire them. */

/** Of the shunt at the INA228, ohm. */
export const SHUNT_OHM = 0.00015;
/** True voltage / voltage at A0 of the ADS1115. */
export const DIVIDER = 20;

/** Twenty bits, left-justified: the lowest four read 0. */
const twenty = (value: number): number[] => word(Math.round(value) * 16, 3);

const TEXAS_INSTRUMENTS = 0x5449;

/** Shunt and bus voltage in 20 bits, left-justified in three bytes; positive charges the pack. */
export const ina228 = ({ pack }: World): TwinChip =>
  wordChip({
    0: () => word(0),
    1: () => word(0xfb68),
    2: () => word(0x1000),
    4: () => twenty((pack.currentA * SHUNT_OHM) / 312.5e-9),
    5: () => twenty(pack.voltageV / 195.3125e-6),
    6: () => word((pack.temperaturesC[0] ?? 25) * 128),
    11: () => word(0x0003),
    62: () => word(TEXAS_INSTRUMENTS),
    63: () => word(0x2281),
  });

const IDLE = 0x8000;
const FULL_SCALE_V = [6.144, 4.096, 2.048, 1.024, 0.512, 0.256] as const;
/** A0 against ground; the others hang free. */
const INPUT_A0 = 4;

/** A0 sees the pack through a divider. A measurement is done by the time somebody looks. */
export function ads1115({ pack }: World): TwinChip {
  let configuration = 0x8583;
  let result = 0;
  return wordChip({ 0: () => word(result), 1: () => word(configuration) }, (register, [high = 0, low = 0]) => {
    if (register !== 1) return;
    const asked = high * 256 + low;
    configuration = asked | IDLE;
    if ((asked & IDLE) === 0) return;
    const pinV = ((asked >> 12) & 7) === INPUT_A0 ? pack.voltageV / DIVIDER : 0;
    const scaleV = FULL_SCALE_V[(asked >> 9) & 7] ?? 0.256;
    result = Math.min(0x7fff, Math.round((pinV / scaleV) * 0x8000));
  });
}

/** Twelve bits, 1/16 °C, left-justified; limits and configuration as after power-up. */
export const tmp102 = ({ pack }: World): TwinChip =>
  wordChip({
    0: () => word(Math.round((pack.temperaturesC[0] ?? 25) * 16) * 16),
    1: () => word(0x60a0),
    2: () => word(0x4b00),
    3: () => word(0x5000),
  });

/** Of one cell. */
export const max17048 = ({ pack }: World): TwinChip =>
  wordChip({
    2: () => word((pack.cellsV[0] ?? 0) / 78.125e-6),
    4: () => word(pack.socRatio * 25_600),
    8: () => word(0x0012),
    12: () => word(0x971c),
  });

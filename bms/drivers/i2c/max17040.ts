import type { Chip } from './chip.ts';

/**
 * MAX17040, 17043, 17048 and 17049: the gauge of one cell on many UPS boards for the Raspberry Pi.
 *
 *     02  D050   cell, 78.125 uV a bit: 4.16625 V
 *     04  5B80   charge, 1/256 % a bit: 91.5 %; may pass 100
 *
 * Its percentage comes from a model of lithium cobalt cells and means nothing on LiFePO4 or LTO.
 */

const CELL = 0x02;
const CHARGE = 0x04;
const VERSION = 0x08;
const RATE = 0x16;

export const max17040: Chip = {
  id: 'max17040',
  title: 'MAX17040, 17043, 17048, 17049 gauge of one cell',
  note: 'protocols/i2c-sensors.md, section 8',
  addresses: [0x36],
  lengths: { [CELL]: 2, [CHARGE]: 2, [VERSION]: 2, [RATE]: 2 },
  polled: [CELL, CHARGE],
  values(registers) {
    return {
      ...(registers.has(CELL) ? { voltageV: (registers.u(CELL) * 78.125) / 1e6 } : {}),
      ...(registers.has(CHARGE) ? { socRatio: Math.min(1, registers.u(CHARGE) / 25_600) } : {}),
      ...(registers.has(VERSION) ? { version: registers.u(VERSION) } : {}),
      ...(registers.has(RATE) ? { chargeRatePerHour: (registers.s(RATE) * 0.208) / 100 } : {}),
    };
  },
};

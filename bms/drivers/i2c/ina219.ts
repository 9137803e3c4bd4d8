import { refused } from '../decoded.ts';
import { type Chip, chipCurrent, reserved, shuntCurrent } from './chip.ts';

/**
 * INA219: up to 26 V, so for packs of 12 and 24 V.
 *
 *     00  399F   configuration: 32 V, 320 mV, 12 bits, continuous
 *     01  F8AD   shunt, 10 uV a bit: -18.75 mV, which are -25 A in 0.75 mohm
 *     02  CE42   bus >> 3, 4 mV a bit: 26.4 V; bit 1 fresh, bit 0 overflow
 *
 * The current is reckoned from the shunt: the chip's own needs a calibration, and says 0 A when it has lost it.
 */

const CONFIGURATION = 0x00;
const SHUNT = 0x01;
const BUS = 0x02;
const POWER = 0x03;
const CURRENT = 0x04;
const CALIBRATION = 0x05;

const MODES = [
  'power_down',
  'shunt_triggered',
  'bus_triggered',
  'shunt_and_bus_triggered',
  'adc_off',
  'shunt_continuous',
  'bus_continuous',
  'shunt_and_bus_continuous',
] as const;
const GAINS_MV = [40, 80, 160, 320] as const;

export const ina219: Chip = {
  id: 'ina219',
  title: 'INA219 current monitor, up to 26 V',
  note: 'protocols/i2c-sensors.md, section 2',
  addresses: [0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f],
  lengths: { [CONFIGURATION]: 2, [SHUNT]: 2, [BUS]: 2, [POWER]: 2, [CURRENT]: 2, [CALIBRATION]: 2 },
  polled: [CONFIGURATION, SHUNT, BUS],
  values(registers, wiring) {
    const wrong = reserved(registers, { [BUS]: 0b100, [CONFIGURATION]: 0x4000 });
    if (wrong) return wrong;
    const fields: Record<string, unknown> = {};
    const { shuntOhm } = wiring;
    const calibration = wiring.calibration ?? (registers.has(CALIBRATION) ? registers.u(CALIBRATION) : 0);
    if (shuntOhm !== undefined && shuntOhm > 0 && calibration > 0) {
      const lsbA = 0.04096 / (calibration * shuntOhm);
      if (registers.has(CURRENT)) fields.currentA = chipCurrent(registers.s(CURRENT) * lsbA, wiring);
      if (registers.has(POWER)) fields.powerW = registers.u(POWER) * 20 * lsbA;
    }
    if (registers.has(SHUNT)) {
      const shuntV = registers.s(SHUNT) / 100_000;
      Object.assign(fields, { shuntVoltageV: shuntV }, shuntCurrent(shuntV, wiring));
    }
    if (registers.has(BUS)) {
      const word = registers.u(BUS);
      fields.voltageV = ((word >> 3) * 4) / 1000;
      fields.conversionReady = (word & 2) !== 0;
      fields.overflow = (word & 1) !== 0;
      if (fields.overflow) Object.assign(fields, { currentA: null, powerW: null });
    }
    if (registers.has(CONFIGURATION)) {
      const word = registers.u(CONFIGURATION);
      const mode = MODES[word & 7];
      fields.busRangeV = (word & 0x2000) === 0 ? 16 : 32;
      fields.gainMv = GAINS_MV[(word >> 11) & 3];
      fields.busAdcBits = adcBits(word >> 7);
      fields.shuntAdcBits = adcBits(word >> 3);
      fields.mode = mode;
      if (registers.has(SHUNT) && mode !== 'shunt_and_bus_continuous')
        return refused('not_measuring', `the chip is set to ${mode}: what it holds is old`, { mode });
    }
    return fields;
  },
};

/** 9 to 12 bits, or 12 bits averaged. */
const adcBits = (code: number): number => ((code & 8) === 0 ? 9 + (code & 3) : 12);

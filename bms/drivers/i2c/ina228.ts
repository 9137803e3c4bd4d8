import { refused } from '../decoded.ts';
import type { Decoded } from '../driver.ts';
import {
  type Chip,
  chipCurrent,
  hex,
  identity,
  isRefusal,
  type Registers,
  reserved,
  shuntCurrent,
  type Wiring,
} from './chip.ts';

/**
 * INA228: up to 85 V, 20 bits, and counters of charge and energy that run by themselves: the one for packs of 48 V.
 *
 *     04  F83000      shunt >> 4, 312.5 nV a bit (78.125 nV in the small range): -10 mV
 *     05  41EB00      bus >> 4, 195.3125 uV a bit: 52.734 V
 *     06  FB00        temperature of the chip, 7.8125 mC a bit: -10 C
 *     0A  FFFFA81C00  charge, one bit of current times a second: -3600 C
 *     3E  5449 "TI"   3F  2281  INA228, revision 1
 *
 * Which range it measures in is read each time: a chip that lost its settings would be wrong by four.
 */

const CONFIGURATION = 0x00;
const ADC = 0x01;
const CALIBRATION = 0x02;
const SHUNT = 0x04;
const BUS = 0x05;
const TEMPERATURE = 0x06;
const CURRENT = 0x07;
const POWER = 0x08;
const ENERGY = 0x09;
const CHARGE = 0x0a;
const DIAGNOSTICS = 0x0b;
const MAKER = 0x3e;
const DIE = 0x3f;

const SMALL_RANGE = 0x10;
/** Both continuous; with or without the temperature. */
const CONTINUOUS = new Set([0xb, 0xf]);

export const ina228: Chip = {
  id: 'ina228',
  title: 'INA228 current monitor with counters, up to 85 V',
  note: 'protocols/i2c-sensors.md, section 4',
  addresses: [0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f],
  lengths: {
    [CONFIGURATION]: 2,
    [ADC]: 2,
    [CALIBRATION]: 2,
    [SHUNT]: 3,
    [BUS]: 3,
    [TEMPERATURE]: 2,
    [CURRENT]: 3,
    [POWER]: 3,
    [ENERGY]: 5,
    [CHARGE]: 5,
    [DIAGNOSTICS]: 2,
    [MAKER]: 2,
    [DIE]: 2,
  },
  polled: [MAKER, DIE, CONFIGURATION, ADC, DIAGNOSTICS, SHUNT, BUS, TEMPERATURE],
  values(registers, wiring) {
    const wrong = reserved(registers, { [SHUNT]: 0xf, [BUS]: 0xf, [CURRENT]: 0xf }) ?? notMeasuring(registers);
    if (wrong) return wrong;
    const who = identity(registers, { maker: MAKER, die: DIE, expected: 0x228 });
    if (isRefusal(who)) return who;
    const fields: Record<string, unknown> = { ...who };
    const small = registers.has(CONFIGURATION)
      ? (registers.u(CONFIGURATION) & SMALL_RANGE) !== 0
      : wiring.adcRange === 1;
    Object.assign(fields, counted(registers, wiring, small));
    if (registers.has(SHUNT)) {
      const shuntV = twenty(registers, SHUNT) * (small ? 78.125e-9 : 312.5e-9);
      Object.assign(fields, { shuntVoltageV: shuntV }, shuntCurrent(shuntV, wiring));
    }
    if (registers.has(BUS)) fields.voltageV = ((registers.u(BUS) >> 4) * 195.3125) / 1e6;
    if (registers.has(TEMPERATURE)) fields.tempC = registers.s(TEMPERATURE) / 128;
    if (registers.has(DIAGNOSTICS)) {
      const word = registers.u(DIAGNOSTICS);
      if ((word & 1) === 0) return refused('memory', 'the chip says that its memory is damaged', { memoryOk: false });
      fields.energyOverflow = (word & 0x800) !== 0;
      fields.chargeOverflow = (word & 0x400) !== 0;
      fields.mathOverflow = (word & 0x200) !== 0;
      fields.conversionReady = (word & 2) !== 0;
      fields.memoryOk = true;
      if (fields.mathOverflow) Object.assign(fields, { currentA: null, powerW: null });
    }
    return fields;
  },
};

const twenty = (registers: Registers, at: number): number => registers.s(at) >> 4;

/** What the chip reckons itself, by the worth of one bit of its current. */
function counted(registers: Registers, wiring: Wiring, small: boolean): Record<string, unknown> {
  const lsbA = wiring.currentLsbA ?? lsbOf(registers, wiring, small);
  if (lsbA === undefined) return {};
  const fields: Record<string, unknown> = {};
  if (registers.has(CURRENT)) fields.currentA = chipCurrent(twenty(registers, CURRENT) * lsbA, wiring);
  if (registers.has(POWER)) fields.powerW = registers.u(POWER) * 3.2 * lsbA;
  if (registers.has(ENERGY)) fields.energyJ = registers.u(ENERGY) * 16 * 3.2 * lsbA;
  if (registers.has(CHARGE)) {
    const chargeC = registers.s(CHARGE) * (wiring.invert ? -lsbA : lsbA);
    Object.assign(fields, { chargeC, chargeAh: chargeC / 3600 });
  }
  return fields;
}

/** From the calibration the chip holds: SHUNT_CAL = 13107.2e6 x LSB x R, four times that in the small range. */
function lsbOf(registers: Registers, { shuntOhm }: Wiring, small: boolean): number | undefined {
  if (!registers.has(CALIBRATION) || shuntOhm === undefined || !(shuntOhm > 0)) return undefined;
  return registers.u(CALIBRATION) / (13_107.2e6 * shuntOhm * (small ? 4 : 1));
}

function notMeasuring(registers: Registers): Decoded | undefined {
  if (!registers.has(ADC) || CONTINUOUS.has(registers.u(ADC) >> 12)) return undefined;
  return refused('not_measuring', `its ADC is set to ${hex(registers.u(ADC), 4)}: it does not measure continuously`);
}

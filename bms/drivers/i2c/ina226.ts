import { refused } from '../decoded.ts';
import { type Chip, chipCurrent, hex, identity, isRefusal, shuntCurrent } from './chip.ts';

/**
 * INA226: up to 36 V, 16 bits.
 *
 *     01  F614   shunt, 2.5 uV a bit: -6.35 mV, which are -12.7 A in 0.5 mohm
 *     02  A4A6   bus, 1.25 mV a bit
 *     FE  5449   "TI"        FF  2260   INA226, revision 0
 */

const CONFIGURATION = 0x00;
const SHUNT = 0x01;
const BUS = 0x02;
const POWER = 0x03;
const CURRENT = 0x04;
const CALIBRATION = 0x05;
const MAKER = 0xfe;
const DIE = 0xff;

const CONTINUOUS = 7;

export const ina226: Chip = {
  id: 'ina226',
  title: 'INA226 current monitor, up to 36 V',
  note: 'protocols/i2c-sensors.md, section 3',
  addresses: [0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f],
  lengths: {
    [CONFIGURATION]: 2,
    [SHUNT]: 2,
    [BUS]: 2,
    [POWER]: 2,
    [CURRENT]: 2,
    [CALIBRATION]: 2,
    [MAKER]: 2,
    [DIE]: 2,
  },
  polled: [MAKER, DIE, CONFIGURATION, SHUNT, BUS],
  values(registers, wiring) {
    const who = identity(registers, { maker: MAKER, die: DIE, expected: 0x226 });
    if (isRefusal(who)) return who;
    const fields: Record<string, unknown> = { ...who };
    const lsbA = wiring.currentLsbA ?? ownLsbA(wiring.calibration ?? read(CALIBRATION), wiring.shuntOhm);
    if (lsbA !== undefined && registers.has(CURRENT))
      fields.currentA = chipCurrent(registers.s(CURRENT) * lsbA, wiring);
    if (lsbA !== undefined && registers.has(POWER)) fields.powerW = registers.u(POWER) * 25 * lsbA;
    if (registers.has(SHUNT)) {
      const shuntV = registers.s(SHUNT) / 400_000;
      Object.assign(fields, { shuntVoltageV: shuntV }, shuntCurrent(shuntV, wiring));
    }
    if (registers.has(BUS)) fields.voltageV = registers.u(BUS) / 800;
    if (registers.has(CONFIGURATION) && registers.has(SHUNT) && (registers.u(CONFIGURATION) & 7) !== CONTINUOUS)
      return refused(
        'not_measuring',
        `its configuration is ${hex(registers.u(CONFIGURATION), 4)}: it does not measure`,
      );
    return fields;

    function read(at: number): number | undefined {
      return registers.has(at) ? registers.u(at) : undefined;
    }
  },
};

function ownLsbA(calibration: number | undefined, shuntOhm: number | undefined): number | undefined {
  if (calibration === undefined || shuntOhm === undefined || !(calibration * shuntOhm > 0)) return undefined;
  return 0.00512 / (calibration * shuntOhm);
}

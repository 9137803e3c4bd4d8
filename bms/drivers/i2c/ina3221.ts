import { refused } from '../decoded.ts';
import { type Chip, hex, identity, isRefusal, reserved, shuntCurrent } from './chip.ts';

/**
 * INA3221: three channels up to 26 V.
 *
 *     01  07D0   shunt of channel 1 >> 3, 40 uV a bit: 10 mV
 *     02  2EE0   bus of channel 1 >> 3, 8 mV a bit: 12 V; channels 2 and 3 follow
 *     FE  5449   "TI"        FF  3220
 */

const CONFIGURATION = 0x00;
const MAKER = 0xfe;
const DIE = 0xff;
const CHANNELS = [0, 1, 2] as const;
const CONTINUOUS = 7;

const shuntOf = (channel: number): number => 1 + 2 * channel;
const busOf = (channel: number): number => 2 + 2 * channel;

export const ina3221: Chip = {
  id: 'ina3221',
  title: 'INA3221 current monitor, three channels up to 26 V',
  note: 'protocols/i2c-sensors.md, section 5',
  addresses: [0x40, 0x41, 0x42, 0x43],
  lengths: { [CONFIGURATION]: 2, 1: 2, 2: 2, 3: 2, 4: 2, 5: 2, 6: 2, [MAKER]: 2, [DIE]: 2 },
  polled: [MAKER, DIE, CONFIGURATION, 1, 2, 3, 4, 5, 6],
  values(registers, wiring) {
    const wrong = reserved(registers, { 1: 7, 2: 7, 3: 7, 4: 7, 5: 7, 6: 7 });
    if (wrong) return wrong;
    const who = identity(registers, { maker: MAKER, die: DIE, expected: 0x322 });
    if (isRefusal(who)) return who;
    const channels = CHANNELS.filter((channel) => registers.has(shuntOf(channel)) || registers.has(busOf(channel))).map(
      (channel) => {
        // Three bits of 40 uV: the raw value counts 5 uV.
        const shuntV = registers.s(shuntOf(channel)) / 200_000;
        return {
          ...(registers.has(shuntOf(channel)) ? { shuntVoltageV: shuntV, ...shuntCurrent(shuntV, wiring) } : {}),
          ...(registers.has(busOf(channel)) ? { voltageV: registers.s(busOf(channel)) / 1000 } : {}),
        };
      },
    );
    if (registers.has(CONFIGURATION) && channels.length > 0) {
      const word = registers.u(CONFIGURATION);
      const wanted = wiring.channel === undefined ? 0 : 0x4000 >> (wiring.channel - 1);
      if ((word & 7) !== CONTINUOUS || (word & wanted) !== wanted)
        return refused('not_measuring', `its configuration is ${hex(word, 4)}: it does not measure this`);
    }
    return {
      ...who,
      ...(channels.length === 0 ? {} : { channels }),
      ...(wiring.channel === undefined ? {} : channels[wiring.channel - 1]),
    };
  },
};

import {
  fine,
  ImplausibleError,
  type PseChannel,
  type PseChip,
  type PseRegisters,
  type PseWrite,
} from './i2c-registers.ts';

/**
 * PD690xx: twelve ports, registers with numbers of two bytes, words with the high byte first.
 *
 *     131A + 2n  0051   bits 1..0: 0 disabled, 1 enabled, 2 forced; bits 5..4: 0 af, 1 at; bits 7..6 priority
 *     12B4 + 2n  001E   power of the port, 0.1 W: 3.0 W
 *     105C       0384   supply, 0.061 V: 54.9 V
 */

const CONTROL = 0x131a;
const POWER = 0x12b4;
const SUPPLY = 0x105c;
const TEMPERATURE = 0x130a;
const CHANNELS = 12;
const MOST_W = 100;
const NUMBERS = Array.from({ length: CHANNELS }, (_, at) => at);

const ENABLED = 1;
const FORCED = 2;

export const pd690xx: PseChip = {
  id: 'pd690xx',
  channels: CHANNELS,
  wide: true,
  runs: [SUPPLY, TEMPERATURE, ...NUMBERS.map((at) => CONTROL + 2 * at), ...NUMBERS.map((at) => POWER + 2 * at)].map(
    (at) => ({ at, length: 2 }),
  ),
  decode(registers) {
    if (registers.size > 0 && [...registers.values()].every((word) => word === 0xffff))
      throw new ImplausibleError('nothing but ones: the bus floats, or the chip has no power');
    const supply = registers.get(SUPPLY);
    const temperature = registers.get(TEMPERATURE);
    return {
      channels: NUMBERS.map((at) => channelOf(registers, at)),
      ...(supply === undefined ? {} : { inputV: fine(supply * 0.061) }),
      ...(temperature === undefined ? {} : { temperatureC: fine((temperature - 684) / -1.514 - 40) }),
    };
  },
  /** Only the two bits of each port change; the rest of its word is written as it was read. */
  switching(channels, enabled, registers): readonly PseWrite[] {
    return channels.map((channel) => {
      const at = CONTROL + 2 * (channel - 1);
      const word = registers.get(at);
      if (word === undefined) throw new ImplausibleError(`port ${channel} was not read`);
      const wanted = (word & ~3) | (enabled ? ENABLED : 0);
      return [at >> 8, at & 0xff, wanted >> 8, wanted & 0xff];
    });
  },
  refusal: ({ mode }) => (mode === 'forced' ? 'it is forced on, which must not be restored unseen' : undefined),
};

function channelOf(registers: PseRegisters, at: number): PseChannel {
  const word = registers.get(CONTROL + 2 * at);
  const raw = registers.get(POWER + 2 * at);
  const powerW = raw === undefined || raw / 10 > MOST_W ? undefined : raw / 10;
  if (raw !== undefined && powerW === undefined)
    throw new ImplausibleError(`port ${at + 1} reads ${(raw / 10).toFixed(1)} W`);
  const drawn = powerW === undefined ? {} : { powerW };
  if (word === undefined) return { channel: at + 1, state: 'unknown', ...drawn };
  const control = word & 3;
  const enabled = control !== 0;
  return {
    channel: at + 1,
    enabled,
    mode: control === FORCED ? 'forced' : enabled ? 'auto' : 'off',
    type: ((word >> 4) & 3) === 1 ? 'at' : 'af',
    priority: (word >> 6) & 3,
    state: (powerW ?? 0) > 0 ? 'delivering' : enabled ? (powerW === undefined ? 'unknown' : 'searching') : 'disabled',
    ...drawn,
  };
}

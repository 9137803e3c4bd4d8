import type { World, WorldPort } from '../../model.ts';
import { figuresOf } from '../switches/port-figures.ts';
import { byteChip, type TwinChip } from './chip.ts';

const CHANNELS = 4;
const VOLT = 0.003662;
/** With 255 mohm. */
const AMPERE = 61.039e-6;
const INPUT_V = 54.5;
const VALID = 4;
const OPEN = 6;
/** How class 0 is told. */
const CLASS_0 = 6;
const AUTO = 0b11;

/** A PSE controller in automatic mode for four ports of the world's switch, from this one on (counted from 0). */
export function tps23861(world: World, first: number): TwinChip {
  const port = (channel: number): WorldPort | undefined => world.switch.ports[first + channel];
  const bits = (is: (port: WorldPort) => boolean): number =>
    Array.from({ length: CHANNELS }, (_, at) => port(at)).reduce(
      (mask, each, at) => mask | (each !== undefined && is(each) ? 1 << at : 0),
      0,
    );
  const delivering = (): number => bits(({ state }) => state === 'delivering');
  const enabled = (): number => bits((each) => each.enabled);
  const setThese = (mask: number, on: boolean): void => {
    for (let channel = 0; channel < CHANNELS; channel += 1) {
      const each = port(channel);
      if (each !== undefined && (mask & (1 << channel)) !== 0) world.switch.setEnabled(each.port, on);
    }
  };
  const at = (register: number): number => {
    if (register >= 0x0c && register < 0x10) return statusOf(port(register - 0x0c));
    if (register >= 0x30 && register < 0x40) return figureByte(port((register - 0x30) >> 2), register & 3);
    switch (register) {
      case 0x10:
        return delivering() | (delivering() << 4);
      case 0x12:
        return AUTO | (AUTO << 2) | (AUTO << 4) | (AUTO << 6);
      case 0x14:
        return enabled() | (enabled() << 4);
      // 45 °C
      case 0x2c:
        return 100;
      case 0x2e:
      case 0x2f:
        return Math.round(INPUT_V / VOLT) >> (8 * (register & 1));
      default:
        return 0;
    }
  };
  return byteChip(at, (register, byte) => {
    // the button: on below, off above
    if (register === 0x19) {
      setThese(byte & 0x0f, true);
      setThese(byte >> 4, false);
    }
    // detection and classification anew; power follows by itself
    if (register === 0x18) setThese(byte & (byte >> 4) & 0x0f, true);
  });
}

function statusOf(port: WorldPort | undefined): number {
  if (port?.state !== 'delivering') return OPEN;
  return ((port.poeClass === 0 ? CLASS_0 : port.poeClass) << 4) | VALID;
}

/** Current, then voltage, each with its low byte first. */
function figureByte(port: WorldPort | undefined, offset: number): number {
  const { currentA = 0, voltageV = 0 } = (port === undefined ? undefined : figuresOf(port)) ?? {};
  const raw = Math.round(offset < 2 ? currentA / AMPERE : voltageV / VOLT);
  return (raw >> (8 * (offset & 1))) & 0xff;
}

import type { World, WorldPack } from '../../model.ts';
import { type BoardFace, sumOf } from './face.ts';

/**
 * A Victron SmartShunt that talks by itself: once a second a block with what it measures and one with its history. Fields are
 * `CR LF label TAB value`, and the last byte makes the sum of the block 0.
 */
export const veDirect = (world: World): BoardFace => ({
  baud: 19_200,
  // it is not asked: HEX frames are heard and not answered
  take: () => ({ rest: new Uint8Array() }),
  speaks: () => Uint8Array.of(...block(measured(world.pack)), ...block(history(world.pack))),
});

function measured(pack: WorldPack): readonly (readonly [string, string | number])[] {
  const discharging = pack.currentA < -0.05;
  const minutes = discharging ? Math.round((pack.remainingAh / -pack.currentA) * 60) : -1;
  return [
    ['PID', '0xA389'],
    ['V', Math.round(pack.voltageV * 1000)],
    ['I', Math.round(pack.currentA * 1000)],
    ['P', Math.round(pack.voltageV * pack.currentA)],
    ['CE', Math.round((pack.remainingAh - pack.capacityAh) * 1000)],
    ['SOC', Math.round(pack.socRatio * 1000)],
    ['TTG', Math.min(minutes, 14_400)],
    ['Alarm', 'OFF'],
    ['AR', 0],
    ['BMV', 'SmartShunt 500A/50mV'],
    ['FW', '0419'],
    ['MON', 0],
  ];
}

const history = (pack: WorldPack): readonly (readonly [string, string | number])[] => [
  ['H1', Math.round(-pack.capacityAh * 900)],
  ['H4', pack.cycles],
  ['H6', Math.round(-pack.cycles * pack.capacityAh * 1000)],
  ['H17', Math.round(pack.cycles * pack.capacityAh * pack.cells * 0.32)],
  ['H18', Math.round(pack.cycles * pack.capacityAh * pack.cells * 0.34)],
];

function block(fields: readonly (readonly [string, string | number])[]): Uint8Array {
  const text = `${fields.map(([label, value]) => `\r\n${label}\t${value}`).join('')}\r\nChecksum\t`;
  const bytes = Buffer.from(text, 'latin1');
  return Uint8Array.of(...bytes, (0x100 - (sumOf(bytes) & 0xff)) & 0xff);
}

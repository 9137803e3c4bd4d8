import { dalyA5 } from './daly-a5.ts';
import { dalyD2, dalyP81 } from './daly-registers.ts';
import { diybms } from './diybms.ts';
import type { MakeBoard } from './face.ts';
import { jbdUp } from './jbd-up.ts';
import { jk4e57 } from './jk-4e57.ts';
import { jkPb } from './jk-pb.ts';
import { pace } from './pace.ts';
import { paceModbus } from './pace-modbus.ts';
import { pylontech } from './pylontech.ts';
import { renogyBattery } from './renogy-battery.ts';
import { seplos } from './seplos.ts';
import { seplosV3 } from './seplos-v3.ts';
import { veDirect } from './ve-direct.ts';
import { voltronic } from './voltronic.ts';

export { serveBoardOnPath, serveBoardOnTcp } from './serve.ts';

/** Boards that can be emulated, under the names of the drivers that read them. */
export const BOARDS = {
  daly: { what: 'a classic Daly board (A5 frames)', make: dalyA5 },
  'daly-modbus': { what: 'a Daly board at Modbus unit 0xD2', make: dalyD2 },
  'daly-p81': { what: 'a Daly H, K, M or S board (asked as 0x81)', make: dalyP81 },
  diybms: { what: 'a ring of diyBMS cell modules', make: diybms },
  'jbd-up': { what: 'a JBD UP16S rack pack', make: jbdUp },
  jk: { what: 'a JK board on its GPS port (4E57)', make: jk4e57 },
  'jk-pb': { what: 'a JK PB board on RS485, which `jk-modbus` reads too', make: jkPb },
  pace: { what: 'a Pace BMS on RS232', make: pace },
  'pace-modbus': { what: 'a Pace BMS on RS485 (Modbus)', make: paceModbus },
  pylontech: { what: 'a Pylontech module as master of its string', make: pylontech },
  'renogy-battery': { what: 'a Renogy battery on RS485', make: renogyBattery },
  seplos: { what: 'a Seplos V2 board', make: seplos },
  'seplos-v3': { what: 'a Seplos V3 board (Modbus)', make: seplosV3 },
  've-direct': { what: 'a Victron SmartShunt that talks by itself', make: veDirect },
  voltronic: { what: 'a Voltronic inverter (PI30)', make: voltronic },
} as const satisfies Readonly<Record<string, { readonly what: string; readonly make: MakeBoard }>>;

export type BoardKind = keyof typeof BOARDS;

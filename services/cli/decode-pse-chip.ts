import { hexToBytes } from '#bridge';
import { pd690xx } from '../poe/i2c-pd690xx.ts';
import { ltc4266, pd69104, tps23861 } from '../poe/i2c-quad.ts';
import type { PseChip } from '../poe/i2c-registers.ts';
import { Undecodable } from './undecodable.ts';

/** Registers of a PSE controller: `{"registers":{"0x30":"ae","0x31":"07"}}`; `registers16` where their numbers have two bytes. */

const CHIPS: Readonly<Record<string, PseChip>> = { tps23861, ltc4266, pd69104, pd690xx };

export const PSE_CHIPS: readonly string[] = Object.keys(CHIPS);

/** @throws Undecodable, or ImplausibleError when no such chip can have said it */
export function decodePseChip(id: string, line: Readonly<Record<string, unknown>>): object {
  const chip = Object.hasOwn(CHIPS, id) ? CHIPS[id] : undefined;
  if (chip === undefined) throw new Undecodable('driver', `no PSE controller is called ${id.slice(0, 32)}`);
  if (line.error !== undefined)
    throw new Undecodable('absent', `the chip was not there (${String(line.error).slice(0, 40)})`);
  const given = chip.wide ? (line.registers16 ?? line.registers) : line.registers;
  if (typeof given !== 'object' || given === null)
    throw new Undecodable('input', 'no registers: give {"registers":{"0x30":"ae"}}');
  const registers = new Map<number, number>();
  for (const [name, value] of Object.entries(given)) {
    const bytes = typeof value === 'string' ? hexToBytes(value) : undefined;
    if (
      !/^0x[0-9a-f]{1,4}$/i.test(name) ||
      bytes === undefined ||
      bytes.length < 1 ||
      bytes.length > (chip.wide ? 2 : 1)
    )
      throw new Undecodable('input', `${name.slice(0, 16)} is no register with its value in hex`);
    registers.set(
      Number(name),
      bytes.reduce((number, byte) => number * 256 + byte, 0),
    );
  }
  // some boards have a sense resistor of 250 mohm and say so
  if (id === 'tps23861' && line.shunt_mohm === 250) registers.set(0x17, 1);
  return chip.decode(registers);
}

import { describe, expect, it } from 'vitest';
import { registerWindow } from '../../../bms/drivers/daly-registers.ts';

describe('registers of a reply', () => {
  const window = registerWindow(0x10, Uint16Array.of(0x4142, 0x4300, 7));
  const same = (raw: number): number => raw;

  it('are found by their address', () => {
    expect(window.at(0x10)).toBe(0x4142);
    expect(window.at(0x0f)).toBeUndefined();
    expect(window.at(0x13)).toBeUndefined();
  });

  it('are run through as a whole or not at all', () => {
    expect(window.run(0x11, 2, (raw) => raw / 10)).toEqual([1715.2, 0.7]);
    expect(window.run(0x0f, 2, same)).toBeUndefined();
    expect(window.run(0x12, 2, same)).toBeUndefined();
  });

  it('have two characters each', () => {
    expect(window.bytes(0x10, 2)).toEqual(Uint8Array.of(0x41, 0x42, 0x43, 0));
    expect(window.bytes(0x0f, 2)).toBeUndefined();
    expect(window.bytes(0x12, 2)).toBeUndefined();
  });
});

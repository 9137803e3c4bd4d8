import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, wordsOf } from '../../../bms/drivers/words.ts';

describe('words and bytes', () => {
  it('have the high byte first, or the low one', () => {
    const bytes = Uint8Array.of(0x12, 0x34, 0xab, 0xcd);
    expect([...wordsOf(bytes)]).toEqual([0x1234, 0xabcd]);
    expect([...wordsOf(bytes, true)]).toEqual([0x3412, 0xcdab]);
    expect(bytesOf(Uint16Array.of(0x1234, 0xabcd))).toEqual(bytes);
    expect(bytesOf(Uint16Array.of(0x3412, 0xcdab), true)).toEqual(bytes);
  });

  it('leave half a word out', () => {
    expect([...wordsOf(Uint8Array.of(1, 2, 3))]).toEqual([0x102]);
  });

  it('are of the view and not of its buffer', () => {
    expect([...wordsOf(Uint8Array.of(9, 9, 1, 2).subarray(2))]).toEqual([0x102]);
    expect([...bytesOf(Uint16Array.of(9, 0x102).subarray(1))]).toEqual([1, 2]);
  });

  it('become each other again', () => {
    fc.assert(
      fc.property(fc.uint16Array(), fc.boolean(), (words, lowFirst) => {
        expect(wordsOf(bytesOf(words, lowFirst), lowFirst)).toEqual(words);
      }),
    );
  });
});

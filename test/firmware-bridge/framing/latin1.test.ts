import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { latin1Bytes, latin1Text } from '../../../firmware-bridge/framing/latin1.ts';

describe('text whose characters are bytes', () => {
  it('has one character for every byte, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const text = latin1Text(bytes);
        expect(text).toHaveLength(bytes.length);
        expect(latin1Bytes(text)).toEqual(bytes);
      }),
    );
    expect(latin1Text(Uint8Array.of(0, 0x41, 0x7f, 0x80, 0xff))).toBe('\0A\x7f\x80\xff');
  });

  it('is of the view and not of its buffer', () => {
    expect(latin1Text(Uint8Array.of(0x58, 0x41, 0x42).subarray(1))).toBe('AB');
  });

  it('keeps the low byte of other characters', () => {
    expect([...latin1Bytes('€')]).toEqual([0xac]);
  });
});

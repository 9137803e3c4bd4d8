import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Acceptance } from '../../../firmware-bridge/acceptance.ts';
import { bytesToHex, hexToBytes } from '../../../firmware-bridge/framing/ascii-hex.ts';
import { byteSum, crc16Modbus, withCrc16Modbus } from '../../../firmware-bridge/framing/crc.ts';
import { Cursor } from '../../../firmware-bridge/framing/cursor.ts';
import { acceptLengthPrefixed, type LengthPrefixedShape } from '../../../firmware-bridge/framing/length-prefixed.ts';
import { Malformed } from '../../../firmware-bridge/framing/malformed.ts';

const anyBytes = fc.uint8Array({ maxLength: 80 });

describe('crc16Modbus', () => {
  it('gives the catalogue check value for "123456789"', () => {
    expect(crc16Modbus(new TextEncoder().encode('123456789'))).toBe(0x4b37);
  });

  it('gives the CRC of the read request in the serial line specification', () => {
    // 02 07 is the worked example of appendix B: the CRC goes out as 41 12.
    expect(crc16Modbus(Uint8Array.of(0x02, 0x07))).toBe(0x1241);
    expect(withCrc16Modbus(Uint8Array.of(0x02, 0x07))).toEqual(Uint8Array.of(0x02, 0x07, 0x41, 0x12));
  });

  it('is 0 over a frame that ends in its own CRC, and never after one flipped bit', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), fc.nat(), (body, pick) => {
        const frame = withCrc16Modbus(body);
        expect(crc16Modbus(frame)).toBe(0);
        const bit = pick % (frame.length * 8);
        frame[bit >>> 3] = (frame[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
        expect(crc16Modbus(frame)).not.toBe(0);
      }),
    );
  });

  it('covers only the range it is given', () => {
    const bytes = hexToBytes('ff 31 32 33 34 35 36 37 38 39 ff');
    expect(crc16Modbus(bytes, 1, 10)).toBe(0x4b37);
  });
});

describe('byteSum', () => {
  it('makes the JBD checksum of a genuine request', () => {
    expect(0x10000 - byteSum(hexToBytes('dda50300fffd77'), 2, 4)).toBe(0xfffd);
  });

  it('makes the VE.Direct HEX sum of the worked example', () => {
    expect(byteSum(Uint8Array.of(7, 0x00, 0x10, 0x00, 0x3e)) & 0xff).toBe(0x55);
  });
});

describe('hex', () => {
  it('comes back as it went', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(hexToBytes(bytesToHex(bytes))).toEqual(bytes);
      }),
    );
  });

  it('takes both cases and blanks', () => {
    expect(hexToBytes(' DD a5\n03 ')).toEqual(Uint8Array.of(0xdd, 0xa5, 0x03));
  });

  it.each(['a', 'zz', '0x10', '+1', '1.', '--', '12 3'])('refuses %j', (text) => {
    expect(() => hexToBytes(text)).toThrow(Malformed);
  });
});

describe('Cursor', () => {
  it('reads every width in both orders', () => {
    const cursor = new Cursor(hexToBytes('ff fe 8001 0180 fffffffe feffffff 41f00000 8001 80000000 00000080 0102'));
    expect(cursor.u8()).toBe(255);
    expect(cursor.s8()).toBe(-2);
    expect(cursor.u16()).toBe(0x8001);
    expect(cursor.s16Le()).toBe(-0x7fff);
    expect(cursor.s32()).toBe(-2);
    expect(cursor.s32Le()).toBe(-2);
    expect(cursor.f32()).toBe(30);
    expect(cursor.s16()).toBe(-0x7fff);
    expect(cursor.u32()).toBe(0x80000000);
    expect(cursor.u32Le()).toBe(0x80000000);
    expect(cursor.u16Le()).toBe(0x0201);
    expect(cursor.remaining).toBe(0);
  });

  it('reads a view into a larger buffer from its own start', () => {
    const cursor = new Cursor(hexToBytes('aaaa 0102 bbbb').subarray(2, 4));
    expect(cursor.u16()).toBe(0x0102);
    expect(() => cursor.u8()).toThrow(Malformed);
  });

  it('goes by offset and refuses to leave the bytes', () => {
    const cursor = new Cursor(hexToBytes('010203'));
    expect(cursor.seek(2).u8()).toBe(3);
    expect(cursor.seek(0).skip(1).bytes(2)).toEqual(Uint8Array.of(2, 3));
    for (const bad of [-1, 4, 0.5, Number.NaN]) expect(() => cursor.seek(bad)).toThrow(Malformed);
    expect(() => cursor.seek(2).bytes(-1)).toThrow(Malformed);
    expect(() => cursor.seek(2).bytes(Number.NaN)).toThrow(Malformed);
    expect(cursor.position).toBe(2);
  });
});

/** 0x5a, length of data, data, sum: small enough that noise hits it often. */
const shape: LengthPrefixedShape = {
  headerLength: 2,
  startsWith: (byte) => byte === 0x5a,
  measure: (header) => (header[1] ?? 0) + 3,
  check: (frame) => ((byteSum(frame, 1, frame.length - 1) ^ (frame.at(-1) ?? 0)) & 0xff ? 'checksum' : undefined),
};

function framed(data: Uint8Array): Uint8Array {
  const body = [data.length, ...data];
  return Uint8Array.from([0x5a, ...body, byteSum(Uint8Array.from(body)) & 0xff]);
}

/** What an exchange does with the acceptance, chunk by chunk. */
function feed(chunks: readonly Uint8Array[]): Acceptance<Uint8Array> {
  let buffer = new Uint8Array();
  let last: Acceptance<Uint8Array> = { kind: 'more' };
  for (const chunk of chunks) {
    buffer = Uint8Array.from([...buffer, ...chunk]);
    for (;;) {
      last = acceptLengthPrefixed(buffer, shape);
      if (last.kind !== 'skip') break;
      expect(last.length).toBeGreaterThan(0);
      expect(last.length).toBeLessThanOrEqual(buffer.length);
      buffer = buffer.slice(last.length);
    }
    if (last.kind === 'take') return last;
  }
  return last;
}

function chunked(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return edges.slice(1).map((edge, at) => bytes.slice(edges[at], edge));
}

describe('acceptLengthPrefixed', () => {
  const cuts = fc.array(fc.nat(300), { maxLength: 8 });

  it('takes a frame in any chunking', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), cuts, (data, where) => {
        expect(feed(chunked(framed(data), where))).toMatchObject({ kind: 'take', value: framed(data) });
      }),
    );
  });

  it('finds the frame behind noise, even noise that promises a longer frame', () => {
    const noise = fc.array(fc.oneof(fc.constant(0x5a), fc.nat(255)), { maxLength: 20 });
    fc.assert(
      fc.property(noise, fc.uint8Array({ minLength: 6, maxLength: 40 }), (before, data) => {
        const all = Uint8Array.from([...before, ...framed(data)]);
        const verdict = feed([all]);
        // A one-byte sum lets noise pass for a frame now and then; what is taken must at least be whole and good.
        expect(verdict.kind).toBe('take');
        if (verdict.kind === 'take') expect(shape.check(verdict.value)).toBeUndefined();
      }),
    );
  });

  it('refuses a whole damaged frame at once, with its fault', () => {
    const bad = framed(Uint8Array.of(1, 2, 3));
    bad[2] = 9;
    expect(feed([bad])).toMatchObject({ kind: 'refuse', code: 'checksum' });
  });

  it('does not refuse while a start behind the damaged frame is unfinished', () => {
    const bad = framed(Uint8Array.of(1, 2, 3));
    bad[2] = 9;
    expect(feed([bad.slice(), framed(Uint8Array.of(7)).slice(0, 2)])).toMatchObject({ kind: 'more' });
    const whole = Uint8Array.from([...bad, ...framed(Uint8Array.of(7))]);
    expect(feed([whole])).toMatchObject({ kind: 'take', value: framed(Uint8Array.of(7)) });
  });

  it('never throws and never stalls on garbage', () => {
    fc.assert(fc.property(anyBytes, cuts, (bytes, where) => void feed(chunked(bytes, where))));
  });
});

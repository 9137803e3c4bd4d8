import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packetLimit } from '../../../services/telemetry/packet-limit.ts';

/** A QoS 0 publish to topic `a`, as on the wire: type, length in groups of 7 bits, topic, payload. */
function publish(bytes: number): Buffer {
  const length: number[] = [];
  for (let left = 3 + bytes; ; ) {
    const group = left % 128;
    left = Math.floor(left / 128);
    length.push(left > 0 ? group + 128 : group);
    if (left === 0) break;
  }
  return Buffer.concat([Buffer.from([0x30, ...length, 0, 1, 0x61]), Buffer.alloc(bytes)]);
}

describe('the packet limit', () => {
  it('lets packets of the allowed size pass, in whatever pieces they come', () => {
    const stream = Buffer.concat([0, 1, 100, 127, 128, 990].map(publish));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }), (sizes) => {
        const within = packetLimit(1000);
        for (let at = 0, piece = 0; at < stream.length; piece += 1) {
          const size = sizes[piece % sizes.length] ?? 1;
          if (!within(stream.subarray(at, at + size))) return false;
          at += size;
        }
        return true;
      }),
    );
  });

  it('says no as soon as a length is declared, before the body has come', () => {
    const within = packetLimit(1000);
    expect(within(publish(10))).toBe(true);
    expect(within(publish(5000).subarray(0, 3))).toBe(false);
  });

  it('says no to a length of more than four bytes', () => {
    expect(packetLimit(2 ** 30)(Uint8Array.of(0x30, 0x80, 0x80, 0x80, 0x80, 0x00))).toBe(false);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineCutter } from '../../../services/cluster/lines.ts';

describe('newline-separated JSON', () => {
  it('gives the same values however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue(), { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 40 })),
        (values, cuts) => {
          const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
          const cutter = new LineCutter(1 << 20);
          const lines: string[] = [];
          let from = 0;
          for (const length of cuts) {
            lines.push(...cutter.push(bytes.subarray(from, from + length)));
            from += length;
          }
          lines.push(...cutter.push(bytes.subarray(Math.min(from, bytes.length))));
          expect(lines.map((line) => JSON.stringify(JSON.parse(line)))).toEqual(
            values.map((value) => JSON.stringify(value)),
          );
        },
      ),
    );
  });

  it('never holds more than one bounded line of garbage', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 30 }), (chunks) => {
        const cutter = new LineCutter(64);
        try {
          for (const chunk of chunks) {
            for (const line of cutter.push(Buffer.from(chunk)))
              expect(Buffer.byteLength(line)).toBeLessThanOrEqual(64 * 3);
          }
        } catch (error) {
          expect(error).toMatchObject({ code: 'bad-answer' });
          expect(chunks.reduce((sum, chunk) => sum + chunk.length, 0)).toBeGreaterThan(64);
        }
      }),
    );
  });

  it('refuses a line as soon as it is too long, finished or not', () => {
    const refusal = expect.objectContaining({ code: 'bad-answer' });
    expect(() => new LineCutter(64).push(Buffer.from('x'.repeat(65)))).toThrow(refusal);
    expect(() => new LineCutter(64).push(Buffer.from(`${'x'.repeat(65)}\n`))).toThrow(refusal);
    const slowly = new LineCutter(64);
    for (let count = 0; count < 64; count += 1) slowly.push(Buffer.from('x'));
    expect(() => slowly.push(Buffer.from('x'))).toThrow(refusal);
    expect(new LineCutter(64).push(Buffer.from(`${'x'.repeat(64)}\n`.repeat(10)))).toHaveLength(10);
  });

  it('keeps an unfinished line until its end comes', () => {
    const cutter = new LineCutter(100);
    expect(cutter.push(Buffer.from('{"a":'))).toEqual([]);
    expect(cutter.push(Buffer.from('1}\r\n\n{"b"'))).toEqual(['{"a":1}']);
    expect(cutter.push(Buffer.from(':2}\n'))).toEqual(['{"b":2}']);
  });
});

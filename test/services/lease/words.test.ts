import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLease } from '../../../services/lease/words.ts';

const bytes = (value: unknown): Uint8Array =>
  Buffer.from(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
const lease = { kind: 'lease', holder: 'node-a', life: 'f00', epoch: 3, seq: 9, acting: true } as const;
const probe = { kind: 'probe', life: 'f00', seq: 9 } as const;

describe('what lies on the topic of the lease', () => {
  it('is read with its own fields and no others', () => {
    expect(readLease(bytes(lease))).toEqual(lease);
    expect(readLease(bytes({ ...lease, acting: false, password: 'x' }))).toEqual({ ...lease, acting: false });
    expect(readLease(bytes({ ...probe, epoch: 'x' }))).toEqual(probe);
  });

  it.each<[string, unknown]>([
    ['nothing', ''],
    ['no JSON', 'ON'],
    ['a list', [lease]],
    ['null', 'null'],
    ['another kind', { ...lease, kind: 'state' }],
    ['no life', { ...lease, life: undefined }],
    ['an empty name', { ...lease, holder: '' }],
    ['a name without end', { ...lease, holder: 'x'.repeat(100) }],
    ['an epoch below 0', { ...lease, epoch: -1 }],
    ['a broken epoch', { ...lease, epoch: 1.5 }],
    ['an epoch nobody can count up from', { ...lease, epoch: 1e13 }],
    ['an epoch in words', { ...lease, epoch: '3' }],
    ['acting in words', { ...lease, acting: 'true' }],
    ['a probe without its number', { kind: 'probe', life: 'f00' }],
    ['more than anybody says', { ...lease, more: 'x'.repeat(2000) }],
  ])('is nothing when it is %s', (_what, said) => {
    expect(readLease(bytes(said))).toBeUndefined();
  });

  it('never throws and gives nothing but leases and probes', () => {
    const said = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.json().map(bytes));
    fc.assert(
      fc.property(said, (payload) => {
        expect(['undefined', 'lease', 'probe']).toContain(readLease(payload)?.kind ?? 'undefined');
      }),
      { numRuns: 300 },
    );
  });
});

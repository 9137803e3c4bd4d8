import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { selects } from '../../../services/cluster/pod-selector.ts';

const pod = { namespace: 'data', name: 'minio-0', labels: { app: 'minio', tier: 'storage' } };

describe('selecting pods', () => {
  it.each([
    [{ namespace: 'data' }, true],
    [{ namespace: 'web' }, false],
    [{ name: 'minio-0' }, true],
    [{ name: 'minio' }, false],
    [{ name: 'minio-*' }, true],
    [{ name: '*-0' }, true],
    [{ name: 'm*o-*' }, true],
    [{ name: '*' }, true],
    [{ name: 'minio-0*0' }, false],
    [{ labels: { app: 'minio' } }, true],
    [{ labels: { app: 'minio', tier: 'web' } }, false],
    [{ namespace: 'data', name: 'minio-*', labels: { app: 'minio' } }, true],
    [{ namespace: 'web', name: 'minio-*' }, false],
  ])('%j: %s', (selector, expected) => {
    expect(selects(selector, pod)).toBe(expected);
  });

  it('fits what a pattern was made from, whatever the stars stand for', () => {
    const text = fc.string({ maxLength: 6 }).map((each) => each.replaceAll('*', 'x'));
    fc.assert(
      fc.property(
        fc.array(text, { minLength: 1, maxLength: 5 }),
        fc.array(text, { minLength: 4, maxLength: 4 }),
        (parts, fill) => {
          const name = parts.reduce((before, part, index) => before + (fill[index - 1] ?? '') + part);
          expect(selects({ name: parts.join('*') }, { ...pod, name })).toBe(true);
        },
      ),
    );
  });
});

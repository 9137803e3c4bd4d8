import fc from 'fast-check';
import { expect } from 'vitest';
import type { PoeSwitch } from '../../../services/shutdown/promises.ts';

/**
 * Cutting ports and powering those again that were cut leaves a device as it was, whichever ports they are.
 * @param state everything the device keeps of its ports
 */
export async function restoresExactly(
  poe: PoeSwitch,
  ports: readonly string[],
  state: () => unknown,
  numRuns = 20,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.subarray([...ports], { minLength: 1 }), async (asked) => {
      const before = structuredClone(state());
      const cut = await poe.setPorts(asked, false);
      const done = cut.filter(({ code }) => code === 'done').map(({ port }) => port);
      if (done.length > 0) expect(state()).not.toEqual(before);
      const back = await poe.setPorts(done, true);
      expect(back.map(({ code }) => code)).toEqual(done.map(() => 'done'));
      expect(state()).toEqual(before);
    }),
    { numRuns },
  );
}

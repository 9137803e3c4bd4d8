import { afterEach, describe, expect, it } from 'vitest';
import { expectEverythingAsBefore } from './expectations.ts';
import { KillingStage, killPoints } from './killing.ts';

/**
 * The service dies without a goodbye as soon as a record appears in its journal, and is started again. One story, one
 * death for every kind of record in every phase: a record of a kind that was died at already is let pass, for each
 * life takes its seconds. `npm run simulate -- --processes` dies at every single one, each in a story of its own.
 */

let stage: KillingStage | undefined;
afterEach(async () => {
  await stage?.close();
  stage = undefined;
});

describe('killed at every kind of journal record in every phase', () => {
  it('ends with everything as it was', { timeout: 2_400_000 }, async () => {
    stage = new KillingStage({ fast: 12 });
    await stage.open();
    await stage.settled();
    const before = await stage.world();
    const points = killPoints();
    stage.dieAt(points.isNew);
    await stage.outage();
    stage.dieAt(() => false);
    await stage.alive();
    await stage.phase('mains');
    await expectEverythingAsBefore(stage, before);
    // Deaths of several kinds, in all phases that an outage has.
    expect(stage.deaths.length).toBeGreaterThan(10);
    for (const phase of ['on-battery', 'shutting-down', 'dark', 'restoring'])
      expect(stage.deaths.some((death) => death.startsWith(`${phase} `))).toBe(true);
    for (const effect of ['cordon', 'drain', 'halt', 'cut', 'power', 'uncordon'])
      expect(stage.deaths.some((death) => death.endsWith(`intent ${effect}`))).toBe(true);
  });
});

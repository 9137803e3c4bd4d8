import { expect, it } from 'vitest';
import { Bench } from './bench.ts';

it('how a port was set is written down with its cut and handed back with its power, over a restart between them', () => {
  const bench = new Bench({ restore: { stableForS: 0, groupSize: 6 } });
  bench.rack.host('cp1').asSet = 'no mode';
  bench.goDark();
  expect(bench.host('cp1').portBefore).toMatchObject({ port: '5', asSet: 'no mode' });
  // What is off tells nothing of how it was.
  delete bench.rack.host('cp1').asSet;
  bench.restart();
  bench.recharge();
  bench.pass(15);
  const powered = bench.flying('power').flatMap((effect) => (effect.kind === 'power' ? effect.targets : []));
  expect(powered).toContainEqual({ host: 'cp1', port: '5', asSet: 'no mode' });
  expect(powered).toContainEqual({ host: 'cp2', port: '6' });
});

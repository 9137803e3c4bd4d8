import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { freePort } from '../ports.ts';
import { expectEverythingAsBefore } from './expectations.ts';
import { Stage } from './stage.ts';

let stage: Stage | undefined;
afterEach(async () => {
  await stage?.close();
  stage = undefined;
});

/** The address in the kubeconfig becomes one where nobody listens; the real one is returned. */
function hideServer(kubeconfig: string, deadPort: number): string {
  const text = readFileSync(kubeconfig, 'utf8');
  const server = /https?:\/\/[\d.:]+/.exec(text)?.[0] ?? '';
  writeFileSync(kubeconfig, text.replace(server, `http://127.0.0.1:${deadPort}`));
  return server;
}

it('a whole outage by the second server address, with pods that are kept and groups that stop later', {
  timeout: 600_000,
}, async () => {
  const deadPort = await freePort();
  stage = new Stage({
    fast: 12,
    rackArgs: ['--bms', 'tcp'],
    configure: (config) => {
      const cluster = config.cluster as { kubeconfig: string };
      config.cluster = {
        ...cluster,
        servers: [hideServer(cluster.kubeconfig, deadPort)],
        keep: [{ namespace: 'home', name: 'home-assistant-*' }],
        order: [{ name: 'databases', pods: [{ namespace: 'data', name: 'postgres-*' }] }],
      };
    },
  });
  await stage.open();
  await stage.settled();
  const before = await stage.world();
  await stage.mains(false);
  await stage.phase('dark');
  const pods = (await stage.events()).filter(({ kind }) => kind === 'pod');
  const evictions = pods.filter(({ detail }) => detail.startsWith('evicted on'));
  expect(evictions.length).toBeGreaterThan(0);
  expect(evictions.filter(({ subject }) => subject.startsWith('home/home-assistant'))).toEqual([]);
  expect((await stage.world()).violations).toEqual([]);
  await stage.mains(true);
  await stage.phase('mains');
  await expectEverythingAsBefore(stage, before);
});

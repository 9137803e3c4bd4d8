import { expect } from 'vitest';
import type { Stage, WorldState } from './stage.ts';

/** What must be true at the end of every story: the world is as it was, and nothing was broken on the way. */
export async function expectEverythingAsBefore(stage: Stage, before: WorldState): Promise<void> {
  const after = await stage.world();
  expect(after.violations).toEqual([]);
  expect(Object.fromEntries(after.hosts.map(({ id, state }) => [id, state]))).toEqual(
    Object.fromEntries(before.hosts.map(({ id }) => [id, 'running'])),
  );
  const ports = (world: WorldState): unknown => world.switch.ports.map(({ port, enabled }) => [port, enabled]);
  expect(ports(after)).toEqual(ports(before));
  const nodes = (world: WorldState): unknown =>
    world.cluster.nodes.map(({ name, unschedulable }) => [name, unschedulable]);
  expect(nodes(after)).toEqual(nodes(before));
  const { hosts, runId } = await stage.hosts();
  expect(hosts.filter(({ phase, trouble }) => phase !== 'up' || trouble !== undefined)).toEqual([]);
  expect(runId).toBeUndefined();
}

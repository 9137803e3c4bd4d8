import { createWorld, type SimWorld, type WorldOptions } from '../../../services/twin/world.ts';

/** Two PoE nodes, one NUC and a router on a pack of 2.5 Ah power cells: small enough to follow by hand. */
export function smallWorld(changes: Partial<WorldOptions> = {}): SimWorld {
  return createWorld({
    seed: 7,
    pack: { capacityAh: 2.5, socRatio: 0.8, cellResistanceOhm: 0.01 },
    charger: { maxW: 120, maxA: 2.5 },
    switch: { budgetW: 60, ports: 4, selfW: 10 },
    hosts: [
      { id: 'pi1', node: 'pi1', controlPlane: true, port: '1', runningW: 7, haltedW: 1.3, bootW: 8.5 },
      { id: 'pi2', node: 'pi2', port: '2', runningW: 7, haltedW: 1.3, bootW: 8.5 },
      { id: 'nuc', node: 'nuc', runningW: 15, haltedW: 1, wakeable: true },
      { id: 'router', runningW: 20, haltedW: 2 },
    ],
    ...changes,
  });
}

/** Moves on in half seconds until `met`; fails the test when that takes longer than `limitS` of world time. */
export function until(world: SimWorld, met: () => boolean, limitS = 120): void {
  const endS = world.timeS + limitS;
  while (!met()) {
    if (world.timeS >= endS) throw new Error(`did not happen within ${limitS} s of world time`);
    world.step(0.5);
  }
}

export const stateOf = (world: SimWorld, id: string): string => world.hosts.get(id)?.state ?? 'no such host';

export function hostOf(world: SimWorld, id: string) {
  const host = world.hosts.get(id);
  if (!host) throw new Error(`no host ${id}`);
  return host;
}

export function portOf(world: SimWorld, name: string) {
  const port = world.switch.ports.find((candidate) => candidate.port === name);
  if (!port) throw new Error(`no port ${name}`);
  return port;
}

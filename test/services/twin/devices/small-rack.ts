import { createWorld, type SimWorld } from '../../../../services/twin/world.ts';

/** A 16S pack, a switch of eight ports and two machines on its ports 1 and 2, all running. */
export const smallRack = ({ capacityAh = 100 } = {}): SimWorld =>
  createWorld({
    pack: { cells: 16, capacityAh, socRatio: 0.8 },
    charger: { maxW: 600, maxA: 20 },
    switch: { budgetW: 120, ports: 8 },
    hosts: [
      { id: 'pi1', port: '1', runningW: 7, haltedW: 1.5 },
      { id: 'pi2', port: '2', runningW: 9, haltedW: 1.5, wakeable: true },
    ],
  });

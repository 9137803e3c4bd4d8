import type { z } from 'zod';
import type { Config, configSchema } from '../config/schema.ts';
import type { ClusterWorldOptions } from './cluster.ts';
import type { MachineOptions } from './world/machine.ts';
import type { WorldOptions } from './world.ts';

/** What a service is told of a simulated rack, besides addresses. */
export interface RackPlan {
  readonly world: WorldOptions;
  readonly cluster: ClusterWorldOptions;
  /** Never halted, never cut. */
  readonly protectedHosts: readonly string[];
  readonly protectedPorts: readonly string[];
  readonly site: NonNullable<z.input<typeof configSchema>['site']>;
  readonly shutdown: Omit<NonNullable<z.input<typeof configSchema>['shutdown']>, 'stateDir'>;
  /** Longest halt and boot a service should wait for, s. */
  readonly haltTimeoutS: number;
  readonly bootTimeoutS: number;
  /** How often pack and meter are read, and half as often the switch, s; 1 when absent. */
  readonly everyS?: number;
  /** Age from which what pack and meter said counts for nothing, s; what the service takes by itself when absent. */
  readonly staleAfterS?: number;
  readonly chemistry: Config['packs'][number]['chemistry'];
  /** Of the pack as a whole, as its owner measured it, ohm. */
  readonly packResistanceOhm: number;
}

export interface DemoRackOptions {
  readonly seed?: number;
  readonly startWallMs?: number;
  readonly socRatio?: number;
}

/** When the demonstration's outage begins, s of world time. */
export const DEMO_OUTAGE_AT_S = 20;

const NODES = 20;
const pis = (from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, at) => `pi${from + at}`);

/**
 * Twenty CM4 on one PoE switch, a router, three NUCs, on one 20 A / 110 V circuit.
 *
 * The pack is a toy: sixteen A123 26650 cells, 2.5 Ah, where a real rack would have a hundred. It gives 280 W at 2.2 C, so
 * that an outage that would take hours is over in minutes. A service that trusts the charge its BMS tells within 15 %
 * and looks at the cautious end sees some 75 s between the loss of mains and its first stage.
 */
export function demoRack(options: DemoRackOptions = {}): RackPlan {
  const { seed = 20, socRatio = 0.63 } = options;
  const cellResistanceOhm = 0.009;
  return {
    world: {
      seed,
      ...(options.startWallMs === undefined ? {} : { startWallMs: options.startWallMs }),
      pack: { cells: 16, capacityAh: 2.5, socRatio, cellResistanceOhm, ambientC: 24, cycles: 37 },
      // 3 C, below the 4 C these cells may be charged with: after the story the bank is fit for another in minutes.
      // Held partly charged, so that the story does not depend on how long it waits for its outage.
      charger: { maxW: 400, maxA: 7.5, cellV: 3.5, resumeSocRatio: 0.6, stopSocRatio: 0.75 },
      switch: { id: 'sw1', ports: 24, budgetW: 400, selfW: 25, poeClass: 3 },
      hosts: machines(),
      feed: { voltageV: 110, frequencyHz: 60, powerFactor: 0.95 },
    },
    // with two DaemonSets some eight pods a node
    cluster: {
      seed,
      podsPerNode: 6,
      budgets: [
        { namespace: 'web', name: 'shop', matchLabels: { app: 'shop' }, maxUnavailable: 1 },
        { namespace: 'ingress', name: 'traefik', matchLabels: { app: 'traefik' }, minAvailable: 1 },
        { namespace: 'kube-system', name: 'coredns', matchLabels: { app: 'coredns' }, maxUnavailable: 1 },
      ],
    },
    protectedHosts: ['router', 'nuc1'],
    protectedPorts: ['24'],
    site: { name: 'closet', circuit: { volts: 110, breakerAmps: 20 } },
    chemistry: 'lifepo4',
    packResistanceOhm: 16 * cellResistanceOhm,
    haltTimeoutS: 40,
    bootTimeoutS: 90,
    shutdown: {
      reserveRatio: 0.2,
      margin: 1.3,
      confirmLoss: '2s',
      confirmReturn: '3s',
      expect: { cordon: '2s', drain: '8s', halt: '15s', cut: '5s' },
      restore: { stableFor: '15s', minSoc: 0.05, groupSize: 4, groupEvery: '5s', offTime: '3s' },
      stages: [
        { name: 'batch', hosts: pis(11, NODES), drainTimeout: '20s', pdbGrace: '5s' },
        { name: 'workers', hosts: [...pis(4, 10), 'nuc2', 'nuc3'], drainTimeout: '20s', pdbGrace: '5s' },
        { name: 'control-plane', hosts: pis(1, 3), drainTimeout: '20s', pdbGrace: '5s' },
      ],
    },
  };
}

function machines(): MachineOptions[] {
  const nodes = pis(1, NODES).map(
    (id, at): MachineOptions => ({
      id,
      node: id,
      controlPlane: at < 3,
      port: String(at + 1),
      // CM4 with NVMe behind its PoE converter: 6.9 … 7.5 W at the port
      runningW: 6.9 + 0.6 * ((at * 7) % 10) * 0.1,
      haltedW: 1.3,
      bootW: 8.5,
      noiseRatio: 0.03,
      bootS: 20,
      haltS: 8,
    }),
  );
  const nuc = (id: string): MachineOptions => ({ id, runningW: 15, haltedW: 1, bootW: 22, bootS: 25, wakeable: true });
  return [...nodes, { id: 'router', runningW: 20, haltedW: 2 }, nuc('nuc1'), nuc('nuc2'), nuc('nuc3')];
}

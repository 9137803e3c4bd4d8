import type { Policy } from '../../services/shutdown/policy.ts';
import type { Random } from './random.ts';

/** Four stages' worth of hosts: PoE nodes, one AC host that can be woken, control plane last. */
export function storyPolicy(rng: Random): Policy {
  const ids = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'cp1', 'cp2', 'cp3'];
  const hosts: Policy['hosts'] = Object.fromEntries([
    ...ids.map((id, index) => [
      id,
      {
        id,
        node: id,
        switchId: 'sw1',
        port: String(index + 1),
        cuttable: true,
        canHalt: true,
        canWake: false,
        protected: false,
        powerW: 7,
        haltTimeoutS: 40,
        bootTimeoutS: 120,
        offAfterSilenceS: 5,
        // One may not be cut: it is halted, and woken over the network.
        ...(id === 'n6' ? { cuttable: false, protected: true, canWake: true } : {}),
        stage: index < 3 ? 'batch' : index < 6 ? 'workers' : 'control-plane',
      },
    ]),
    [
      'nuc',
      {
        id: 'nuc',
        cuttable: false,
        canHalt: true,
        canWake: true,
        protected: false,
        powerW: 15,
        haltTimeoutS: 40,
        bootTimeoutS: 120,
        offAfterSilenceS: 5,
        stage: 'workers',
      },
    ],
  ]);
  return {
    hosts,
    stages: [
      {
        name: 'batch',
        hosts: ['n1', 'n2', 'n3'],
        ...(rng() < 0.5 ? { afterS: 60 } : {}),
        drainTimeoutS: 40,
        pdbGraceS: 10,
      },
      { name: 'workers', hosts: ['n4', 'n5', 'n6', 'nuc'], drainTimeoutS: 40, pdbGraceS: 10 },
      { name: 'control-plane', hosts: ['cp1', 'cp2', 'cp3'], drainTimeoutS: 40, pdbGraceS: 10 },
    ],
    hasCluster: true,
    reserveRatio: 0.1,
    margin: 1.5,
    expectS: { cordon: 3, drain: 15, halt: 20, cut: 5 },
    restore: {
      stableForS: 20,
      minSoc: 0,
      groupSize: 2,
      groupEveryS: 5,
      offTimeS: 5,
      uncordonShare: 0.6,
      uncordonPatienceS: 60,
    },
    circuitLimitA: 16,
    circuitVolts: 110,
  };
}

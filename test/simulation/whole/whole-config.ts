import { type Config, configSchema } from '../../../services/config/schema.ts';
import type { Random } from '../random.ts';

const halt = { ssh: { user: 'ops', key: { env: 'K' }, hostKey: `SHA256:${'A'.repeat(43)}` } };

/** Nine machines on two switches and the bus, in three stages; small enough for an outage of minutes. */
/** @param deep the story is meant to go all the way down */
export function wholeConfig(rng: Random, deep: boolean): Config {
  // Many stories go all the way down before the energy asks for it: they would last for long otherwise.
  const quick = rng() < 0.5 || deep;
  const after = (seconds: number) => (quick ? { after: seconds } : {});
  const common = { halt, haltTimeout: 40, bootTimeout: 60, offAfterSilence: 20 };
  const pi = (n: number) => ({ id: `pi${n}`, node: `pi${n}`, poe: `sw1/${n}`, powerW: 8, ...common });
  const cp = (n: number) => ({ id: `cp${n}`, node: `cp${n}`, poe: `sw2/${n}`, powerW: 8, ...common });
  return configSchema.parse({
    packs: [
      {
        id: 'lfp1',
        driver: 'jbd',
        via: { serial: '/dev/null' },
        chemistry: 'lifepo4',
        cells: 16,
        capacityAh: 1.5,
        every: 1,
        ...(rng() < 0.3 ? { control: { mosfets: true } } : {}),
      },
    ],
    meters: [{ id: 'sdm1', driver: 'sdm230', via: { modbusTcp: '127.0.0.1:502' }, every: 1 }],
    switches: [
      { id: 'sw1', driver: 'snmp', host: '127.0.0.1', budgetW: 60, every: 2, community: { env: 'X' } },
      { id: 'sw2', driver: 'snmp', host: '127.0.0.2', budgetW: 60, every: 2, community: { env: 'X' } },
    ],
    hosts: [
      ...[1, 2, 3, 4].map(pi),
      ...[1, 2, 3].map(cp),
      { id: 'nuc', wake: { wol: { mac: '02:00:00:00:00:01' } }, address: '127.0.0.3', powerW: 20, ...common },
      // Its port carries more than itself and is never cut.
      { ...pi(5), protected: true, wake: { wol: { mac: '02:00:00:00:00:02' } } },
    ],
    cluster: { kubeconfig: '/nowhere', every: 3, uncordonPatience: 60 },
    shutdown: {
      reserveRatio: 0.1,
      expect: { cordon: 2, drain: 6, halt: 14, cut: 4 },
      confirmReturn: 5,
      restore: { stableFor: 15, minSoc: 0.05, groupSize: 2, groupEvery: 5, offTime: 5 },
      stages: [
        {
          name: 'batch',
          hosts: ['pi1', 'pi2'],
          drainTimeout: 40,
          pdbGrace: 10,
          ...after(30),
        },
        { name: 'workers', hosts: ['pi3', 'pi4', 'pi5', 'nuc'], drainTimeout: 40, pdbGrace: 10, ...after(60) },
        { name: 'control-plane', hosts: ['cp1', 'cp2', 'cp3'], drainTimeout: 40, pdbGrace: 10, ...after(110) },
      ],
      ...(rng() < 0.3 ? { lastAct: { packs: ['lfp1'], afterDark: 30, thisMachineHasOtherPower: true } } : {}),
    },
  });
}

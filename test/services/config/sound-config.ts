import { checkConfig } from '../../../services/config/load.ts';
import type { Config } from '../../../services/config/schema.ts';

const FINGERPRINT = `SHA256:${'0'.repeat(43)}`;

/** A configuration that uses every section, as plain data to be spoilt. JSON is YAML. */
export const sound = () => ({
  site: { name: 'closet', circuit: { volts: 110, breakerAmps: 20 } },
  packs: [
    { id: 'lfp1', driver: 'jbd', via: { serial: '/dev/x' }, chemistry: 'lifepo4', cells: 16, capacityAh: 100 },
    {
      id: 'lfp2',
      driver: 'eg4-ll',
      via: { modbusRtu: '/dev/y', unit: 2 },
      chemistry: 'lifepo4',
      cells: 16,
      capacityAh: 100,
    },
  ],
  meters: [{ id: 'sdm1', driver: 'sdm230', via: { modbusTcp: '10.0.0.9:502', unit: 1 } }],
  mains: { evidence: [{ meter: 'sdm1' }, { pack: 'lfp1', dischargeAboveA: 0.1 }] },
  switches: [
    { id: 'sw1', driver: 'snmp', host: '10.0.0.2', community: { env: 'C' }, protect: [23, '24'] },
    {
      id: 'sw2',
      driver: 'snmp',
      host: '10.0.0.3',
      v3: { user: 'u', authKey: { env: 'A' }, privKey: { file: '/p' } },
    },
  ],
  hosts: [
    { id: 'router', protected: true },
    {
      id: 'pi1',
      address: '10.0.0.11',
      node: 'pi1',
      poe: 'sw1/1',
      halt: { ssh: { user: 'ops', key: { file: '/k' }, hostKey: FINGERPRINT } },
    },
    {
      id: 'pi2',
      address: '10.0.0.12',
      node: 'pi2',
      poe: 'sw1/2',
      halt: { ssh: { user: 'ops', key: { file: '/k' }, hostKey: FINGERPRINT } },
      wake: { wol: { mac: '02:00:00:00:00:01' } },
    },
  ],
  cluster: { kubeconfig: '/etc/k' },
  shutdown: {
    expect: { drain: '20s' },
    restore: { groupSize: 2 },
    stages: [
      { name: 'workers', hosts: ['pi2'], after: '5m' },
      { name: 'control-plane', hosts: ['pi1'] },
    ],
  },
  mqtt: { embedded: { port: 1883, users: [{ user: 'ann', password: { env: 'M' } }] } },
  influx: { url: 'http://10.0.0.4:8086', bucket: 'rack', token: { env: 'I' } },
  http: { listen: '127.0.0.1:8470', tokens: [{ name: 'ann', token: { env: 'T' }, write: true }] },
});

/** Puts a value in (or takes one out, when undefined) at a path such as `hosts[1].poe`. */
export function spoil(path: string, value: unknown): unknown {
  const config: unknown = structuredClone(sound());
  const parts = path.split(/[.[\]]+/).filter((part) => part !== '');
  const last = parts.pop() ?? '';
  let at = config as Record<string, unknown>;
  for (const part of parts) at = at[part] as Record<string, unknown>;
  if (value === undefined) delete at[last];
  else at[last] = value;
  return config;
}

export const check = (config: unknown) => checkConfig(JSON.stringify(config));

/** The configuration with all defaults, or the reason why there is none. */
export function configOf(config: unknown): Config {
  const checked = check(config);
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  return checked.config;
}

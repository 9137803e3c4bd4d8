import { commandCharger } from '../charger/index.ts';
import { type Cluster, openCluster } from '../cluster/index.ts';
import type { ChargerConfig } from '../config/charger.ts';
import type { Config } from '../config/schema.ts';
import { readSecret } from '../config/secrets.ts';
import type { SwitchConfig } from '../config/switches.ts';
import type { Secret } from '../config/values.ts';
import type { AgentOrders } from '../hosts/index.ts';
import { openSwitch, type SwitchSecrets } from '../poe/index.ts';
import type { Clock } from '../runtime/clock.ts';
import { messageOf, UserError } from '../runtime/errors.ts';
import type { ChargerControl, HostControl, PoeSwitch } from '../shutdown/promises.ts';
import { openHosts } from './host-edges.ts';
import type { I2cBuses } from './i2c.ts';

/** Everything the coordinator acts through, made from the configuration with its secrets read. */
export interface OpenEdges {
  readonly cluster?: Cluster;
  readonly switches: Readonly<Record<string, PoeSwitch>>;
  readonly hosts: Readonly<Record<string, HostControl>>;
  readonly charger?: ChargerControl;
  /** Orders for hosts that fetch them; absent where no host has an agent. */
  readonly agents?: AgentOrders;
}

/** All secrets are read and all files opened here, at start: in the dark it would be too late to miss one. */
export async function openEdges(config: Config, clock: Clock, i2c: I2cBuses, wire = clock): Promise<OpenEdges> {
  const switches = config.switches.map((each) => openSwitch(each, switchSecrets(each), clock, (path) => i2c.at(path)));
  const { hosts, agents } = openHosts(config.hosts, wire);
  const cluster = config.cluster === undefined ? undefined : await openClusterAt(config.cluster, clock);
  return {
    switches: Object.fromEntries(switches.map((each) => [each.id, each])),
    hosts: Object.fromEntries(hosts.map((each) => [each.id, each])),
    ...(agents === undefined ? {} : { agents }),
    ...(config.charger === undefined ? {} : { charger: openCharger(config.charger) }),
    ...(cluster === undefined ? {} : { cluster }),
  };
}

const openCharger = ({ set: { command } }: ChargerConfig): ChargerControl =>
  commandCharger(command, readAll(command.env, 'charger: env'));

async function openClusterAt(config: NonNullable<Config['cluster']>, clock: Clock): Promise<Cluster> {
  try {
    return await openCluster(config, clock);
  } catch (error) {
    throw new UserError(`cluster: ${messageOf(error)}`, 'check cluster.kubeconfig');
  }
}

function switchSecrets(config: SwitchConfig): SwitchSecrets {
  const where = `switch ${config.id}`;
  if (config.driver === 'snmp') {
    const { community, v3 } = config;
    return {
      ...(community === undefined ? {} : { community: readSecret(community, `${where}: community`) }),
      ...(v3 === undefined
        ? {}
        : {
            v3: {
              authKey: readSecret(v3.authKey, `${where}: v3.authKey`),
              privKey: readSecret(v3.privKey, `${where}: v3.privKey`),
            },
          }),
    };
  }
  if (config.driver === 'i2c' || config.driver === 'modbus' || config.driver === 'poe-serial') return {};
  if (config.driver === 'exec') return { values: readAll(config.env, `${where}: env`) };
  const { ca } = config.tls;
  const password = 'password' in config ? config.password : undefined;
  return {
    ...(password === undefined ? {} : { password: readSecret(password, `${where}: password`) }),
    ...(ca === undefined ? {} : { ca: readSecret({ file: ca }, `${where}: tls.ca`) }),
    ...(config.driver === 'unifi-api' ? { token: readSecret(config.key, `${where}: key`) } : {}),
    ...(config.driver === 'http' ? customSecrets(config, where) : {}),
  };
}

function customSecrets({ token, headers }: Extract<SwitchConfig, { driver: 'http' }>, where: string): SwitchSecrets {
  return {
    ...(token === undefined ? {} : { token: readSecret(token, `${where}: token`) }),
    values: readAll(headers, `${where}: headers`),
  };
}

const readAll = (secrets: Readonly<Record<string, Secret>>, where: string): Record<string, string> =>
  Object.fromEntries(Object.entries(secrets).map(([name, each]) => [name, readSecret(each, `${where}.${name}`)]));

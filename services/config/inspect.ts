import { type Driver, driverFor, driverIds, type MappingDriver } from '#bms';
import { chemistryOf } from '#bms/model';
import { chargerProblems } from './charger.ts';
import { boardProblems } from './devices.ts';
import { probeTarget } from './hosts.ts';
import { i2cSwitchProblems } from './i2c-switch.ts';
import { inputProblems, isInput } from './inputs.ts';
import { circuitProblems } from './inspect-circuit.ts';
import { evidenceProblems } from './inspect-evidence.ts';
import { hostProblems } from './inspect-hosts.ts';
import { sensorProblems } from './inspect-i2c.ts';
import { notifyProblems } from './inspect-notify.ts';
import { inspectNut, readsUps } from './inspect-nut.ts';
import { readOnlySwitchProblems } from './inspect-switches.ts';
import { leaseProblems } from './lease.ts';
import { mqttWarnings } from './mqtt.ts';
import { nearest } from './nearest.ts';
import type { Config } from './schema.ts';
import { serialSwitchProblems } from './serial-switch.ts';
import { portProblems } from './switch-ports.ts';

/** What only the whole configuration can tell: names that lead nowhere, hosts that could never be put to bed. */

export interface Problem {
  readonly severity: 'error' | 'warning';
  /** `hosts[3].poe` */
  readonly path: string;
  readonly message: string;
  readonly tryThis?: string;
}

/** All problems of a configuration that passed its schema. `own`: drivers of the user's profiles. Pure. */
export function inspect(
  config: Config,
  own: readonly Driver[] = [],
  mappings: readonly MappingDriver[] = [],
): Problem[] {
  return [
    ...duplicates(config),
    ...drivers(config, own),
    ...inputProblems(config, mappings),
    ...boardProblems(config, own),
    ...sensorProblems(config, own),
    ...i2cSwitchProblems(config),
    ...portProblems(config),
    ...serialSwitchProblems(config),
    ...readOnlySwitchProblems(config),
    ...wiring(config),
    ...evidenceNames(config),
    ...evidenceProblems(config),
    ...circuitProblems(config),
    ...bank(config),
    ...lastAct(config),
    ...stages(config),
    ...halting(config),
    ...hostProblems(config),
    ...exposure(config),
    ...inspectNut(config),
    ...notifyProblems(config),
    ...leaseProblems(config),
    ...chargerProblems(config),
  ];
}

const error = (path: string, message: string, tryThis?: string): Problem => ({
  severity: 'error',
  path,
  message,
  ...(tryThis === undefined ? {} : { tryThis }),
});
const warning = (path: string, message: string, tryThis?: string): Problem => ({
  ...error(path, message, tryThis),
  severity: 'warning',
});

function duplicates(config: Config): Problem[] {
  const problems: Problem[] = [];
  for (const key of ['packs', 'meters', 'ups', 'switches', 'hosts'] as const) {
    const seen = new Set<string>();
    config[key].forEach(({ id }, index) => {
      if (seen.has(id)) problems.push(error(`${key}[${index}].id`, `${id} is used twice`, 'give each its own id'));
      seen.add(id);
    });
  }
  return problems;
}

/** Where the configuration lists what a driver measures. */
const LISTS = { pack: 'packs', meter: 'meters', ups: 'ups' } as const;

function drivers(config: Config, own: readonly Driver[]): Problem[] {
  const problems: Problem[] = [];
  for (const [kind, key] of Object.entries(LISTS) as ['pack' | 'meter' | 'ups', 'packs' | 'meters' | 'ups'][]) {
    config[key].forEach((device, index) => {
      if (!('via' in device) || isInput(device)) return;
      const { driver: id, via } = device;
      const path = `${key}[${index}]`;
      const driver = known(id, own);
      if (driver === undefined)
        problems.push(error(`${path}.driver`, `no driver is called ${id}`, nearestOrAll(id, own)));
      else if (driver.measures !== kind)
        problems.push(
          error(`${path}.driver`, `${id} reads a ${driver.measures}`, `list it under ${LISTS[driver.measures]}:`),
        );
      else if (driver.shape !== 'registers' && driver.shape !== 'i2c' && ('modbusRtu' in via || 'modbusTcp' in via))
        problems.push(error(`${path}.via`, `driver ${id} does not speak Modbus`, 'use { serial: … } or { tcp: … }'));
    });
  }
  return problems;
}

function known(id: string, own: readonly Driver[]): Driver | undefined {
  try {
    return driverFor(id, own);
  } catch {
    return undefined;
  }
}

const nearestOrAll = (id: string, own: readonly Driver[]): string =>
  nearest(id, driverIds(own)) ?? driverIds(own).join(', ');

/** Drivers whose ports are numbers; others have names such as ether5. */
const NUMBERED: ReadonlySet<string> = new Set(['snmp', 'unifi', 'unifi-api', 'modbus', 'netgear-plus']);

function wiring(config: Config): Problem[] {
  const problems: Problem[] = [];
  const switches = new Map(config.switches.map((each) => [each.id, each.driver]));
  const taken = new Map<string, string>();
  config.hosts.forEach((host, index) => {
    if (host.poe === undefined) return;
    const [switchId = '', port = ''] = host.poe.split('/');
    const path = `hosts[${index}].poe`;
    const driver = switches.get(switchId);
    if (driver === undefined) problems.push(error(path, `no switch is called ${switchId}`, list(switches.keys())));
    else if (NUMBERED.has(driver) && !/^[0-9.]+$/.test(port))
      problems.push(error(path, `"${port}" is no port of ${switchId}: ${driver} switches number their ports`));
    const other = taken.get(host.poe);
    if (other !== undefined) problems.push(error(path, `port ${host.poe} already feeds ${other}`));
    taken.set(host.poe, host.id);
  });
  return problems;
}

function evidenceNames(config: Config): Problem[] {
  const problems: Problem[] = [];
  const packs = new Set(config.packs.map(({ id }) => id));
  const meters = new Set(config.meters.map(({ id }) => id));
  config.mains.evidence.forEach((each, index) => {
    const path = `mains.evidence[${index}]`;
    if ('pack' in each && !packs.has(each.pack))
      problems.push(error(path, `no pack is called ${each.pack}`, list(packs)));
    if ('meter' in each && !meters.has(each.meter))
      problems.push(error(path, `no meter is called ${each.meter}`, list(meters)));
    if ('canary' in each) problems.push(...canaryProblems(config, each.canary, path));
  });
  if (config.shutdown.stages.length > 0 && packs.size === 0 && meters.size === 0 && !readsUps(config))
    problems.push(error('mains.evidence', 'nothing could ever tell that mains is away', 'configure a pack or a meter'));
  if (config.shutdown.stages.length > 0 && packs.size === 0 && config.ups.length === 0)
    problems.push(
      warning('packs', 'without a pack nobody knows how long the battery lasts; set `after` in every stage'),
    );
  return problems;
}

/** Packs on one bus charge each other until their voltages agree, whatever their boards allow. */
const UNLIKE_V = 0.03;

function bank({ packs }: Config): Problem[] {
  const [first, ...others] = packs;
  if (first === undefined) return [];
  const fullV = (pack: Config['packs'][number]): number => pack.cells * chemistryOf(pack.chemistry).limits.chargeV;
  return others.flatMap((pack, index) =>
    Math.abs(fullV(pack) / fullV(first) - 1) <= UNLIKE_V
      ? []
      : [
          error(
            `packs[${index + 1}].cells`,
            `${pack.id} is full at ${fullV(pack).toFixed(1)} V and ${first.id} at ${fullV(first).toFixed(1)} V: they cannot share a bus`,
            'packs of one bus have the same voltage; give another bus a holdover of its own',
          ),
        ],
  );
}

function lastAct({ packs, mains, meters, ups, shutdown }: Config): Problem[] {
  if (shutdown.lastAct === undefined) return [];
  const problems = shutdown.lastAct.packs.flatMap((id, index) => {
    const path = `shutdown.lastAct.packs[${index}]`;
    const pack = packs.find((each) => each.id === id);
    if (pack === undefined)
      return [error(path, `no pack is called ${id}`, list(new Set(packs.map((each) => each.id))))];
    if (pack.control?.mosfets === true) return [];
    return [error(path, `nothing may switch ${id}`, 'control: { mosfets: true } in that pack')];
  });
  const named = mains.evidence.some((each) => !('pack' in each));
  const seen = mains.evidence.length === 0 ? meters.length + ups.length > 0 : named;
  // A pack that is switched off carries no current, and so tells nothing of mains.
  if (!seen)
    problems.push(error('shutdown.lastAct', 'only packs tell that mains is back, and they are off', 'a meter'));
  return problems;
}

/** A canary sings only where it can be asked, and only if it dies with the mains. */
function canaryProblems({ hosts, shutdown }: Config, canary: string, path: string): Problem[] {
  const host = hosts.find(({ id }) => id === canary);
  if (host === undefined) return [error(path, `no host is called ${canary}`, list(new Set(hosts.map(({ id }) => id))))];
  if (probeTarget(host) === undefined)
    return [error(path, `${canary} has no address to ask`, 'give the host an address: and a probePort:')];
  if (host.poe !== undefined || shutdown.stages.some((stage) => stage.hosts.includes(canary)))
    return [
      warning(path, `${canary} hangs on the battery: it would answer without mains too`, 'a host on mains alone'),
    ];
  return [];
}

function stages(config: Config): Problem[] {
  const problems: Problem[] = [];
  const hosts = new Map(config.hosts.map((host) => [host.id, host]));
  const taken = new Map<string, string>();
  const names = new Set<string>();
  config.shutdown.stages.forEach((stage, index) => {
    if (names.has(stage.name)) problems.push(error(`shutdown.stages[${index}].name`, `${stage.name} is used twice`));
    names.add(stage.name);
    stage.hosts.forEach((id, hostIndex) => {
      const path = `shutdown.stages[${index}].hosts[${hostIndex}]`;
      const host = hosts.get(id);
      if (host === undefined) problems.push(error(path, `no host is called ${id}`, list(hosts.keys())));
      else if (host.protected) problems.push(error(path, `${id} is protected and can be in no stage`));
      const other = taken.get(id);
      if (other !== undefined) problems.push(error(path, `${id} is in stage ${other} already`));
      taken.set(id, stage.name);
    });
  });
  config.hosts.forEach((host, index) => {
    if (!host.protected && !taken.has(host.id) && config.shutdown.stages.length > 0)
      problems.push(
        warning(
          `hosts[${index}]`,
          `${host.id} is in no stage: it runs until the battery is empty`,
          'protected: true if that is meant',
        ),
      );
  });
  return problems;
}

function halting(config: Config): Problem[] {
  const problems: Problem[] = [];
  const staged = new Set(config.shutdown.stages.flatMap(({ hosts }) => hosts));
  const cut = new Set(config.switches.flatMap((each) => each.protect.map((port) => `${each.id}/${port}`)));
  config.hosts.forEach((host, index) => {
    if (!staged.has(host.id)) return;
    const path = `hosts[${index}]`;
    if (host.halt === undefined) {
      if (host.poe === undefined)
        problems.push(error(path, `${host.id} can neither be halted nor cut`, 'add halt: or poe:'));
      else
        problems.push(warning(path, `${host.id} has no halt: its port is cut while it runs`, 'add halt: { ssh: … }'));
    }
    if (host.poe !== undefined && cut.has(host.poe))
      problems.push(warning(`${path}.poe`, `${host.poe} is protected: ${host.id} is halted but stays fed`));
    if (host.node !== undefined && config.cluster === undefined)
      problems.push(
        warning(`${path}.node`, 'no cluster is configured: nothing is drained', 'add cluster: { kubeconfig: … }'),
      );
  });
  return problems;
}

type WebSwitch = Extract<Config['switches'][number], { url: string }>;

function sendsSecrets(each: Config['switches'][number]): each is WebSwitch {
  // The login of a Netgear Plus switch is a hash with a challenge.
  if (!('url' in each) || each.driver === 'netgear-plus') return false;
  if (each.driver === 'unifi-api') return true;
  return (
    each.password !== undefined ||
    (each.driver === 'http' && (each.token ?? Object.keys(each.headers)[0]) !== undefined)
  );
}

function exposure(config: Config): Problem[] {
  const problems: Problem[] = [];
  const open = (address: string): boolean => !/^(127\.|localhost|\[::1\]|::1)/.test(address);
  if (open(config.http.listen) && !config.http.readToken)
    problems.push(
      warning('http.listen', 'the page can be read by everybody who reaches this address', 'readToken: true'),
    );
  if (config.mqtt !== undefined && 'embedded' in config.mqtt) {
    const { listen, users } = config.mqtt.embedded;
    if (open(listen) && users.length === 0)
      problems.push(error('mqtt.embedded.listen', 'a broker without users may only listen on loopback', 'add users:'));
  }
  if (config.mqtt !== undefined)
    problems.push(...mqttWarnings(config.mqtt).map((each) => warning(each.path, each.message, each.tryThis)));
  config.switches.forEach((each, index) => {
    if (each.driver === 'snmp' && each.community === undefined && each.v3 === undefined)
      problems.push(error(`switches[${index}]`, `${each.id} needs community: or v3:`));
    if (each.driver === 'http' && (each.user === undefined) !== (each.password === undefined))
      problems.push(error(`switches[${index}]`, `${each.id} needs user: and password:, or neither`));
    if (sendsSecrets(each) && /^http:/.test(each.url) && !/^http:\/\/(127\.|localhost|\[::1\])/.test(each.url))
      problems.push(warning(`switches[${index}].url`, `${each.id} is told its password in the clear`, 'https://…'));
  });
  return problems;
}

const list = (names: Iterable<string>): string => [...names].slice(0, 12).join(', ') || 'none is configured';

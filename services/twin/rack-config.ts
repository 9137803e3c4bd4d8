import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { z } from 'zod';
import type { configSchema } from '../config/schema.ts';
import type { RackPlan } from './demo-rack.ts';
import type { SimWorld } from './world.ts';

export type ConfigInput = z.input<typeof configSchema>;

/** Where the faces of a simulated rack are, as a configuration names them. */
export interface RackFaces {
  /** `host:port` of the BMS, or the path of a serial line to it. */
  readonly bms: { readonly tcp: string } | { readonly serial: string };
  /** `host:port` and unit of the meter. */
  readonly meter: { readonly modbusTcp: string; readonly unit: number };
  readonly switch: SwitchFace;
  readonly ssh: ReadonlyMap<string, SshFace>;
  readonly wol: { readonly address: string; readonly port: number; macOf(hostId: string): string | undefined };
  readonly kubeconfig?: string;
}

/** The switch as a configuration names it, with its secrets as files, and a port of the world as that switch calls it. */
export interface SwitchFace {
  readonly config: Readonly<Record<string, unknown>> & { readonly driver: string };
  readonly portName: (port: string) => string;
}

/** A switch on SNMP, with the watts of a Netgear M4300. */
export const snmpFace = (host: string, port: number, communityFile: string): SwitchFace => ({
  config: { driver: 'snmp', host, port, community: { file: communityFile }, portWatts: 'netgear' },
  portName: (name) => name,
});

export interface SshFace {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly keyFile: string;
  /** `SHA256:…` */
  readonly fingerprint: string;
}

/** The configuration with which a service runs on a simulated rack as it would on a real one. */
export function rackConfig(plan: RackPlan, world: SimWorld, faces: RackFaces, stateDir: string): ConfigInput {
  const { pack } = world;
  const { everyS = 1, staleAfterS } = plan;
  const pace = { every: `${everyS}s`, ...(staleAfterS === undefined ? {} : { staleAfter: `${staleAfterS}s` }) };
  return {
    site: plan.site,
    packs: [
      {
        id: 'lfp1',
        driver: 'jbd',
        via: faces.bms,
        chemistry: plan.chemistry,
        cells: pack.cells,
        capacityAh: pack.capacityAh,
        resistanceOhm: Math.round(plan.packResistanceOhm * 10_000) / 10_000,
        ...pace,
      },
    ],
    meters: [{ id: 'sdm1', driver: 'sdm230', via: faces.meter, ...pace }],
    mains: { evidence: [{ meter: 'sdm1' }, { pack: 'lfp1' }] },
    switches: [
      {
        id: world.switch.id,
        ...faces.switch.config,
        budgetW: world.switch.budgetW,
        every: `${2 * everyS}s`,
        protect: plan.protectedPorts.map(faces.switch.portName),
      } as NonNullable<ConfigInput['switches']>[number],
    ],
    hosts: plan.world.hosts.map((host) => hostConfig(plan, world, faces, host)),
    ...(faces.kubeconfig === undefined ? {} : { cluster: { kubeconfig: faces.kubeconfig } }),
    shutdown: { ...plan.shutdown, stateDir },
  };
}

function hostConfig(
  plan: RackPlan,
  world: SimWorld,
  faces: RackFaces,
  { id, node, port, runningW, wakeable }: RackPlan['world']['hosts'][number],
): NonNullable<ConfigInput['hosts']>[number] {
  const ssh = faces.ssh.get(id);
  const mac = wakeable ? faces.wol.macOf(id) : undefined;
  const isProtected = plan.protectedHosts.includes(id);
  return {
    id,
    ...(ssh === undefined ? {} : { address: ssh.host, probePort: ssh.port }),
    ...(node === undefined ? {} : { node }),
    ...(port === undefined ? {} : { poe: `${world.switch.id}/${faces.switch.portName(port)}` }),
    ...(isProtected ? { protected: true } : {}),
    ...(ssh === undefined || isProtected
      ? {}
      : {
          halt: {
            ssh: { user: ssh.user, port: ssh.port, key: { file: ssh.keyFile }, hostKey: ssh.fingerprint },
          },
        }),
    ...(mac === undefined || isProtected
      ? {}
      : { wake: { wol: { mac, address: faces.wol.address, port: faces.wol.port } } }),
    powerW: runningW,
    haltTimeout: plan.haltTimeoutS,
    bootTimeout: plan.bootTimeoutS,
  };
}

/** Writes into `folder`, which is made; secrets are readable by their owner alone. Returns the path. */
export async function writeRackFile(folder: string, name: string, text: string, secret = false): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, name);
  await writeFile(path, text, { mode: secret ? 0o600 : 0o644 });
  // an existing file keeps its mode when it is written
  if (secret) await chmod(path, 0o600);
  return path;
}

/** Puts secrets into files of their own; what a configuration then says in their place. */
export async function secretFiles(
  folder: string,
  secrets: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, { readonly file: string }>>> {
  const files: Record<string, { file: string }> = {};
  for (const [name, secret] of Object.entries(secrets))
    files[name] = { file: await writeRackFile(folder, `switch-${name}`, `${secret}\n`, true) };
  return files;
}

export const configYaml = (config: ConfigInput): string =>
  `# Written by the simulated rack: addresses change with every start.\n${stringify(config, { lineWidth: 120 })}`;

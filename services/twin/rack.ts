import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { Clock } from '../runtime/clock.ts';
import { type ClusterWorld, createClusterWorld } from './cluster.ts';
import { clusterFollower, summaryOf } from './cluster-watch.ts';
import { serveControl } from './control.ts';
import type { RackPlan } from './demo-rack.ts';
import { serveJbdOnPath, serveJbdOnTcp } from './devices/jbd-bms.ts';
import { serveKubernetesApi } from './devices/kubernetes-api.ts';
import { serveModbusMeter } from './devices/modbus-meter.ts';
import { serveSnmpSwitch } from './devices/snmp-switch.ts';
import type { SshHosts } from './devices/ssh-hosts.ts';
import { serveSshHosts } from './devices/ssh-hosts.ts';
import { SWITCHES, type SwitchKind } from './devices/switches/index.ts';
import { serveWakeOnLan } from './devices/wake-on-lan.ts';
import type { DeviceHandle } from './model.ts';
import {
  type ConfigInput,
  configYaml,
  rackConfig,
  type SshFace,
  type SwitchFace,
  secretFiles,
  snmpFace,
  writeRackFile,
} from './rack-config.ts';
import { WorldRunner } from './runner.ts';
import { Timeline } from './timeline.ts';
import { createWorld, type SimWorld } from './world.ts';

export interface RackOptions {
  readonly plan: RackPlan;
  /** Where configuration, kubeconfig and keys go; made when absent. */
  readonly folder: string;
  /** World seconds per real second; 1 when absent. */
  readonly speed?: number;
  readonly clock?: Clock;
  /** One end of a serial line or pty for the BMS, and the other end as the service names it; TCP when absent. */
  readonly bmsLine?: { readonly device: string; readonly host: string };
  /** The BMS answers no faster than a 9600 baud line; true when absent. */
  readonly throttleBms?: boolean;
  readonly meterPoweredBy?: 'mains' | 'pack';
  readonly controlPort?: number;
  /** The PoE switch; one on SNMP when absent. */
  readonly poe?: SwitchKind;
  /** Sections to put into the configuration besides or instead of its own: `http`, `mqtt`, `influx`, … */
  readonly config?: Partial<ConfigInput>;
}

/** A simulated rack that runs and can be reached like a real one. */
export interface RackHandle {
  readonly world: SimWorld;
  readonly cluster: ClusterWorld;
  readonly timeline: Timeline;
  /** Path of the configuration for `holdover run`. */
  readonly configPath: string;
  /** `http://127.0.0.1:…` */
  readonly control: string;
  /** Faces by name; the names are those of the control's `unplug`. */
  readonly devices: ReadonlyMap<string, DeviceHandle>;
  /** Stops the world and closes every face. Rejects when the world had broken down meanwhile. */
  close(): Promise<void>;
}

const CONFIG_FILE = 'holdover.yaml';

/** Puts a rack on loopback wires, writes what a service needs to run on it, and lets its time begin. */
export async function serveRack(options: RackOptions): Promise<RackHandle> {
  const { plan } = options;
  const world = createWorld(plan.world);
  const cluster = createClusterWorld(world, plan.cluster);
  const timeline = new Timeline();
  timeline.follow(world);
  const devices = new Map<string, DeviceHandle>();
  const closers: (() => Promise<unknown>)[] = [];
  const closeAll = async () => {
    const ends = await Promise.allSettled(closers.toReversed().map(async (close) => close()));
    const broken = ends.find((end) => end.status === 'rejected');
    if (broken) throw broken.reason;
  };
  try {
    const faces = await serveFaces(options, world, cluster, (name, handle) => {
      devices.set(name, handle);
      closers.push(() => handle.close());
    });
    const folder = resolve(options.folder);
    const config = { ...rackConfig(plan, world, faces, join(folder, 'state')), ...options.config };
    const configPath = await writeRackFile(folder, CONFIG_FILE, configYaml(config));

    const follow = clusterFollower(cluster, timeline);
    const runner = new WorldRunner({
      world,
      cluster: {
        step: (dtS) => {
          cluster.step(dtS);
          follow();
        },
      },
      ...(options.speed === undefined ? {} : { speed: options.speed }),
      ...(options.clock === undefined ? {} : { clock: options.clock }),
    });
    const control = await serveControl({
      world,
      timeline,
      devices,
      cluster: () => summaryOf(cluster),
      hold: (held) => runner.hold(held),
      ...(options.controlPort === undefined ? {} : { port: options.controlPort }),
    });
    closers.push(() => control.close());

    runner.start();
    closers.push(() => runner.stop());
    return { world, cluster, timeline, configPath, control: control.address, devices, close: closeAll };
  } catch (error) {
    await closeAll().catch(() => undefined);
    throw error;
  }
}

/** Opens every face; each is handed to `opened` at once, so that none is lost when a later one fails. */
async function serveFaces(
  options: RackOptions,
  world: SimWorld,
  cluster: ClusterWorld,
  opened: (name: string, handle: DeviceHandle) => void,
) {
  const { bmsLine, throttleBms = true, meterPoweredBy = 'pack' } = options;
  const folder = resolve(options.folder);

  const bms = bmsLine
    ? await serveJbdOnPath(world, bmsLine.device, { throttle: throttleBms })
    : await serveJbdOnTcp(world, { throttle: throttleBms });
  opened('bms', bms);

  const meter = await serveModbusMeter(world, { poweredBy: meterPoweredBy });
  opened('meter', meter);

  const poe = await serveSwitch(options.poe, world, folder, (handle) => opened('switch', handle));

  const ssh = await serveSshHosts(world);
  for (const machine of ssh.hosts) opened(`ssh:${machine.hostId}`, machine);
  const keyFile = await writeRackFile(folder, 'ssh-key', ssh.clientKey, true);

  const macs = macsOf(world);
  const wol = await serveWakeOnLan(world, macs);
  opened('wol', wol);
  const macByHost = new Map([...macs].map(([mac, id]) => [id, mac]));

  // No token: kubectl sends none over plain HTTP, and it is wanted as an onlooker.
  const api = await serveKubernetesApi(world, cluster);
  opened('api', api);
  const kubeconfig = await writeRackFile(folder, 'kubeconfig', api.kubeconfig(), true);

  return {
    bms: bmsLine ? { serial: bmsLine.host } : { tcp: bms.address },
    meter: { modbusTcp: meter.address, unit: 1 },
    switch: poe,
    ssh: sshFaces(ssh, keyFile),
    wol: { address: '127.0.0.1', port: wol.port, macOf: (id: string) => macByHost.get(id) },
    kubeconfig,
  };
}

/** The switch of the rack, and its part of the configuration; its secrets go into files. */
async function serveSwitch(
  kind: SwitchKind | undefined,
  world: SimWorld,
  folder: string,
  opened: (handle: DeviceHandle) => void,
): Promise<SwitchFace> {
  const secret = randomBytes(12).toString('hex');
  if (kind === undefined) {
    const communityFile = await writeRackFile(folder, 'snmp-community', `${secret}\n`, true);
    const snmp = await serveSnmpSwitch(world, { readCommunity: secret, writeCommunity: secret });
    opened(snmp);
    return snmpFace('127.0.0.1', snmp.port, communityFile);
  }
  const { handle, config, secrets, portName } = await SWITCHES[kind].serve(world, secret, {});
  opened(handle);
  return { config: { ...config, ...(await secretFiles(folder, secrets)) }, portName };
}

function sshFaces({ hosts }: SshHosts, keyFile: string): ReadonlyMap<string, SshFace> {
  return new Map(
    hosts.map(({ hostId, host, port, user, fingerprint }) => [hostId, { host, port, user, keyFile, fingerprint }]),
  );
}

/** Locally administered addresses, one per machine. */
function macsOf(world: SimWorld): ReadonlyMap<string, string> {
  const byte = (value: number) => value.toString(16).padStart(2, '0');
  return new Map([...world.hosts.keys()].map((id, at) => [`02:00:00:00:${byte(at >> 8)}:${byte(at & 0xff)}`, id]));
}

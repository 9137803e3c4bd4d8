import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { systemClock } from '../runtime/clock.ts';
import { messageOf, UserError } from '../runtime/errors.ts';
import { createClusterWorld } from '../twin/cluster.ts';
import { demoRack } from '../twin/demo-rack.ts';
import { serveJbdOnPath, serveJbdOnTcp } from '../twin/devices/jbd-bms.ts';
import { serveKubernetesApi } from '../twin/devices/kubernetes-api.ts';
import { serveModbusMeter } from '../twin/devices/modbus-meter.ts';
import { serveSnmpSwitch } from '../twin/devices/snmp-switch.ts';
import { serveSshHosts } from '../twin/devices/ssh-hosts.ts';
import type { SwitchKind } from '../twin/devices/switches/index.ts';
import { patient } from '../twin/patience.ts';
import { openPtyPair } from '../twin/pty-pair.ts';
import { serveRack } from '../twin/rack.ts';
import { writeRackFile } from '../twin/rack-config.ts';
import { WorldRunner } from '../twin/runner.ts';
import { createWorld, type SimWorld } from '../twin/world.ts';

export interface EmulateRackOptions {
  /** Where configuration and keys go; a new temporary folder, which stays, when absent. */
  readonly dir?: string;
  /** World seconds per real second; 1 when absent. */
  readonly fast?: number;
  /** Port of the service in the configuration; 8470 when absent. */
  readonly httpPort?: number;
  readonly controlPort?: number;
  /** `pty` needs socat; `auto` (default) takes a pty where it can. */
  readonly bms?: 'auto' | 'pty' | 'tcp';
  /** Another switch than the one on SNMP. */
  readonly poe?: SwitchKind;
  readonly seed?: number;
  /** 0..1 at the beginning. */
  readonly soc?: number;
}

/**
 * `holdover emulate rack`: the rack of the demonstration on loopback wires. Prints one JSON line when it is ready
 * (`config`, `control`, `devices`, `dir`, `bms`, `pid`) and runs until SIGINT or SIGTERM.
 */
export async function emulateRack(options: EmulateRackOptions = {}): Promise<number> {
  const { fast = 1, httpPort = 8470, bms = 'auto' } = options;
  const dir = resolve(options.dir ?? mkdtempSync(join(tmpdir(), 'holdover-rack-')));
  const stopped = signalled();
  const pair = bms === 'tcp' ? undefined : await openPtyPair(dir);
  if (bms === 'pty' && pair === undefined)
    throw new UserError('no pty pair: socat did not start', 'apt-get install socat');
  try {
    const token = await writeRackFile(dir, 'http-token', `${crypto.randomUUID()}\n`, true);
    const asked = demoRack({
      startWallMs: systemClock.wallMs(),
      ...(options.seed === undefined ? {} : { seed: options.seed }),
      ...(options.soc === undefined ? {} : { socRatio: options.soc }),
    });
    const plan = patient(asked, fast);
    const rack = await serveRack({
      plan,
      folder: dir,
      speed: fast,
      ...(pair === undefined ? {} : { bmsLine: pair }),
      // a serial line cannot be sped up with the world, and a fast world must not wait for it
      throttleBms: fast === 1,
      ...(options.poe === undefined ? {} : { poe: options.poe }),
      ...(options.controlPort === undefined ? {} : { controlPort: options.controlPort }),
      config: {
        http: { listen: `127.0.0.1:${httpPort}`, tokens: [{ name: 'demo', token: { file: token }, write: true }] },
      },
    });
    try {
      ready({
        config: rack.configPath,
        control: rack.control,
        devices: Object.fromEntries([...rack.devices].map(([name, { address }]) => [name, address])),
        bms: pair === undefined ? 'tcp' : 'pty',
        dir,
        pid: process.pid,
      });
      await stopped;
    } finally {
      await rack.close();
    }
  } finally {
    await pair?.close();
  }
  return 0;
}

export const DEVICE_KINDS = ['jbd', 'sdm230', 'poe-snmp', 'kubernetes', 'ssh'] as const;
export type DeviceKind = (typeof DEVICE_KINDS)[number];

export interface EmulateDeviceOptions {
  /** 127.0.0.1 when absent. */
  readonly host?: string;
  /** A free one when absent. Not for `ssh`, which needs one per machine. */
  readonly port?: number;
  /** `jbd` only: serial port or pty to answer on, instead of TCP. */
  readonly path?: string;
  /** `ssh` and `kubernetes`: where the key or kubeconfig goes; a new temporary folder when absent. */
  readonly dir?: string;
  /** `poe-snmp`: the community that may write; `private` when absent. `public` may read. */
  readonly community?: string;
  readonly fast?: number;
  /** World time until mains fails, s; never when absent. */
  readonly outageAfter?: number;
}

/** `holdover emulate jbd|sdm230|…`: one device of the demonstration's rack. One JSON line, then until SIGINT or SIGTERM. */
export async function emulateDevice(kind: DeviceKind, options: EmulateDeviceOptions = {}): Promise<number> {
  const { fast = 1, outageAfter } = options;
  const plan = demoRack({ startWallMs: systemClock.wallMs() });
  const world = createWorld(plan.world);
  const cluster = createClusterWorld(world, plan.cluster);
  const stopped = signalled();
  const device = await serveDevice(kind, options, world, cluster);
  const runner = new WorldRunner({
    world,
    speed: fast,
    cluster: {
      step: (dtS) => {
        cluster.step(dtS);
        if (outageAfter !== undefined && world.timeS >= outageAfter) world.setMains(false);
      },
    },
  });
  try {
    runner.start();
    ready({ device: kind, ...device.facts, pid: process.pid });
    await stopped;
  } finally {
    await runner.stop();
    await device.close();
  }
  return 0;
}

const PTY_PAIR = 'an end of a pty pair, as of: socat -d -d pty,raw,echo=0 pty,raw,echo=0';

interface Served {
  readonly facts: Readonly<Record<string, unknown>>;
  close(): Promise<void>;
}

async function serveDevice(
  kind: DeviceKind,
  options: EmulateDeviceOptions,
  world: SimWorld,
  cluster: ReturnType<typeof createClusterWorld>,
): Promise<Served> {
  const place = {
    ...(options.host === undefined ? {} : { host: options.host }),
    ...(options.port === undefined ? {} : { port: options.port }),
  };
  const folder = () => resolve(options.dir ?? mkdtempSync(join(tmpdir(), `holdover-${kind}-`)));
  switch (kind) {
    case 'jbd': {
      const face =
        options.path === undefined
          ? await serveJbdOnTcp(world, { ...place, throttle: true })
          : await serveJbdOnPath(world, options.path, { throttle: true }).catch((error: unknown) => {
              throw new UserError(
                `${options.path} cannot be opened: ${messageOf(error).replace(/^Error: /, '')}`,
                PTY_PAIR,
              );
            });
      return { facts: { address: face.address }, close: () => face.close() };
    }
    case 'sdm230': {
      const face = await serveModbusMeter(world, place);
      return { facts: { address: face.address, unit: 1 }, close: () => face.close() };
    }
    case 'poe-snmp': {
      const { community = 'private' } = options;
      const face = await serveSnmpSwitch(world, { ...place, writeCommunity: community });
      return { facts: { address: face.address, community }, close: () => face.close() };
    }
    case 'kubernetes': {
      const face = await serveKubernetesApi(world, cluster, place);
      const kubeconfig = await writeRackFile(folder(), 'kubeconfig', face.kubeconfig(), true);
      return { facts: { address: face.address, kubeconfig }, close: () => face.close() };
    }
    case 'ssh': {
      const face = await serveSshHosts(world, options.host === undefined ? {} : { host: options.host });
      const key = await writeRackFile(folder(), 'ssh-key', face.clientKey, true);
      const hosts = face.hosts.map(({ hostId, address, user, fingerprint }) => ({
        hostId,
        address,
        user,
        fingerprint,
      }));
      return { facts: { key, hosts }, close: () => face.close() };
    }
    default:
      throw new UserError(`nothing here plays ${JSON.stringify(kind)}`, `one of ${DEVICE_KINDS.join(', ')}`);
  }
}

/** The one line that says where everything is. */
export function ready(facts: Readonly<Record<string, unknown>>): void {
  console.log(JSON.stringify(facts));
}

/** Resolves at the first SIGINT or SIGTERM. Listens from the call on, so that none is missed while starting. */
export function signalled(): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      process.off('SIGINT', stop).off('SIGTERM', stop);
      resolve();
    };
    process.on('SIGINT', stop).on('SIGTERM', stop);
  });
}

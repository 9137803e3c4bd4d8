import { type ChildProcess, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { loadConfig } from '../../services/config/load.ts';
import { type Service, startService } from '../../services/main.ts';
import { fastClock, systemClock } from '../../services/runtime/clock.ts';
import { createLog } from '../../services/runtime/log.ts';
import type { CoordinatorView, HostView } from '../../services/shutdown/view.ts';
import { demoRack } from '../../services/twin/demo-rack.ts';
import { serveProxmoxApi } from '../../services/twin/devices/proxmox-api.ts';
import { serveTalosApi } from '../../services/twin/devices/talos-api.ts';
import { patient } from '../../services/twin/patience.ts';
import { type RackHandle, serveRack } from '../../services/twin/rack.ts';
import type { ConfigInput } from '../../services/twin/rack-config.ts';
import { freePort } from '../ports.ts';
import { authority, openssl } from '../services/hosts/certificates.ts';
import { getJson, until } from './stage.ts';

/** One rack with a machine for each way of halting: the whole service, real wires, and an agent as its own process. */

const ENTRY = join(import.meta.dirname, '../../services/cli/holdover.ts');
const SPEED = 8;
const SECRET = '2f1e9c1e-0000-4000-8000-00000000cafe';

const dir = mkdtempSync(join(tmpdir(), 'holdover-halts-'));
const file = (name: string, text?: string): string => {
  const path = join(dir, name);
  if (text !== undefined) writeFileSync(path, text, { mode: 0o600 });
  return path;
};

let rack: RackHandle;
let service: Service;
let agent: ChildProcess | undefined;
const closers: (() => unknown)[] = [];

/** Whoever halts a machine by a command leaves a file; the world does the rest. */
function obeyFiles(): NodeJS.Timeout {
  return setInterval(() => {
    for (const id of ['nuc2', 'nuc3'])
      if (existsSync(file(`${id}.halt`))) {
        rmSync(file(`${id}.halt`));
        rack.world.hosts.get(id)?.halt();
      }
    // an agent ends with its machine
    if (rack.world.hosts.get('nuc3')?.state === 'halted') agent?.kill('SIGKILL');
  }, 20);
}

async function startRack(): Promise<ConfigInput['hosts']> {
  const plan = patient(demoRack({ startWallMs: systemClock.wallMs() }), SPEED);
  const ways = ['pi1', 'nuc1', 'nuc2', 'nuc3', 'router'];
  const machines = plan.world.hosts.filter(({ id }) => ways.includes(id));
  rack = await serveRack({
    plan: { ...plan, world: { ...plan.world, hosts: machines }, cluster: { ...plan.cluster, podsPerNode: 0 } },
    folder: dir,
    speed: SPEED,
    throttleBms: false,
  });
  const { ca, issue } = authority('home');
  const talos = await serveTalosApi(rack.world, 'pi1', { ca, ...issue('pi1') });
  const shown = issue('pve');
  const proxmox = await serveProxmoxApi(rack.world, 'nuc1', {
    node: 'pve1',
    ...shown,
    token: `holdover@pve!halt=${SECRET}`,
    guests: [{ kind: 'lxc', vmid: 100, name: 'dns', takesMs: 200, obeys: true }],
  });
  closers.push(talos.close, proxmox.close);
  const client = issue('ops');
  const limits = { haltTimeout: '8m', address: '127.0.0.1' };
  return [
    { id: 'router', protected: true },
    {
      id: 'pi1',
      ...limits,
      poe: 'sw1/1',
      halt: {
        talos: {
          port: talos.port,
          ca: { file: file('ca.crt', ca) },
          crt: { file: file('ops.crt', client.crt) },
          key: { file: file('ops.key', client.key) },
        },
      },
    },
    {
      id: 'nuc1',
      ...limits,
      halt: {
        proxmox: {
          url: `https://${proxmox.address}`,
          node: 'pve1',
          token: { id: 'holdover@pve!halt', secret: { file: file('pve', SECRET) } },
          fingerprint: new X509Certificate(shown.crt).fingerprint256,
        },
      },
    },
    {
      id: 'nuc2',
      ...limits,
      probePort: Number(rack.devices.get('ssh:nuc2')?.address.split(':')[1]),
      halt: { command: { argv: ['/usr/bin/touch', file('nuc2.halt')] } },
    },
    { id: 'nuc3', haltTimeout: '8m', halt: { agent: { token: { file: file('token', `${'ab'.repeat(16)}\n`) } } } },
  ];
}

function startAgent(port: number): void {
  const config = {
    service: `http://127.0.0.1:${port}`,
    host: 'nuc3',
    token: { file: file('token') },
    command: ['/usr/bin/touch', file('nuc3.halt')],
    stateDir: file('agent'),
  };
  agent = spawn(process.execPath, [ENTRY, 'agent', '--config', file('agent.yaml', stringify(config))], {
    stdio: 'ignore',
  });
}

const hosts = async () => (await getJson<{ hosts: CoordinatorView['hosts'] }>(`${service.address}/api/v1/hosts`)).hosts;

/** Waits until all four are as asked for. */
const all = (what: string, which: (host: HostView) => boolean) =>
  until(what, async () => {
    const now = await hosts();
    return now.filter((host) => host.id !== 'router' && which(host)).length === 4 ? now : undefined;
  });

describe.skipIf(openssl.skip)('a rack with a machine for each way of halting', () => {
  beforeAll(async () => {
    const hosts = await startRack();
    const timer = obeyFiles();
    closers.push(() => clearInterval(timer));
    const port = await freePort();
    const { cluster: _, ...rest } = parse(readFileSync(rack.configPath, 'utf8')) as ConfigInput;
    const own: ConfigInput = {
      ...rest,
      hosts,
      shutdown: {
        ...rest.shutdown,
        restore: { ...rest.shutdown?.restore, minSoc: 0.05 },
        stages: [{ name: 'all', hosts: ['pi1', 'nuc1', 'nuc2', 'nuc3'], after: '1s' }],
      },
      http: { listen: `127.0.0.1:${port}` },
    };
    const { config, warnings } = loadConfig(file('own.yaml', stringify(own)));
    expect(warnings.map(({ path }) => path)).toContain('hosts[4].halt.agent');
    const clock = fastClock(SPEED);
    service = await startService({ config, clock, wire: systemClock, log: createLog('silent') });
    startAgent(port);
  });
  afterAll(async () => {
    agent?.kill('SIGKILL');
    await service?.stop();
    for (const close of closers) await close();
    await rack?.close();
    rmSync(dir, { recursive: true, force: true });
  });

  it('sees them all, one of them by its agent alone', async () => {
    await all('all four are seen', ({ reachable, phase }) => reachable === true && phase === 'up');
  });

  it('puts each to bed in its own way, and cuts no power under any', async () => {
    rack.world.setMains(false);
    const down = await all('all four are down', ({ phase }) => phase === 'halted' || phase === 'cut');
    expect(down.filter(({ forced, trouble }) => forced || trouble !== undefined)).toEqual([]);
    for (const id of ['pi1', 'nuc1', 'nuc2', 'nuc3'])
      expect(['halted', 'off']).toContain(rack.world.hosts.get(id)?.state);
    expect(rack.world.hosts.get('router')?.state).toBe('running');
    expect(rack.world.violations).toEqual([]);
    const journal = await getJson<{ entries: unknown[] }>(`${service.address}/api/v1/journal?limit=500`);
    const text = JSON.stringify(journal);
    expect(text).not.toContain(SECRET);
    for (const id of ['pi1', 'nuc1', 'nuc2', 'nuc3']) expect(text).toContain(`halt:${id}`);
  });
});

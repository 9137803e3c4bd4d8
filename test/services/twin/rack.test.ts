import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkConfig } from '../../../services/config/load.ts';
import { demoRack } from '../../../services/twin/demo-rack.ts';
import { type RackHandle, serveRack } from '../../../services/twin/rack.ts';
import { peer } from '../../peers.ts';

const folder = mkdtempSync(join(tmpdir(), 'twin-rack-'));
let rack: RackHandle;

beforeAll(async () => {
  rack = await serveRack({
    plan: demoRack(),
    folder,
    speed: 5,
    throttleBms: false,
    config: { http: { listen: '127.0.0.1:0' } },
  });
});

afterAll(async () => {
  await rack?.close();
  rmSync(folder, { recursive: true, force: true });
});

const state = async () => (await (await fetch(`${rack.control}/state`)).json()) as Record<string, never>;
const events = async () => {
  const body = (await (await fetch(`${rack.control}/events`)).json()) as {
    events: { kind: string; subject: string; detail: string }[];
  };
  return body.events.map(({ kind, subject, detail }) => `${kind} ${subject} ${detail}`);
};
const post = (path: string, body: unknown) =>
  fetch(rack.control + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

const snmpwalk = peer('snmpwalk');
const kubectl = peer('kubectl');
const run = promisify(execFile);

function checkedSwitch() {
  const checked = checkConfig(readFileSync(rack.configPath, 'utf8'));
  const found = checked.ok ? checked.config.switches[0] : undefined;
  if (found?.driver !== 'snmp') throw new Error('no switch in the configuration');
  return found;
}

function apiServer(): string {
  const kubeconfig = JSON.parse(readFileSync(join(folder, 'kubeconfig'), 'utf8')) as {
    clusters: { cluster: { server: string } }[];
  };
  return kubeconfig.clusters[0]?.cluster.server ?? '';
}

describe('rack on loopback wires', () => {
  it('writes a configuration that passes every check', () => {
    const checked = checkConfig(readFileSync(rack.configPath, 'utf8'));
    if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
    const { config } = checked;
    expect(config.packs).toMatchObject([
      { driver: 'jbd', cells: 16, capacityAh: 2.5, via: { tcp: expect.any(String) } },
    ]);
    expect(config.hosts).toHaveLength(24);
    expect(config.hosts.find(({ id }) => id === 'pi7')).toMatchObject({
      node: 'pi7',
      poe: 'sw1/7',
      halt: { ssh: { user: 'ops', hostKey: expect.stringMatching(/^SHA256:/) } },
    });
    expect(config.hosts.find(({ id }) => id === 'nuc2')).toMatchObject({ wake: { wol: { mac: expect.any(String) } } });
    expect(config.hosts.find(({ id }) => id === 'nuc1')).toMatchObject({ protected: true });
    expect(config.hosts.find(({ id }) => id === 'nuc1')?.halt).toBeUndefined();
    expect(config.switches).toMatchObject([{ id: 'sw1', budgetW: 400, protect: ['24'] }]);
    expect(config.shutdown.stages.map(({ name }) => name)).toEqual(['batch', 'workers', 'control-plane']);
    expect(config.shutdown.stateDir).toBe(join(folder, 'state'));
    expect(checked.warnings).toEqual([]);
  });

  it('keeps keys and tokens to their owner, and out of the configuration', () => {
    const text = readFileSync(rack.configPath, 'utf8');
    for (const name of ['ssh-key', 'snmp-community', 'kubeconfig']) {
      const path = join(folder, name);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      const secret = readFileSync(path, 'utf8').trim();
      expect(secret.length).toBeGreaterThan(10);
      expect(text).not.toContain(secret);
      expect(text).toContain(path);
    }
  });

  it.skipIf(snmpwalk.skip)(
    `lets ${snmpwalk.title} read the switch with the community it was given, and no other`,
    async () => {
      const { port } = checkedSwitch();
      const community = readFileSync(join(folder, 'snmp-community'), 'utf8').trim();
      const ask = (name: string) =>
        run(snmpwalk.path, [
          '-v2c',
          '-c',
          name,
          '-t',
          '2',
          '-r',
          '0',
          '-Oqv',
          `127.0.0.1:${port}`,
          '1.3.6.1.2.1.105.1.3.1.1',
        ]);
      expect((await ask(community)).stdout).toMatch(/400/);
      await expect(ask('public')).rejects.toThrow(/Timeout/);
    },
  );

  it('moves by itself, faster than the clock on the wall', async () => {
    const { timeS } = rack.world;
    await expect.poll(() => rack.world.timeS - timeS, { timeout: 60_000 }).toBeGreaterThan(3);
    expect(await state()).toMatchObject({ mainsPresent: true, violations: [], cluster: { pendingPods: 0 } });
  });

  it('shows the same pack on the BMS as in the world', async () => {
    const [host, port] = rack.devices.get('bms')?.address.split(':') ?? [];
    const socket = connect(Number(port), host);
    await once(socket, 'connect');
    socket.write(Buffer.from('dda50300fffd77', 'hex'));
    const [frame] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    expect(frame.readUInt16BE(4) / 100).toBeCloseTo(rack.world.pack.voltageV, 0);
    expect(frame[25]).toBe(16);
  });

  it('has a cluster of twenty nodes with some eight pods each', async () => {
    const server = apiServer();
    const nodes = (await (await fetch(`${server}/api/v1/nodes`)).json()) as { items: unknown[] };
    expect(nodes.items).toHaveLength(20);
    const pods = (await (await fetch(`${server}/api/v1/pods`)).json()) as { items: unknown[] };
    expect(pods.items.length).toBeGreaterThan(150);
    expect(pods.items.length).toBeLessThan(190);
  });

  it.skipIf(kubectl.skip)(`can be looked at with ${kubectl.title} and the kubeconfig it wrote`, async () => {
    const arguments_ = ['--kubeconfig', join(folder, 'kubeconfig'), 'get', 'nodes', '-o', 'name'];
    const { stdout } = await run(kubectl.path, arguments_, { timeout: 60_000, env: { ...process.env, HOME: folder } });
    expect(stdout.trim().split('\n')).toHaveLength(20);
  });

  it('tells in its timeline what was done to the cluster', async () => {
    const server = apiServer();
    const answer = await fetch(`${server}/api/v1/nodes/pi12`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: JSON.stringify({ spec: { unschedulable: true } }),
    });
    expect(answer.status).toBe(200);
    await expect.poll(events, { timeout: 60_000 }).toContain('node pi12 cordoned');
    const { cluster } = (await state()) as unknown as {
      cluster: { nodes: { name: string; unschedulable: boolean }[] };
    };
    expect(cluster.nodes.filter((node) => node.unschedulable).map((node) => node.name)).toEqual(['pi12']);
  });

  it('loses mains, and its faces say so', async () => {
    await post('/mains', { present: false });
    await expect.poll(() => rack.world.pack.currentA, { timeout: 60_000 }).toBeLessThan(-3);
    expect(await events()).toContain('mains mains lost');
    await post('/mains', { present: true });
  });

  it('unplugs its BMS and its meter by name', async () => {
    for (const device of ['bms', 'meter']) {
      expect((await post('/unplug', { device })).status).toBe(200);
      const [host, port] = rack.devices.get(device)?.address.split(':') ?? [];
      const refused = await once(connect(Number(port), host), 'connect').then(
        () => 'connected',
        (error: NodeJS.ErrnoException) => error.code,
      );
      expect(refused).toBe('ECONNREFUSED');
      expect((await post('/replug', { device })).status).toBe(200);
    }
  });
});

describe('rack that cannot be put on its wires', () => {
  it('closes what it had opened and says why', async () => {
    const taken = Number(rack.control.split(':').at(-1));
    const place = join(folder, 'second');
    await expect(serveRack({ plan: demoRack(), folder: place, controlPort: taken })).rejects.toThrow(/EADDRINUSE/);
  });
});

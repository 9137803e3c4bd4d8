import type { Socket } from 'node:net';
import ssh2, { type ServerChannel } from 'ssh2';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { probeTarget } from '../../../services/config/hosts.ts';
import { configSchema, type HostConfig } from '../../../services/config/schema.ts';
import { hostControl } from '../../../services/hosts/index.ts';
import { fingerprint } from '../../../services/hosts/ssh-halt.ts';
import { magicPacket } from '../../../services/hosts/wake-on-lan.ts';
import type { Outcome } from '../../../services/shutdown/promises.ts';
import { type SshHosts, serveSshHosts } from '../../../services/twin/devices/ssh-hosts.ts';
import { TcpServer } from '../../../services/twin/devices/tcp-server.ts';
import { serveWakeOnLan } from '../../../services/twin/devices/wake-on-lan.ts';
import type { MachineState, World, WorldHost } from '../../../services/twin/model.ts';

/** Two machines and nothing else. */
function twoMachines(): {
  world: World;
  states: Record<string, MachineState>;
  change: () => void;
  silent: Set<string>;
} {
  const states: Record<string, MachineState> = { pi1: 'running', nuc: 'running' };
  const listeners = new Set<() => void>();
  const silent = new Set<string>();
  const change = (): void => {
    for (const listener of listeners) listener();
  };
  const machine = (id: string): WorldHost => ({
    id,
    controlPlane: false,
    get state() {
      return states[id] ?? 'off';
    },
    bootId: 'b',
    powerW: 7,
    halt: () => {
      states[id] = 'halting';
      change();
    },
    wake: () => {
      states[id] = 'booting';
      change();
    },
  });
  const world = {
    hosts: new Map(['pi1', 'nuc'].map((id) => [id, machine(id)])),
    faults: { silent, switchDisobeys: false, haltIgnored: new Set<string>(), stuckBudgets: new Set<string>() },
    onChange: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  } as unknown as World;
  return { world, states, change, silent };
}

const rack = twoMachines();
let faces: SshHosts;
let servers: TcpServer[] = [];

beforeAll(async () => {
  faces = await serveSshHosts(rack.world);
});
afterAll(() => faces.close());
afterEach(async () => {
  rack.states.pi1 = 'running';
  rack.states.nuc = 'running';
  rack.silent.clear();
  rack.change();
  await Promise.all(servers.map((server) => server.close()));
  servers = [];
});

function configOf(id: string, more: Record<string, unknown> = {}): HostConfig {
  const face = faces.hosts.find((each) => each.hostId === id);
  const ssh = {
    user: 'ops',
    port: face?.port,
    key: { env: 'KEY' },
    hostKey: face?.fingerprint,
    connectTimeout: 2,
    ...more,
  };
  const [host] = configSchema.parse({ hosts: [{ id, address: '127.0.0.1', halt: { ssh } }] }).hosts;
  if (host === undefined) throw new Error('no host');
  return host;
}

const control = (id: string, more: Record<string, unknown> = {}, key = faces.clientKey) =>
  hostControl(configOf(id, more), { key });

/** A TCP server that is no SSH server; its port. */
async function impostor(serve: (socket: Socket) => void): Promise<number> {
  const server = new TcpServer('127.0.0.1', 0, serve);
  servers.push(server);
  await server.listen();
  return server.port;
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 3000; tries += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('did not come true');
}

describe('halting over SSH', () => {
  it('halts the machine it is meant for and no other', async () => {
    expect(await control('pi1').halt()).toMatchObject({ code: 'done' });
    expect(rack.states).toEqual({ pi1: 'halting', nuc: 'running' });
  });

  it('refuses a machine whose host key is not the pinned one, and sends nothing', async () => {
    const hostKey = `SHA256:${'A'.repeat(43)}`;
    const outcome = await control('pi1', { hostKey }).halt();
    expect(outcome.code).toBe('refused');
    expect(outcome.detail).toContain(hostKey);
    expect(rack.states.pi1).toBe('running');
  });

  it('says when the key is not accepted, without showing it', async () => {
    const other = await serveSshHosts(twoMachines().world);
    const outcome = await control('pi1', {}, other.clientKey).halt();
    await other.close();
    expect(outcome).toMatchObject({ code: 'refused', detail: expect.stringContaining('authorized_keys') });
    expect(outcome.detail).not.toContain('PRIVATE KEY');
    expect(rack.states.pi1).toBe('running');
  });

  it('says when the key is no key', async () => {
    expect(await control('pi1', {}, 'garbage').halt()).toMatchObject({ code: 'refused' });
  });

  it('reports what a failing command said', async () => {
    const outcome = await control('pi1', { command: 'shutdown --please' }).halt();
    expect(outcome).toMatchObject({ code: 'refused', detail: expect.stringContaining('status 127') });
    expect(outcome.detail).toContain('command not found');
  });

  it('is unreachable when nobody listens', async () => {
    rack.states.pi1 = 'halted';
    rack.change();
    await until(async () => !(await control('pi1').reachable()));
    expect(await control('pi1').halt()).toMatchObject({ code: 'unreachable' });
  });

  it('gives up on a server that accepts and says nothing', async () => {
    const port = await impostor(() => {});
    const outcome = await control('pi1', { port, connectTimeout: 0.3 }).halt();
    expect(outcome.code).toBe('timeout');
  });

  it('gives up on a server that hangs in the middle of the login', async () => {
    rack.silent.add('ssh:pi1');
    const outcome = await control('pi1', { connectTimeout: 0.3 }).halt();
    expect(outcome.code).toBe('timeout');
    expect(rack.states.pi1).toBe('running');
  });

  it.each([
    ['text and a hang-up', (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['a greeting and garbage', (socket: Socket) => socket.write(`SSH-2.0-x\r\n${'\u0000'.repeat(2000)}`)],
    ['bytes without end', (socket: Socket) => socket.write(Buffer.alloc(100_000, 0x41))],
    ['a hang-up', (socket: Socket) => socket.destroy()],
  ])('survives a server that answers with %s', async (_name, serve) => {
    const port = await impostor((socket) => void serve(socket));
    const outcome = await control('pi1', { port, connectTimeout: 2 }).halt();
    expect(['unreachable', 'refused', 'timeout']).toContain(outcome.code);
  });

  it('takes a machine that goes away before it answers for one that goes down', async () => {
    const outcome = await haltAgainst((_channel, drop) => drop());
    expect(outcome).toMatchObject({ code: 'done', detail: expect.stringContaining('dropped') });
  });

  it('takes a command that the shutdown itself killed for accepted', async () => {
    const outcome = await haltAgainst((channel) => {
      channel.exit('TERM');
      channel.end();
    });
    expect(outcome).toMatchObject({ code: 'done', detail: expect.stringContaining('signal') });
  });

  it('does not wait for what a finished command left running', async () => {
    expect(await haltAgainst((channel) => channel.exit(0))).toMatchObject({ code: 'done' });
  });

  it('quotes no more than 200 bytes of error text, without control characters', async () => {
    const outcome = await haltAgainst((channel) => {
      channel.stderr.write(`\u001b[2J${'x'.repeat(5000)}`);
      channel.exit(1);
      channel.end();
    });
    expect(outcome.code).toBe('refused');
    expect(outcome.detail).toContain('status 1: [2Jxxx');
    expect(outcome.detail?.match(/x+$/)?.[0].length).toBeLessThanOrEqual(200);
    expect(outcome.detail).not.toContain('\u001b');
  });

  it('ends at once when the caller gives up', async () => {
    const port = await impostor(() => {});
    const abort = new AbortController();
    const halted = control('pi1', { port, connectTimeout: 60 }).halt(abort.signal);
    setTimeout(() => abort.abort(), 50);
    expect(await halted).toMatchObject({ code: 'timeout', detail: expect.stringContaining('given up') });
  });

  it('leaves a protected host alone', async () => {
    const pi = hostControl({ ...configOf('pi1'), protected: true }, { key: faces.clientKey });
    expect(await pi.halt()).toMatchObject({ code: 'left-alone' });
    expect(rack.states.pi1).toBe('running');
  });
});

/** Halts against an SSH server that lets everybody in and does with the command what it is told. */
async function haltAgainst(serve: (channel: ServerChannel, drop: () => void) => void): Promise<Outcome> {
  const { private: hostKey, public: publicHostKey } = ssh2.utils.generateKeyPairSync('ed25519');
  const parsed = ssh2.utils.parseKey(publicHostKey);
  if (parsed instanceof Error) throw parsed;
  let raw: Socket | undefined;
  const daemon = new ssh2.Server({ hostKeys: [hostKey] }, (connection) => {
    connection.on('error', () => {});
    connection.on('authentication', (context) => context.accept());
    connection.on('session', (accept) => {
      accept().on('exec', (take) => {
        const channel = take();
        channel.on('error', () => {});
        // after the reply to the request is out
        setTimeout(() => serve(channel, () => raw?.destroy()), 50);
      });
    });
  });
  const port = await impostor((socket) => {
    raw = socket;
    daemon.injectSocket(socket);
  });
  return control('pi1', { port, hostKey: fingerprint(parsed.getPublicSSH()) }).halt();
}

describe('reachability and waking', () => {
  it('follows the machine, which keeps its port over a reboot', async () => {
    const pi = control('pi1');
    expect(await pi.reachable()).toBe(true);
    rack.states.pi1 = 'halted';
    rack.change();
    await until(async () => !(await pi.reachable()));
    rack.states.pi1 = 'running';
    rack.change();
    await until(() => pi.reachable());
  });

  it('wakes the machine whose address the magic packet carries', async () => {
    rack.states.nuc = 'halted';
    rack.states.pi1 = 'halted';
    const wol = await serveWakeOnLan(rack.world, new Map([['02:00:00:00:00:05', 'nuc']]));
    const [host] = configSchema.parse({
      hosts: [{ id: 'nuc', wake: { wol: { mac: '02:00:00:00:00:05', address: '127.0.0.1', port: wol.port } } }],
    }).hosts;
    if (host === undefined) throw new Error('no host');
    expect(await hostControl(host, {}).wake()).toMatchObject({ code: 'done' });
    await until(() => rack.states.nuc === 'booting');
    expect(rack.states.pi1).toBe('halted');
    await wol.close();
  });

  it.each([
    ['its SSH port', { address: '10.0.0.7' }, { host: '10.0.0.7', port: 22 }],
    ['a port of its own', { address: '10.0.0.7', probePort: 6443 }, { host: '10.0.0.7', port: 6443 }],
    ['nowhere without an address', {}, undefined],
  ])('is looked for at %s', (_where, more, target) => {
    const [host] = configSchema.parse({ hosts: [{ id: 'x', ...more }] }).hosts;
    expect(host && probeTarget(host)).toEqual(target);
  });

  it('is looked for where SSH goes', () => {
    expect(probeTarget(configOf('pi1', { host: '10.0.0.8', port: 2222 }))).toEqual({ host: '10.0.0.8', port: 2222 });
    expect(probeTarget({ ...configOf('pi1', { host: '10.0.0.8' }), probePort: 80 })).toEqual({
      host: '127.0.0.1',
      port: 80,
    });
  });

  it('refuses what is not configured', async () => {
    const [host] = configSchema.parse({ hosts: [{ id: 'x' }] }).hosts;
    if (host === undefined) throw new Error('no host');
    const bare = hostControl(host, {});
    expect(await bare.halt()).toMatchObject({ code: 'refused' });
    expect(await bare.wake()).toMatchObject({ code: 'refused' });
    expect(await bare.reachable()).toBe(false);
  });

  it('builds the packet as it is defined', () => {
    const packet = magicPacket('01:23:45:67:89:ab');
    expect(packet).toHaveLength(102);
    expect([...packet.slice(0, 8)]).toEqual([255, 255, 255, 255, 255, 255, 1, 0x23]);
    expect([...packet.slice(96)]).toEqual([1, 0x23, 0x45, 0x67, 0x89, 0xab]);
  });
});

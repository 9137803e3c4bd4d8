import { createHash, X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HostConfig, hostSchema } from '../../../services/config/hosts.ts';
import { hostControl } from '../../../services/hosts/index.ts';
import {
  type ProxmoxApiHandle,
  type ProxmoxGuest,
  serveProxmoxApi,
} from '../../../services/twin/devices/proxmox-api.ts';
import { authority, openssl } from './certificates.ts';
import { deadPort, listener, type Machines, machines, until } from './machines.ts';

const pve = authority('pve');
const shown = pve.issue('pve');
const FINGERPRINT = openssl.skip ? '' : new X509Certificate(shown.crt).fingerprint256;
const SECRET = '2f1e9c1e-0000-4000-8000-00000000cafe';

let rack: Machines;
const apis: ProxmoxApiHandle[] = [];
beforeEach(() => {
  rack = machines('nuc1', 'nuc2');
});
afterEach(async () => {
  await Promise.all(apis.splice(0).map((api) => api.close()));
});

const guest = (vmid: number, more: Partial<ProxmoxGuest> = {}): ProxmoxGuest => ({
  kind: 'qemu',
  vmid,
  name: `vm${vmid}`,
  takesMs: 50,
  obeys: true,
  ...more,
});

async function api(guests: readonly ProxmoxGuest[] = [], more: object = {}): Promise<ProxmoxApiHandle> {
  const token = `holdover@pve!halt=${SECRET}`;
  const handle = await serveProxmoxApi(rack.world, 'nuc1', { node: 'pve1', ...shown, token, guests, ...more });
  apis.push(handle);
  return handle;
}

function host(port: number, more: object = {}, rest: object = {}): HostConfig {
  const proxmox = {
    url: `https://127.0.0.1:${port}`,
    node: 'pve1',
    token: { id: 'holdover@pve!halt', secret: { env: 'PVE' } },
    fingerprint: FINGERPRINT,
    guestTimeout: 3,
    requestTimeout: 2,
    ...more,
  };
  return hostSchema.parse({ id: 'nuc1', halt: { proxmox }, ...rest });
}

const halt = (config: HostConfig, secrets: { token?: string; ca?: string } = {}) =>
  hostControl(config, { proxmox: { token: SECRET, ...secrets } }).halt();

const nodeOff = 'POST /nodes/pve1/status command=shutdown';

describe.skipIf(openssl.skip)('halting over the Proxmox API', () => {
  it('shuts the guests down, waits for them, and then powers the node off', async () => {
    const node = await api([guest(100), guest(101, { kind: 'lxc', takesMs: 300 })]);
    expect(await halt(host(node.port))).toEqual({ code: 'done' });
    expect(node.running()).toEqual([]);
    expect(node.orders.slice(0, 2).sort()).toEqual([
      'POST /nodes/pve1/lxc/101/status/shutdown timeout=3',
      'POST /nodes/pve1/qemu/100/status/shutdown timeout=3',
    ]);
    expect(node.orders.slice(2)).toEqual([nodeOff]);
    await until(() => rack.states.nuc1 === 'halting');
    expect(rack.states.nuc2).toBe('running');
  });

  it('powers the node off although a guest does not obey, and names it', async () => {
    const node = await api([guest(100), guest(102, { obeys: false, name: 'windows' })]);
    const outcome = await halt(host(node.port, { guestTimeout: 0.3 }));
    expect(outcome).toMatchObject({ code: 'done', detail: expect.stringContaining('still running: 102 (windows)') });
    expect(outcome.detail).not.toContain('100');
    expect(node.orders.at(-1)).toBe(nodeOff);
    expect(node.orders.some((order) => order.includes('/stop'))).toBe(false);
  });

  it('stops what does not obey, where that is configured, and only that', async () => {
    const node = await api([guest(100), guest(102, { obeys: false })]);
    const outcome = await halt(host(node.port, { guestTimeout: 1, guests: 'stop' }));
    expect(outcome).toMatchObject({ code: 'done', detail: expect.stringContaining('stopped hard: 102') });
    expect(node.orders.filter((order) => order.includes('/stop'))).toEqual(['POST /nodes/pve1/qemu/102/status/stop']);
    expect(node.orders.at(-1)).toBe(nodeOff);
    expect(node.running()).toEqual([]);
  });

  it('does not wait for a guest that turns the order down', async () => {
    const node = await api([guest(103, { paused: true })]);
    const outcome = await halt(host(node.port, { guestTimeout: 60 }));
    expect(outcome.detail).toMatch(/103 \(vm103\): .*VM is paused/);
    expect(node.orders.at(-1)).toBe(nodeOff);
  });

  it('leaves the guests to the node where that is wanted', async () => {
    const node = await api([guest(100)]);
    expect(await halt(host(node.port, { guests: 'leave' }))).toEqual({ code: 'done' });
    expect(node.orders).toEqual([nodeOff]);
  });

  it('does no harm when sent twice', async () => {
    const node = await api([guest(100)]);
    expect(await halt(host(node.port))).toEqual({ code: 'done' });
    expect(await halt(host(node.port))).toEqual({ code: 'done' });
    expect(node.orders.filter((order) => order.includes('/qemu/'))).toHaveLength(1);
  });

  it('sends its token to nobody but the pinned machine', async () => {
    const node = await api([guest(100)]);
    const fingerprint = createHash('sha256').update('another').digest('hex');
    const outcome = await halt(host(node.port, { fingerprint }));
    expect(outcome).toMatchObject({ code: 'refused', detail: expect.stringContaining(FINGERPRINT) });
    expect(node.orders).toEqual([]);
    const unpinned = await halt(host(node.port, { fingerprint: undefined }));
    expect(unpinned).toMatchObject({ code: 'refused', detail: expect.stringContaining('fingerprint:') });
    expect(node.orders).toEqual([]);
  });

  it('trusts an authority instead of a fingerprint, for the right address only', async () => {
    const config = { fingerprint: undefined, ca: '/etc/pve.pem' };
    const node = await api();
    expect(await halt(host(node.port, config), { ca: pve.ca })).toEqual({ code: 'done' });
    const elsewhere = await api([], pve.issue('pve', 'IP:10.9.9.9'));
    expect(await halt(host(elsewhere.port, config), { ca: pve.ca })).toMatchObject({ code: 'refused' });
  });

  it('says when the token is not known, without showing it', async () => {
    const node = await api();
    const outcome = await halt(host(node.port), { token: 'wrong-secret' });
    expect(outcome).toMatchObject({ code: 'refused', detail: expect.stringContaining('401') });
    expect(JSON.stringify(outcome)).not.toContain('wrong-secret');
    expect(rack.states.nuc1).toBe('running');
  });

  it('says which privilege is missing', async () => {
    const node = await api([guest(100)], { mayHalt: false });
    const outcome = await halt(host(node.port));
    expect(outcome).toMatchObject({ code: 'refused', detail: expect.stringContaining('Sys.PowerMgmt') });
  });

  it('says when its token hides the guests from it', async () => {
    const node = await api([guest(100)], { mayAudit: false });
    const outcome = await halt(host(node.port));
    expect(outcome).toMatchObject({ code: 'done', detail: expect.stringContaining('VM.Audit') });
    expect(node.orders).toEqual([nodeOff]);
  });

  it('tells a node that hangs from one that is away', async () => {
    const node = await api();
    rack.silent.add('proxmox:nuc1');
    expect(await halt(host(node.port, { requestTimeout: 0.2 }))).toMatchObject({ code: 'timeout' });
    const away = await halt(host(await deadPort()));
    expect(away).toMatchObject({ code: 'unreachable', detail: expect.stringContaining('ECONNREFUSED') });
  });

  it('survives what is no TLS at all, and what is silent', async () => {
    for (const noise of ['HTTP/1.1 200 OK\r\n\r\n', undefined]) {
      const { port, close } = await listener((socket) => noise !== undefined && socket.end(noise));
      const outcome = await halt(host(port, { requestTimeout: 0.2 }));
      expect(outcome.code).toMatch(/unreachable|timeout/);
      await close();
    }
  });

  it('leaves a protected machine alone', async () => {
    const node = await api([guest(100)]);
    expect(await halt(host(node.port, {}, { protected: true }))).toMatchObject({ code: 'left-alone' });
    expect(node.orders).toEqual([]);
  });
});

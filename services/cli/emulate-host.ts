import { X509Certificate } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { systemClock } from '../runtime/clock.ts';
import { demoRack } from '../twin/demo-rack.ts';
import { makeCertificates } from '../twin/devices/certificates.ts';
import { serveProxmoxApi } from '../twin/devices/proxmox-api.ts';
import { serveTalosApi } from '../twin/devices/talos-api.ts';
import { writeRackFile } from '../twin/rack-config.ts';
import { WorldRunner } from '../twin/runner.ts';
import { createWorld, type SimWorld } from '../twin/world.ts';
import type { HostKind } from './emulate-host-commands.ts';

/** One JSON line when it is ready, with what a configuration needs; one more when it was halted. Runs until SIGINT or SIGTERM. */
export async function emulateHost(kind: HostKind, dir: string | undefined): Promise<number> {
  const folder = resolve(dir ?? mkdtempSync(join(tmpdir(), `holdover-${kind}-`)));
  const stopped = new Promise<void>((done) => {
    process.once('SIGINT', () => done()).once('SIGTERM', () => done());
  });
  const world = createWorld(demoRack({ startWallMs: systemClock.wallMs() }).world);
  const runner = new WorldRunner({ world, cluster: { step: () => undefined } });
  const served = await (kind === 'talos' ? serveTalos(world, folder) : serveProxmox(world, folder));
  world.onEvent(({ kind: of, subject, detail }) => {
    if (of === 'host' && subject === HOST) console.log(JSON.stringify({ host: subject, detail }));
  });
  try {
    runner.start();
    console.log(JSON.stringify({ device: kind, address: served.address, halt: served.halt, pid: process.pid }));
    await stopped;
  } finally {
    await runner.stop();
    await served.close();
  }
  return 0;
}

const HOST = 'nuc1';
const ADDRESS = '127.0.0.1';

async function serveTalos(world: SimWorld, folder: string) {
  const { ca, server, client } = await makeCertificates(folder, ADDRESS);
  const face = await serveTalosApi(world, HOST, { ca, ...server });
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const home = { endpoints: [ADDRESS], ca: base64(ca), crt: base64(client.crt), key: base64(client.key) };
  const text = JSON.stringify({ context: 'home', contexts: { home } });
  const talosconfig = await writeRackFile(folder, 'talosconfig', text, true);
  const halt = { talos: { address: ADDRESS, port: face.port, talosconfig } };
  return { address: face.address, halt, close: () => face.close() };
}

async function serveProxmox(world: SimWorld, folder: string) {
  const { server } = await makeCertificates(folder, ADDRESS);
  const id = 'holdover@pve!halt';
  const value = crypto.randomUUID();
  const file = await writeRackFile(folder, 'token', value, true);
  const face = await serveProxmoxApi(world, HOST, {
    node: 'pve1',
    ...server,
    token: `${id}=${value}`,
    guests: [
      { kind: 'qemu', vmid: 100, name: 'nas', takesMs: 5000, obeys: true },
      { kind: 'lxc', vmid: 101, name: 'dns', takesMs: 1500, obeys: true },
    ],
  });
  const fingerprint = new X509Certificate(server.crt).fingerprint256;
  const url = `https://${face.address}`;
  const halt = { proxmox: { url, node: 'pve1', token: { id, secret: { file } }, fingerprint } };
  return { address: face.address, halt, close: () => face.close() };
}

import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type SshHosts, serveSshHosts } from '../../../../services/twin/devices/ssh-hosts.ts';
import type { SimWorld } from '../../../../services/twin/world.ts';
import { peer } from '../../../peers.ts';
import { smallRack } from './small-rack.ts';

const openssh = peer('ssh-keygen');
const bin = (name: string) => join(dirname(openssh.path), name);

let world: SimWorld;
let faces: SshHosts;
let folder: string;

beforeEach(async () => {
  world = smallRack();
  faces = await serveSshHosts(world);
  folder = mkdtempSync(join(tmpdir(), 'ssh-hosts-'));
  writeFileSync(join(folder, 'id'), faces.clientKey);
  chmodSync(join(folder, 'id'), 0o600);
});
afterEach(async () => {
  await faces.close();
  rmSync(folder, { recursive: true });
});

const face = (id: string) => {
  const found = faces.hosts.find(({ hostId }) => hostId === id);
  if (found === undefined) throw new Error(`no face of ${id}`);
  return found;
};

const opens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 3000; tries += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('did not come true');
}

interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const run = (program: string, args: readonly string[], stdin = ''): Promise<Ran> =>
  new Promise((resolve) => {
    const child = execFile(program, [...args], { timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ status: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr });
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(stdin);
  });

/** The key's fingerprint, asked for over the wire by another implementation. */
async function scanned(port: number): Promise<string> {
  const { stdout } = await run(bin('ssh-keyscan'), ['-p', `${port}`, '-t', 'ed25519', '127.0.0.1']);
  return (await run(openssh.path, ['-lf', '-'], stdout)).stdout;
}

function ssh(id: string, command: string, user = face(id).user): Promise<Ran> {
  const options = ['StrictHostKeyChecking=no', `UserKnownHostsFile=${folder}/known`, 'BatchMode=yes', 'LogLevel=ERROR'];
  return run(bin('ssh'), [
    '-F',
    '/dev/null',
    ...options.flatMap((option) => ['-o', option]),
    '-i',
    join(folder, 'id'),
    '-p',
    `${face(id).port}`,
    `${user}@127.0.0.1`,
    command,
  ]);
}

describe('the port of a simulated machine', () => {
  it('listens while the machine runs, and on the same number after it booted', async () => {
    const { port } = face('pi1');
    expect(await opens(port)).toBe(true);
    world.hosts.get('pi1')?.halt();
    await until(async () => !(await opens(port)));
    expect(await opens(face('pi2').port)).toBe(true);
    while (world.hosts.get('pi1')?.state !== 'halted') world.step(1);
    world.switch.setEnabled('1', false);
    world.step(5);
    world.switch.setEnabled('1', true);
    for (let s = 0; s < 1000 && world.hosts.get('pi1')?.state !== 'running'; s += 1) world.step(1);
    await until(() => opens(port));
    expect(face('pi1').port).toBe(port);
  });

  it('takes connections and says nothing while it is mute', async () => {
    world.setFault('silent', ['ssh:pi1']);
    const heard: Buffer[] = [];
    const socket = connect({ host: '127.0.0.1', port: face('pi1').port });
    socket.on('data', (chunk) => heard.push(chunk));
    await new Promise((resolve) => socket.once('connect', resolve));
    // the other one greets at once; by then this one would have, too
    const other = connect({ host: '127.0.0.1', port: face('pi2').port });
    const greeting = await new Promise<Buffer>((resolve) => other.once('data', resolve));
    expect(greeting.toString('latin1')).toMatch(/^SSH-2\.0-/);
    expect(heard).toEqual([]);
    socket.destroy();
    other.destroy();
  });
});

describe.skipIf(openssh.skip)(`against ${openssh.skip ? openssh.title : 'the OpenSSH client'}`, () => {
  it('shows the key whose fingerprint it tells', async () => {
    expect(await scanned(face('pi1').port)).toContain(face('pi1').fingerprint);
    expect(face('pi1').fingerprint).not.toBe(face('pi2').fingerprint);
  });

  it('halts on poweroff and knows no other command', async () => {
    const unknown = await ssh('pi1', 'rm -rf /');
    expect(unknown).toMatchObject({ status: 127, stderr: expect.stringContaining('not found') });
    expect(world.hosts.get('pi1')?.state).toBe('running');
    await ssh('pi1', 'sudo systemctl poweroff');
    await until(() => world.hosts.get('pi1')?.state === 'halting');
    expect(world.hosts.get('pi2')?.state).toBe('running');
  });

  it('answers 0 when the machine ignores the command, and stays up', async () => {
    world.setFault('haltIgnored', ['pi1']);
    expect(await ssh('pi1', 'sudo systemctl poweroff')).toMatchObject({ status: 0 });
    expect(world.hosts.get('pi1')?.state).toBe('running');
    expect(await opens(face('pi1').port)).toBe(true);
  });

  it('lets in nobody else', async () => {
    expect((await ssh('pi1', 'poweroff', 'root')).status).toBe(255);
    await run(openssh.path, ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'other')]);
    writeFileSync(join(folder, 'id'), (await run('cat', [join(folder, 'other')])).stdout);
    expect((await ssh('pi1', 'poweroff')).status).toBe(255);
    expect(world.hosts.get('pi1')?.state).toBe('running');
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { emulateDevice } from '../../../services/cli/emulate.ts';
import { checkConfig } from '../../../services/config/load.ts';
import { peer } from '../../peers.ts';

const MODULE = new URL('../../../services/cli/emulate.ts', import.meta.url).href;
const socat = peer('socat');
const closers: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Emulation {
  readonly line: Record<string, unknown> & {
    address: string;
    config: string;
    control: string;
    devices: Record<string, string>;
  };
  /** Sends the signal and resolves with the exit status. */
  end(signal: 'SIGINT' | 'SIGTERM'): Promise<number | null>;
}

/** Runs an expression on the module in a process of its own, as the command line does, until it prints its line. */
async function started(call: string): Promise<Emulation> {
  const code = `const emulate = await import(${JSON.stringify(MODULE)}); process.exitCode = await emulate.${call};`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'pipe'] });
  let complaints = '';
  child.stderr.on('data', (chunk) => {
    complaints += chunk;
  });
  const exit = once(child, 'exit').then(([status]) => status as number | null);
  closers.push(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exit;
  });
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([once(lines, 'line'), exit.then(() => undefined)]);
  if (!first) throw new Error(`it ended before it was ready: ${complaints}`);
  return {
    line: JSON.parse(String(first[0])) as Emulation['line'],
    end: (signal) => {
      child.kill(signal);
      return exit;
    },
  };
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'emulate-'));
  closers.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

async function bmsAnswer(address: string, request: string): Promise<Buffer> {
  const [host, port] = address.split(':');
  const socket = connect(Number(port), host);
  closers.push(() => socket.destroy());
  await once(socket, 'connect');
  const answer = new Promise<Buffer>((resolve, reject) => {
    let received = Buffer.alloc(0);
    socket.on('error', reject);
    // the line is as slow as a real one, so the answer comes in pieces
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length > 3 && received.length >= (received[3] ?? 0) + 7) resolve(received);
    });
  });
  socket.write(Buffer.from(request, 'hex'));
  return answer;
}

describe('holdover emulate', () => {
  it('rack prints one line with everything a service needs, and ends on SIGTERM', async () => {
    const dir = folder();
    const rack = await started(`emulateRack(${JSON.stringify({ dir, fast: 10, httpPort: 18_999, bms: 'tcp' })})`);
    expect(rack.line).toMatchObject({ dir, bms: 'tcp', config: join(dir, 'holdover.yaml') });
    const checked = checkConfig(readFileSync(rack.line.config, 'utf8'));
    if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
    expect(checked.config.http).toMatchObject({ listen: '127.0.0.1:18999', tokens: [{ write: true }] });
    const state = (await (await fetch(`${rack.line.control}/state`)).json()) as { mainsPresent: boolean };
    expect(state.mainsPresent).toBe(true);
    expect(await rack.end('SIGTERM')).toBe(0);
  });

  it.skipIf(socat.skip)(`rack puts its BMS on a pty where it can, through ${socat.title}`, async () => {
    const dir = folder();
    const rack = await started(`emulateRack(${JSON.stringify({ dir, bms: 'pty' })})`);
    expect(readFileSync(rack.line.config, 'utf8')).toContain(`serial: ${join(dir, 'bms')}`);
    expect(await rack.end('SIGINT')).toBe(0);
  });

  it('jbd answers like the board it plays, and loses mains when it was told to', async () => {
    const device = await started(`emulateDevice('jbd', { fast: 50, outageAfter: 1 })`);
    const cells = await bmsAnswer(device.line.address, 'dda50400fffc77');
    expect(cells.subarray(0, 4).toString('hex')).toBe('dd040020');
    const currentA = async () => (await bmsAnswer(device.line.address, 'dda50300fffd77')).readInt16BE(6) / 100;
    await expect.poll(currentA, { timeout: 60_000 }).toBeLessThan(-3);
    expect(await device.end('SIGTERM')).toBe(0);
  });

  it.each([
    ['sdm230', { unit: 1 }],
    ['poe-snmp', { community: 'private' }],
    ['kubernetes', { kubeconfig: expect.stringContaining('kubeconfig') }],
    [
      'ssh',
      { key: expect.stringContaining('ssh-key'), hosts: expect.arrayContaining([{}].map(() => expect.anything())) },
    ],
  ])('%s says where it is', async (kind, facts) => {
    const device = await started(`emulateDevice(${JSON.stringify(kind)}, ${JSON.stringify({ dir: folder() })})`);
    expect(device.line).toMatchObject({ device: kind, ...facts });
    expect(await device.end('SIGINT')).toBe(0);
  });

  it('refuses a device it does not know', async () => {
    await expect(emulateDevice('toaster' as 'jbd')).rejects.toThrow(/nothing here plays "toaster"/);
  });
});

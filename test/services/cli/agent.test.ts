import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { AgentOrders } from '../../../services/hosts/index.ts';
import { type HttpFace, httpFace } from '../../../services/http/index.ts';
import { systemClock } from '../../../services/runtime/clock.ts';
import { deadPort, until } from '../hosts/machines.ts';
import { FakeService } from '../http/fake-service.ts';

/** The agent as a process, against the real HTTP face. */

const ENTRY = join(import.meta.dirname, '../../../services/cli/holdover.ts');
const TOKEN = 'a-token-of-thirty-two-characters';

let dir: string;
let port: number;
let orders: AgentOrders;
let face: HttpFace | undefined;
let agent: ChildProcess | undefined;
let said = '';

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'holdover-agent-'));
  port = await deadPort();
  said = '';
  const config = {
    service: `http://127.0.0.1:${port}`,
    host: 'nuc1',
    token: { file: join(dir, 'token') },
    command: ['/usr/bin/touch', join(dir, 'halted')],
    stateDir: join(dir, 'state'),
  };
  writeFileSync(join(dir, 'token'), TOKEN);
  writeFileSync(join(dir, 'agent.yaml'), stringify(config));
});
afterEach(async () => {
  agent?.kill('SIGKILL');
  orders?.stop();
  await face?.stop();
  face = undefined;
  rmSync(dir, { recursive: true, force: true });
});

async function startService(): Promise<void> {
  orders = new AgentOrders(new Map([['nuc1', TOKEN]]), systemClock);
  const service = new FakeService();
  const silent = () => undefined;
  face = httpFace({
    config: { listen: `127.0.0.1:${port}`, tokens: [], readToken: true },
    tokens: [],
    feed: service,
    desk: service,
    metrics: () => '',
    log: { info: silent, warn: silent, error: silent },
    agents: orders,
  });
  await face.start();
}

function startAgent(...more: string[]): Promise<void> {
  const child = spawn(process.execPath, [ENTRY, 'agent', '--config', join(dir, 'agent.yaml'), ...more], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  agent = child;
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  return new Promise((resolve) => child.stdout.once('data', () => resolve()));
}

const halted = (): boolean => existsSync(join(dir, 'halted'));

it('waits for a service that is away, and halts its machine when that tells it to', async () => {
  await startAgent();
  await until(() => said.includes('nothing is done'));
  expect(halted()).toBe(false);
  await startService();
  expect(await orders.halt('nuc1', 20_000)).toEqual({ code: 'done' });
  await until(halted);
  expect(said).not.toContain(TOKEN);
});

it('is killed and started again in the middle of it, and halts once for each order', async () => {
  await startService();
  await startAgent();
  expect(await orders.halt('nuc1', 20_000)).toEqual({ code: 'done' });
  await until(halted);
  agent?.kill('SIGKILL');
  rmSync(join(dir, 'halted'));
  await startAgent();
  await until(() => existsSync(join(dir, 'state', 'order.json')));
  expect(await orders.reachable('nuc1')).toBe(true);
  expect(halted()).toBe(false);
  expect(await orders.halt('nuc1', 20_000)).toEqual({ code: 'done' });
  await until(halted);
});

it('halts nothing in a dry run, and ends when it is told to', async () => {
  await startService();
  await startAgent('--dry-run');
  expect(await orders.halt('nuc1', 20_000)).toEqual({ code: 'done' });
  expect(halted()).toBe(false);
  const child = agent;
  const ended = new Promise((resolve) => child?.once('exit', resolve));
  child?.kill('SIGTERM');
  expect(await ended).toBe(0);
});

it('says what is wrong with its file, and ends with 2', async () => {
  writeFileSync(join(dir, 'agent.yaml'), stringify({ service: 'x', host: 'nuc1', token: 'hunter2-hunter2' }));
  const child = spawn(process.execPath, [ENTRY, 'agent', '--config', join(dir, 'agent.yaml')]);
  let words = '';
  child.stderr.on('data', (chunk: Buffer) => {
    words += chunk.toString();
  });
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(2);
  expect(words).toMatch(/service: expected an address/);
  expect(words).not.toContain('hunter2');
});

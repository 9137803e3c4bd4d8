import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, it } from 'vitest';
import { configSchema } from '../../../services/config/schema.ts';
import { openSwitch } from '../../../services/poe/index.ts';
import type { PoeSwitch } from '../../../services/shutdown/promises.ts';
import { peer } from '../../peers.ts';

/** A switch as a process of its own: what it prints is what a configuration needs, and it says what was switched. */

const ENTRY = join(import.meta.dirname, '../../../services/cli/holdover.ts');
const socat = peer('socat');

const dir = mkdtempSync(join(tmpdir(), 'holdover-emulate-switch-'));
let child: ChildProcess | undefined;
let poe: PoeSwitch | undefined;
afterEach(async () => {
  await poe?.close();
  child?.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

async function emulated(args: readonly string[]) {
  const started = spawn(process.execPath, [ENTRY, 'emulate', ...args, '--dir', dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child = started;
  const lines = createInterface({ input: started.stdout })[Symbol.asyncIterator]();
  const next = async () => JSON.parse(String((await lines.next()).value));
  return { ready: await next(), next };
}

it('poe-openwrt prints an entry for the configuration, and every port that is switched', async () => {
  const { ready, next } = await emulated(['poe-openwrt', '--fast', '10']);
  expect(ready).toMatchObject({ device: 'poe-openwrt', switch: { id: 'sw1', driver: 'openwrt' } });
  const [config] = configSchema.parse({ switches: [ready.switch] }).switches;
  if (config === undefined) throw new Error('no switch');
  const password = readFileSync(ready.switch.password.file, 'utf8').trim();
  poe = openSwitch(config, { password });
  expect((await poe.read()).ports).toHaveLength(24);
  expect(await poe.setPorts(['lan3'], false)).toEqual([{ port: 'lan3', code: 'done' }]);
  expect(await next()).toEqual({ port: 'lan3', enabled: false });
  expect(await poe.setPorts(['lan3'], true)).toEqual([{ port: 'lan3', code: 'done' }]);
  expect(await next()).toEqual({ port: 'lan3', enabled: true });
});

it.skipIf(socat.skip)(`poe-broadcom answers on one end of a pair of ptys (${socat.title})`, async () => {
  const { ready } = await emulated(['poe-broadcom', '--pty']);
  expect(ready.switch).toMatchObject({ driver: 'poe-serial', via: { serial: ready.address } });
  const [config] = configSchema.parse({ switches: [ready.switch] }).switches;
  if (config === undefined) throw new Error('no switch');
  poe = openSwitch(config, {});
  const { ports, budgetW, guardW } = await poe.read();
  expect([ports.length, budgetW, guardW]).toEqual([24, 400, 40]);
  expect(await poe.setPorts(['4'], false)).toEqual([{ port: '4', code: 'done' }]);
});

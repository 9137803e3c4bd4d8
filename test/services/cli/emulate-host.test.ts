import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { openHosts } from '../../../services/assembly/host-edges.ts';
import { hostSchema } from '../../../services/config/hosts.ts';
import { systemClock } from '../../../services/runtime/clock.ts';
import { peer } from '../../peers.ts';

const ENTRY = join(import.meta.dirname, '../../../services/cli/holdover.ts');
const openssl = peer('openssl');

const dirs: string[] = [];
let child: ChildProcess | undefined;
afterEach(() => {
  child?.kill('SIGKILL');
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

describe.skipIf(openssl.skip)(`an emulated machine (${openssl.title})`, () => {
  it.each(['talos', 'proxmox'])('%s: what it prints halts it', async (kind) => {
    const dir = mkdtempSync(join(tmpdir(), 'holdover-emulate-'));
    dirs.push(dir);
    const emulated = spawn(process.execPath, [ENTRY, 'emulate', kind, '--dir', dir], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    child = emulated;
    const lines = createInterface({ input: emulated.stdout })[Symbol.asyncIterator]();
    const next = async () => JSON.parse(String((await lines.next()).value));
    const { halt, device } = await next();
    expect(device).toBe(kind);
    const [host] = openHosts([hostSchema.parse({ id: 'nuc1', halt })], systemClock).hosts;
    expect(await host?.reachable()).toBe(true);
    expect(await host?.halt()).toEqual({ code: 'done' });
    expect(await next()).toMatchObject({ host: 'nuc1', detail: expect.stringMatching(/halt/) });
  });
});

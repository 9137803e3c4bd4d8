import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openPtyPair } from '../../../services/twin/pty-pair.ts';
import { peer } from '../../peers.ts';

const socat = peer('socat');
const folders: string[] = [];
const path = process.env.PATH;
afterEach(() => {
  process.env.PATH = path;
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'twin-pty-'));
  folders.push(made);
  return made;
}

describe.skipIf(socat.skip)(`pair of ptys by ${socat.title}`, () => {
  it('is there when it says so, and gone after close', async () => {
    const place = folder();
    const pair = await openPtyPair(place);
    if (!pair) throw new Error('no pair');
    expect([existsSync(pair.device), existsSync(pair.host)]).toEqual([true, true]);
    await pair.close();
    await pair.close();
    expect([existsSync(pair.device), existsSync(pair.host)]).toEqual([false, false]);
    const again = await openPtyPair(place);
    expect(again?.host).toBe(pair.host);
    await again?.close();
  });
});

describe('pair of ptys without socat', () => {
  it('is absent, and nothing is left waiting', async () => {
    process.env.PATH = folder();
    expect(await openPtyPair(folder())).toBeUndefined();
  });
});

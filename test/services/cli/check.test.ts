import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { check } from '../../../services/cli/check.ts';
import { UserError } from '../../../services/runtime/errors.ts';
import { sound, spoil } from '../config/sound-config.ts';
import { captured } from './captured.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'holdover-check-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const fileWith = (config: unknown): string => {
  const path = join(dir, 'holdover.yaml');
  writeFileSync(path, JSON.stringify(config));
  return path;
};

describe('check', () => {
  it('says what a valid configuration has', async () => {
    const file = fileWith(sound());
    const { value, out, err } = await captured(() => check(file, {}));
    expect([value, err]).toEqual([0, '']);
    expect(out).toBe(`${file} is valid: 2 packs, 2 switches, 3 hosts, 2 stages\n`);
  });

  it('says that nothing would be halted where there are no stages', async () => {
    const { shutdown: _, ...rest } = sound();
    const { value, out } = await captured(() => check(fileWith(rest), {}));
    expect(value).toBe(0);
    expect(out).toMatch(/0 stages\nwithout shutdown\.stages it only watches/);
  });

  it('says it in the singular', async () => {
    const file = fileWith({
      packs: sound().packs.slice(0, 1),
      switches: sound().switches.slice(0, 1),
      hosts: sound().hosts.slice(1, 2),
      cluster: sound().cluster,
      shutdown: { stages: [{ name: 'one', hosts: ['pi1'] }] },
    });
    const { out } = await captured(() => check(file, {}));
    expect(out).toContain('1 pack, 1 switch, 1 host, 1 stage');
  });

  it('tells every problem on standard error and ends with 2', async () => {
    const file = fileWith({ ...(spoil('hosts[1].poe', 'sw1-1') as object), pakcs: [] });
    const { value, out, err } = await captured(() => check(file, {}));
    expect([value, out]).toEqual([2, '']);
    expect(err).toMatch(/error: hosts\[1\]\.poe: "sw1-1": switch\/port/);
    expect(err).toMatch(/error: pakcs: is not a known key\n +try: packs/);
    expect(err.trim().split('\n').at(-1)).toBe(`${file}: 2 problems`);
  });

  it('tells warnings and is content', async () => {
    const { value, out, err } = await captured(() => check(fileWith(spoil('hosts[1].halt', undefined)), {}));
    expect(value).toBe(0);
    expect(err).toMatch(/warning: hosts\[1\]: pi1 has no halt/);
    expect(out).toMatch(/is valid/);
  });

  it.each([
    ['valid', sound(), 0, { valid: true, problems: [] }],
    [
      'with a warning',
      spoil('hosts[1].halt', undefined),
      0,
      { valid: true, problems: [expect.objectContaining({ severity: 'warning', path: 'hosts[1]' })] },
    ],
    [
      'wrong',
      spoil('hosts[1].poe', 5),
      2,
      { valid: false, problems: [expect.objectContaining({ severity: 'error', path: 'hosts[1].poe' })] },
    ],
  ])('answers one line of JSON: %s', async (_, config, status, answer) => {
    const { value, out, err } = await captured(() => check(fileWith(config), { json: true }));
    expect([value, err]).toEqual([status, '']);
    expect(out.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(out)).toEqual(answer);
  });

  it('is for files that are there', () => {
    expect(() => check(join(dir, 'nowhere.yaml'), {})).toThrow(UserError);
  });
});

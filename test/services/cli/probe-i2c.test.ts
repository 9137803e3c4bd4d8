import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { I2cShim } from '../../firmware-bridge/i2c-shim.ts';
import { peer } from '../../peers.ts';

/** The command as a person types it, through the real i2c-bus, on simulated chips and on a machine without a bus. */

const ENTRY = join(import.meta.dirname, '../../../services/cli/holdover.ts');
const missing = [peer('cc'), peer('i2c-bus')].find((each) => each.skip);

function probe(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [ENTRY, 'probe', ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

describe.skipIf(missing !== undefined)(`holdover probe on I2C (${missing?.title ?? 'all there'})`, () => {
  let shim: I2cShim;
  beforeAll(() => {
    shim = new I2cShim();
  });
  afterAll(() => shim.close());

  it('names the chips of a bus, and writes nothing', () => {
    shim.put({
      address: 0x40,
      kind: 'words',
      registers: { 0: '4127', 1: 'f614', 2: 'a4a6', 254: '5449', 255: '2260' },
    });
    shim.put({ address: 0x36, kind: 'words', registers: { 2: 'a280', 4: '5b80', 12: '971c' } });
    shim.put({ address: 0x20, kind: 'bytes', behaviour: 'pse', registers: { 16: '11' } });
    shim.put({ address: 0x70, kind: 'mux' });
    const before = shim.writes;
    const { status, stdout } = probe([shim.bus, '--json'], shim.env);
    expect(status).toBe(0);
    const { found, strangers, complete } = JSON.parse(stdout);
    expect(complete).toBe(true);
    expect(found).toMatchObject([
      { address: 0x36, chip: 'max17040', certainty: 'likely' },
      { address: 0x40, chip: 'ina226', certainty: 'sure', says: { voltageV: expect.closeTo(52.69, 1) } },
    ]);
    expect(strangers).toEqual([0x20, 0x70]);
    expect(shim.writes).toBe(before);
  });

  it.skipIf(existsSync('/dev/i2c-9'))('says plainly that a machine has no bus', () => {
    const { status, stderr } = probe(['/dev/i2c-9']);
    expect(status).toBe(2);
    expect(stderr).toMatch(/there is no such bus; switch I2C on/);
    expect(stderr).not.toMatch(/\bat .*\.ts:/);
  });
});

it('takes a chip only on I2C, and a board only on its line', () => {
  expect(probe(['/dev/ttyUSB7', '--driver', 'ina226']).stderr).toContain('holdover probe /dev/i2c-1');
  expect(probe(['/dev/i2c-1', '--driver', 'jbd'])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('not on I2C'),
  });
});

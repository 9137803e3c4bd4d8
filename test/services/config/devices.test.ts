import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkConfig, loadConfig } from '../../../services/config/load.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'holdover-devices-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const pack = (more: object): object => ({
  id: 'a',
  driver: 'daly',
  via: { serial: '/dev/ttyUSB0' },
  chemistry: 'lifepo4',
  cells: 16,
  capacityAh: 100,
  ...more,
});

const check = (packs: readonly object[], more: object = {}) => checkConfig(JSON.stringify({ packs, ...more }), dir);

function problems(packs: readonly object[], more: object = {}) {
  const checked = check(packs, more);
  return checked.ok ? [] : checked.problems;
}

const MINE = `profile: my-meter
title: Mine
note: mine
measures: meter
transport: { baud: 9600 }
registers: { voltageV: { addr: 0 } }
`;

function profiles(files: Record<string, string>): void {
  mkdirSync(join(dir, 'profiles'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, 'profiles', name), text);
}

describe('the address of a board', () => {
  it('lets several share a line', () => {
    const packs = [1, 2, 3].map((address) => pack({ id: `p${address}`, address }));
    expect(check(packs).ok).toBe(true);
  });

  it('has to differ, and the usual one counts where none is given', () => {
    expect(problems([pack({}), pack({ id: 'b', address: 1 })])).toMatchObject([
      { path: 'packs[1].via', message: 'a is read here already', tryThis: 'another address (set with the Daly tool)' },
    ]);
    expect(problems([pack({ driver: 'jbd' }), pack({ id: 'b', driver: 'jbd' })])).toMatchObject([
      { path: 'packs[1].via', tryThis: 'a line of its own' },
    ]);
    const rtu = { driver: 'eg4-ll', via: { modbusRtu: '/dev/ttyUSB0' } };
    expect(problems([pack(rtu), pack({ ...rtu, id: 'b' })])).toMatchObject([{ tryThis: 'another unit' }]);
    const two = { driver: 'eg4-ll', via: { modbusRtu: '/dev/ttyUSB0', unit: 2 } };
    expect(check([pack(rtu), pack({ ...two, id: 'b' })]).ok).toBe(true);
    expect(check([pack({}), pack({ id: 'b', via: { serial: '/dev/ttyUSB1' } })]).ok).toBe(true);
  });

  it('is refused where a driver has none, or not this one', () => {
    expect(problems([pack({ driver: 'jbd', address: 2 })])).toMatchObject([
      { path: 'packs[0].address', message: 'boards of driver jbd have no address: one to a line' },
    ]);
    expect(problems([pack({ address: 40 })])).toMatchObject([
      { path: 'packs[0].address', message: 'driver daly has addresses from 1 to 16, not 40' },
    ]);
    expect(problems([pack({ driver: 'eg4-ll', via: { modbusRtu: '/dev/x' }, address: 3 })])).toMatchObject([
      { path: 'packs[0].address', tryThis: 'via: { …, unit: 3 }' },
    ]);
    expect(problems([pack({ address: 'two' })])).toMatchObject([{ path: 'packs[0].address' }]);
  });
});

describe('other options of a board', () => {
  it('are refused where the driver does not know them', () => {
    expect(problems([pack({ hex: true })])).toMatchObject([{ path: 'packs[0].hex' }]);
    expect(problems([pack({ driver: 've-direct', control: { mosfets: true } })])).toMatchObject([
      { path: 'packs[0].control.mosfets', message: 'driver ve-direct cannot switch its board' },
    ]);
    expect(problems([pack({ control: { mosfets: true, balancing: true } })])).toMatchObject([
      { path: 'packs[0].control.balancing', message: 'driver daly cannot switch the balancing of its board' },
    ]);
    expect(problems([pack({ readSettings: true })])).toMatchObject([
      { path: 'packs[0].readSettings', message: 'driver daly needs no mode to read settings; only jbd does' },
    ]);
    expect(check([pack({ driver: 'jbd', readSettings: true })]).ok).toBe(true);
    const modbus = { driver: 'daly-modbus', via: { modbusRtu: '/dev/x' }, control: { mosfets: true, balancing: true } };
    expect(check([pack(modbus)]).ok).toBe(true);
    expect(check([pack({ driver: 've-direct', hex: true, invertCurrent: true })]).ok).toBe(true);
    expect(problems([pack({ invertCurrent: 'yes' })])).toMatchObject([{ path: 'packs[0].invertCurrent' }]);
  });

  it('say what it means to look at no checksum', () => {
    expect(problems([pack({ checksum: 'ignore' })])).toMatchObject([{ severity: 'error', path: 'packs[0].checksum' }]);
    const checked = check([pack({ driver: 've-direct', checksum: 'ignore' })]);
    const warned = checked.ok ? checked.warnings.filter(({ path }) => path === 'packs[0].checksum') : [];
    expect(warned).toMatchObject([
      { severity: 'warning', message: expect.stringContaining('damage on its line passes for values') },
    ]);
    expect(problems([pack({ driver: 've-direct', checksum: 'none' })])).toMatchObject([{ severity: 'error' }]);
  });

  it('are off when they are written as off', () => {
    expect(check([pack({ driver: 've-direct', control: { mosfets: false } })]).ok).toBe(true);
    expect(check([pack({ hex: false })]).ok).toBe(true);
  });
});

describe('profiles of one’s own', () => {
  it('are found beside the configuration, and known to its check', () => {
    profiles({ 'mine.yaml': MINE, 'readme.txt': 'no profile' });
    const path = join(dir, 'holdover.yaml');
    const meters = [{ id: 'm', driver: 'my-meter', via: { modbusRtu: '/dev/ttyUSB0' } }];
    writeFileSync(path, JSON.stringify({ profiles: './profiles', meters }));
    expect(loadConfig(path).config.profiles).toBe(join(dir, 'profiles'));
    const without = checkConfig(JSON.stringify({ meters }), dir);
    expect(without).toMatchObject({ ok: false, problems: [{ path: 'meters[0].driver' }] });
  });

  it('are offered for a misspelt driver', () => {
    profiles({ 'mine.yaml': MINE });
    const meters = [{ id: 'm', driver: 'my-meters', via: { modbusRtu: '/dev/ttyUSB0' } }];
    expect(problems([], { profiles: './profiles', meters })).toMatchObject([
      { path: 'meters[0].driver', tryThis: 'my-meter' },
    ]);
  });

  it('that cannot be read or are broken are problems of the configuration', () => {
    expect(problems([], { profiles: './nowhere' })).toMatchObject([
      { path: 'profiles', message: expect.stringContaining(join(dir, 'nowhere')) },
    ]);
    profiles({ 'mine.yaml': MINE.replace('addr: 0', 'addr: x') });
    expect(problems([], { profiles: './profiles' })).toMatchObject([
      { path: 'profiles', message: expect.stringMatching(/mine\.yaml: [\s\S]*registers\.voltageV\.addr/) },
    ]);
  });
});

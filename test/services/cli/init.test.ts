import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../../bms/index.ts';
import { serialPorts } from '../../../firmware-bridge/index.ts';
import { type InitMachine, init } from '../../../services/cli/init.ts';
import { initText } from '../../../services/cli/init-text.ts';
import { checkConfig } from '../../../services/config/load.ts';
import { BOARDS, serveBoardOnTcp } from '../../../services/twin/devices/boards/index.ts';
import { smallWorld } from '../twin/small-world.ts';
import { captured } from './captured.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'holdover-init-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const machine = (changes: Partial<InitMachine> = {}): InitMachine => ({
  ports: () => [],
  exists: () => false,
  env: {},
  home: '/home/ann',
  host: 'nuc',
  ...changes,
});

const options = (changes: object = {}) => ({ out: join(dir, 'h.yaml'), volts: 110, amps: 20, seconds: 60, ...changes });

const pack = (changes: object = {}, sample: object = {}): Finding =>
  ({
    driver: 'jbd',
    title: 'JBD',
    certainty: 'sure',
    fitsToo: [],
    sample: { kind: 'pack', measuredAtMs: 1, voltageV: 52.8, cellsV: new Array(16).fill(3.3), ratedAh: 100, ...sample },
    ...changes,
  }) as Finding;

const facts = { name: 'x', volts: 110, breakerAmps: 20, devices: [], unknownPorts: [], snmp: [] };

describe('init', () => {
  it('says where the limits of a board do not fit the cells', () => {
    const of = (limits: object): string => {
      const finding = pack({}, { limits });
      return initText({ ...facts, devices: [{ finding, via: { serial: '/dev/ttyUSB0' }, from: '/dev/ttyUSB0' }] });
    };
    expect(of({ cellMaxV: 4.2, cellMinV: 2.8 })).toContain(
      '# CHECK: the board lets cells reach 4.20 V, LiFePO4 ends at 3.65 V',
    );
    const fits = of({ cellMaxV: 3.65, cellMinV: 2.5 });
    expect(fits).not.toContain('the board');
    expect(checkConfig(of({ cellMaxV: 4.2 })).ok).toBe(true);
    expect(checkConfig(fits).ok).toBe(true);
  });

  it('writes a configuration that check accepts, with what was found', async () => {
    const world = smallWorld();
    const board = await serveBoardOnTcp(world, BOARDS.daly.make(world), { name: 'daly' });
    try {
      const device = [`tcp://${board.address}`];
      const { value, out } = await captured(() => init(options({ device, snmp: ['10.0.0.2'] }), machine()));
      expect(value).toBe(0);
      expect(out).toContain('CHECK');
    } finally {
      await board.close();
    }
    const text = readFileSync(join(dir, 'h.yaml'), 'utf8');
    const checked = checkConfig(text);
    expect(checked).toMatchObject({
      ok: true,
      config: {
        packs: [
          { driver: 'daly', via: { tcp: board.address }, address: 1, chemistry: 'lifepo4', cells: 16, capacityAh: 2.5 },
        ],
        switches: [{ driver: 'snmp', host: '10.0.0.2', community: { env: 'HOLDOVER_SNMP_1' } }],
      },
    });
    expect(statSync(join(dir, 'h.yaml')).mode & 0o777).toBe(0o600);
  });

  it('makes a pack of chips on a bus that was named, and only remarks where none tells a current', async () => {
    const world = smallWorld();
    const { serveI2cBus, chipsOf } = await import('../../../services/twin/devices/i2c/bus.ts');
    const chips = new Map(chipsOf(world));
    const bus = await serveI2cBus(world, chips);
    const busOf = async (out: string) => {
      const { value, err } = await captured(() =>
        init(options({ device: [bus.address], out: join(dir, out) }), machine()),
      );
      expect(value).toBe(0);
      return { text: readFileSync(join(dir, out), 'utf8'), err };
    };
    try {
      const { text, err } = await busOf('shunt.yaml');
      expect(err).toContain('ina228 (sure)');
      expect(err).toContain('2 more answer');
      expect(checkConfig(text)).toMatchObject({
        ok: true,
        config: {
          packs: [
            {
              driver: 'i2c-sensors',
              cells: 16,
              via: { i2c: bus.address },
              sensors: [
                { chip: 'ina228', address: 0x40 },
                { chip: 'tmp102', address: 0x49 },
              ],
            },
          ],
        },
      });
      expect(text).toContain('# ads1115 at 0x48');
      chips.delete(0x40);
      const without = await busOf('none.yaml');
      expect(checkConfig(without.text)).toMatchObject({ ok: true, config: { packs: [] } });
      expect(without.text).toContain('# none of them tells a current');
    } finally {
      await bus.close();
    }
    const { err } = await captured(() =>
      init(options({ device: [bus.address], out: join(dir, 'gone.yaml') }), machine()),
    );
    expect(err).toContain('ECONNREFUSED');
  });

  it('overwrites nothing', async () => {
    writeFileSync(join(dir, 'h.yaml'), 'mine');
    await expect(init(options(), machine())).rejects.toThrow(/exists already/);
    await expect(init(options(), machine({ exists: () => true }))).rejects.toThrow(/exists already/);
    expect(readFileSync(join(dir, 'h.yaml'), 'utf8')).toBe('mine');
  });

  it('sends nothing to a port that nobody agreed to', async () => {
    const asked: string[] = [];
    const ports = () => [join(dir, 'no-such-port')];
    const ask = async (question: string): Promise<string> => {
      asked.push(question);
      return 'n';
    };
    const { err } = await captured(() => init(options(), machine({ ports, ask })));
    expect(asked[0]).toContain('Only reads are sent');
    expect(err).not.toContain('asking');
    expect(readFileSync(join(dir, 'h.yaml'), 'utf8')).toContain('no-such-port');
    const alone = await captured(() => init(options({ out: join(dir, 'i.yaml') }), machine({ ports })));
    expect(alone.err).not.toContain('asking');
  });

  it('goes on when a port cannot be opened', async () => {
    const device = [join(dir, 'no-such-port')];
    const { value, err } = await captured(() => init(options({ device }), machine()));
    expect([value, err.includes('no such device')]).toEqual([0, true]);
  });

  it.each([
    [{ KUBECONFIG: '/a:/b' }, '/b', '/b'],
    [{}, '/etc/rancher/k3s/k3s.yaml', '/etc/rancher/k3s/k3s.yaml'],
    [{}, '/home/ann/.kube/config', '/home/ann/.kube/config'],
  ])('finds the kubeconfig at its usual places', async (env, there, expected) => {
    await captured(() => init(options(), machine({ env, exists: (path) => path === there })));
    const checked = checkConfig(readFileSync(join(dir, 'h.yaml'), 'utf8'));
    expect(checked).toMatchObject({ ok: true, config: { cluster: { kubeconfig: expected } } });
  });
});

describe('its text', () => {
  it('guesses LTO by the voltage of a cell, and marks what it does not know', () => {
    const finding = pack(
      { certainty: 'likely', fitsToo: ['eg4-ll'] },
      { voltageV: 27.6, cellsV: new Array(12).fill(2.3), ratedAh: 0 },
    );
    const text = initText({ ...facts, devices: [{ finding, via: { serial: '/dev/x' }, from: '/dev/x' }] });
    expect(checkConfig(text)).toMatchObject({ ok: true, config: { packs: [{ chemistry: 'lto', cells: 12 }] } });
    expect(text).toMatch(/capacityAh: 100 # CHECK: the device does not tell/);
    expect(text).toContain('CHECK: likely, fits eg4-ll as well');
  });

  it('is valid whatever things are called', () => {
    const name = fc.string({ minLength: 1, maxLength: 40, unit: 'binary' }).filter((text) => text.trim() === text);
    fc.assert(
      fc.property(name, name, (site, port) => {
        const devices = [{ finding: pack(), via: { serial: port }, from: port }];
        const text = initText({ ...facts, name: site, devices, unknownPorts: ['/dev/ttyUSB7'] });
        const checked = checkConfig(text);
        if (!checked.ok) expect(checked.problems.map(({ path }) => path)).toEqual(['site.name']);
        else expect(checked.config.packs[0]?.via).toEqual({ serial: port });
      }),
    );
  });
});

describe('serial ports', () => {
  it('are named by what lasts, each once; what is no port is passed over', () => {
    mkdirSync(join(dir, 'serial', 'by-id'), { recursive: true });
    for (const name of ['ttyUSB0', 'ttyUSB1', 'ttyACM0', 'ttyS0', 'null']) writeFileSync(join(dir, name), '');
    symlinkSync('../../ttyUSB0', join(dir, 'serial', 'by-id', 'usb-FTDI-if00'));
    symlinkSync('../../gone', join(dir, 'serial', 'by-id', 'usb-gone'));
    expect(serialPorts(dir)).toEqual(
      ['serial/by-id/usb-FTDI-if00', 'serial/by-id/usb-gone', 'ttyACM0', 'ttyUSB1'].map((name) => join(dir, name)),
    );
    expect(serialPorts(join(dir, 'nothing'))).toEqual([]);
  });
});

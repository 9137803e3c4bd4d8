import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Snapshot } from '../../services/shutdown/view.ts';
import { I2cShim } from '../firmware-bridge/i2c-shim.ts';
import { peer } from '../peers.ts';
import { freePort } from '../ports.ts';
import { getJson, until } from './stage.ts';

/** A rack without a BMS: the real service and the real i2c-bus on simulated chips, while they come and go. */

const needed = [peer('cc'), peer('i2c-bus'), peer('i2cget')];
const missing = needed.find((each) => each.skip);
const i2cget = peer('i2cget');

const ENTRY = join(import.meta.dirname, '../../services/cli/holdover.ts');

const thermometer = { address: 0x49, kind: 'words', channel: 3, registers: { 0: '1900' } } as const;
/** 13.2 V, and 5 A out of the pack through 1 mohm. */
const shunt = {
  address: 0x40,
  kind: 'words',
  registers: { 0: '4127', 1: 'f830', 2: '2940', 254: '5449', 255: '2260' },
} as const;
/** Registers 20 to 23 are the inputs: 3.3 V, 3.31 V, 3.305 V, 3.3 V. */
const converter = {
  address: 0x48,
  kind: 'words',
  behaviour: 'converter',
  registers: { 0: '0000', 1: '8583', 20: '6720', 21: '6770', 22: '6748', 23: '6720' },
} as const;

function configuration(bus: string, port: number, stateDir: string): unknown {
  const tap = (input: string, at: number) => ({ input, gives: 'tap', tap: at, ratio: at });
  return {
    packs: [
      {
        id: 'diy',
        driver: 'i2c-sensors',
        via: { i2c: bus },
        chemistry: 'lifepo4',
        cells: 4,
        capacityAh: 100,
        every: '250ms',
        sensors: [
          { chip: 'ina226', address: 0x40, shuntOhm: 0.001, maxCurrentA: 80 },
          { chip: 'ads1115', inputs: [tap('a0', 1), tap('a1', 2), tap('a2', 3), tap('a3', 4)] },
          { chip: 'tmp102', address: 0x49, mux: { channel: 3 } },
          { chip: 'max17040', gives: ['soc'] },
        ],
      },
    ],
    switches: [{ id: 'sw1', driver: 'i2c', i2c: bus, chip: 'tps23861', addresses: [0x20], every: '250ms' }],
    shutdown: { stateDir },
    http: { listen: `127.0.0.1:${port}` },
  };
}

describe.skipIf(missing !== undefined)(`a pack of chips on I2C (${missing?.title ?? 'all there'})`, () => {
  let shim: I2cShim;
  let dir: string;
  let service: ChildProcess;
  let address = '';
  const rack = async (): Promise<Snapshot['rack']> =>
    (await getJson<{ rack: Snapshot['rack'] }>(`${address}/api/v1/rack`)).rack;
  const pack = async () => (await rack()).packs.diy;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'holdover-i2c-e2e-'));
    shim = new I2cShim();
    shim.put({ address: 0x70, kind: 'mux' });
    shim.put({ address: 0x36, kind: 'words', registers: { 2: 'a280', 4: '5b80' } });
    shim.put({
      address: 0x20,
      kind: 'bytes',
      behaviour: 'pse',
      registers: {
        12: '44060606',
        16: '11',
        18: 'ff',
        19: '00',
        20: 'ff',
        46: '223a',
        48: 'ae079a39',
        192: 'ae079a39',
        224: '01',
      },
    });
    for (const chip of [shunt, converter, thermometer]) shim.put(chip);
    const config = join(dir, 'holdover.yaml');
    writeFileSync(config, stringify(configuration(shim.bus, await freePort(), join(dir, 'state'))));
    const log = openSync(join(dir, 'log'), 'a');
    const env = { ...process.env, ...shim.env };
    service = spawn(process.execPath, [ENTRY, 'run', '--config', config], { env, stdio: ['ignore', 'pipe', log] });
    closeSync(log);
    const { stdout } = service;
    if (stdout === null) throw new Error('no output to wait for');
    const line = await Promise.race([
      new Promise<string>((resolve) => createInterface({ input: stdout }).once('line', resolve)),
      new Promise<undefined>((resolve) => service.once('exit', () => resolve(undefined))),
    ]);
    if (line === undefined) throw new Error(readFileSync(join(dir, 'log'), 'utf8').slice(-2000));
    address = String(JSON.parse(line).address);
  });

  afterAll(async () => {
    if (service?.exitCode === null) {
      const gone = new Promise((resolve) => service.once('exit', resolve));
      service.kill('SIGTERM');
      const late = setTimeout(() => service.kill('SIGKILL'), 8000);
      await gone;
      clearTimeout(late);
    }
    shim?.close();
    if (dir !== undefined) rmSync(dir, { recursive: true, force: true });
  });

  it('is one sample of all of them', async () => {
    const sample = await until('a fresh pack', async () => {
      const seen = await pack();
      return seen?.freshness === 'fresh' ? seen.sample : undefined;
    });
    expect(sample).toMatchObject({ kind: 'pack', voltageV: 13.2, temperaturesC: [25] });
    expect(sample?.currentA).toBeCloseTo(-5, 6);
    expect(sample?.socRatio).toBeCloseTo(0.915, 3);
    expect(sample?.cellsV?.map((cellV) => Math.round(cellV * 1000))).toEqual([3300, 3320, 3295, 3285]);
    expect(sample).not.toHaveProperty('alarms');
  });

  it('stands beside a switch on the same bus', async () => {
    const sample = await until('the switch', async () => {
      const { sw1 } = (await rack()).switches;
      return sw1?.freshness === 'fresh' ? sw1.sample : undefined;
    });
    expect(sample?.ports[0]).toMatchObject({ port: '1', state: 'delivering', powerW: 6.48, poeClass: 4 });
  });

  it('is what i2cget reads', () => {
    const argv = ['-y', shim.bus.slice('/dev/i2c-'.length), '0x40', '0x02', 'w'];
    const word = execFileSync(i2cget.path, argv, { env: { ...process.env, ...shim.env }, encoding: 'utf8' }).trim();
    // SMBus gives the low byte first.
    expect(word).toBe('0x4029');
  });

  it('loses what a silent chip gave, says which it is, and keeps the rest', async () => {
    shim.remove(0x49, 3);
    shim.remove(0x48);
    const sample = await until('a fault', async () => {
      const seen = (await pack())?.sample;
      return seen?.alarms?.length === 2 ? seen : undefined;
    });
    expect(sample.voltageV).toBe(13.2);
    expect(sample).not.toHaveProperty('cellsV');
    expect(sample).not.toHaveProperty('temperaturesC');
    expect(sample.alarms?.map(({ code, detail }) => [code, detail?.slice(0, 15)])).toEqual([
      ['sensor-fault', 'ads1115 at 0x48'],
      ['sensor-fault', 'tmp102 at 0x49 '],
    ]);
  });

  it('does not take the figures of a chip that stopped measuring', async () => {
    shim.set(0x40, 0, '4120');
    await until('it is stale', async () => ((await pack())?.freshness === 'stale' ? true : undefined));
    expect((await pack())?.failure?.message).toMatch(/does not measure/);
  });

  it('is there again when they are', async () => {
    for (const chip of [shunt, converter, thermometer]) shim.put(chip);
    const sample = await until('it is whole', async () => {
      const seen = await pack();
      return seen?.freshness === 'fresh' && seen.sample?.alarms === undefined ? seen.sample : undefined;
    });
    expect(sample).toMatchObject({ voltageV: 13.2, temperaturesC: [25] });
    expect(sample.cellsV).toHaveLength(4);
  });

  it('is switched by the driver of the switch, seen by i2cget, and brought back as it was', async () => {
    const script = `
      const { openSwitch } = await import('./services/poe/index.ts');
      const { configSchema } = await import('./services/config/schema.ts');
      const [config] = configSchema.parse({ switches: [{ id: 's', driver: 'i2c', i2c: process.env.I2C_SHIM_BUS,
        chip: 'tps23861', addresses: [0x20], switching: true }] }).switches;
      const poe = openSwitch(config, {});
      console.log(JSON.stringify((await poe.setPorts(['1', '2'], process.argv[1] === 'on')).map(({ code }) => code)));`;
    const env = { ...process.env, ...shim.env };
    const put = (how: string): unknown =>
      JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script, how], { env, encoding: 'utf8' }));
    const read = (register: string): string =>
      execFileSync(i2cget.path, ['-y', shim.bus.slice('/dev/i2c-'.length), '0x20', register], {
        env,
        encoding: 'utf8',
      }).trim();
    expect(put('off')).toEqual(['done', 'done']);
    expect([read('0x10'), read('0x14')]).toEqual(['0x00', '0xcc']);
    await until('the service sees it', async () =>
      (await rack()).switches.sw1?.sample?.ports[0]?.state === 'disabled' ? true : undefined,
    );
    expect(put('off')).toEqual(['already', 'already']);
    expect(put('on')).toEqual(['done', 'done']);
    expect([read('0x10'), read('0x14'), read('0x12')]).toEqual(['0x11', '0xff', '0xff']);
  });
});

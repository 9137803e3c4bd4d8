import { afterEach, describe, expect, it } from 'vitest';
import { hintsFor, viaOf } from '../../../services/cli/probe-words.ts';
import { main } from '../../../services/cli/program.ts';
import { BOARDS, serveBoardOnTcp } from '../../../services/twin/devices/boards/index.ts';
import { serveModbusMeter } from '../../../services/twin/devices/modbus-meter.ts';
import { smallWorld } from '../twin/small-world.ts';
import { captured } from './captured.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const holdover = (...args: string[]) => captured(() => main(['node', 'holdover', ...args]));

describe('holdover probe', () => {
  it('names a board behind a serial server, and how to configure it', async () => {
    const world = smallWorld();
    const board = await serveBoardOnTcp(world, BOARDS['daly-p81'].make(world), { name: 'p81' });
    closers.push(() => board.close());
    const { value, out } = await holdover('probe', `tcp://${board.address}`, '--json', '--driver', 'daly-p81,daly');
    expect(value).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      complete: true,
      found: [{ driver: 'daly-p81', certainty: 'sure', address: 1, via: { tcp: board.address } }],
      hints: [],
    });
    expect((await holdover('probe', `tcp://${board.address}`, '--driver', 'daly-p81')).out).toMatch(/says: .*16 cells/);
    const daly = await serveBoardOnTcp(world, BOARDS.daly.make(world), { name: 'daly' });
    closers.push(() => daly.close());
    const told = await holdover('probe', `tcp://${daly.address}`, '--driver', 'daly');
    expect(told.out).toContain('set to 2.5 to 3.65 V per cell');
  });

  it('finds a meter on Modbus TCP, and says which profiles it fits', async () => {
    const meter = await serveModbusMeter(smallWorld());
    closers.push(() => meter.close());
    const { value, out } = await holdover(
      'probe',
      `modbus-tcp://${meter.address}`,
      '--json',
      '--driver',
      'sdm120,sdm230',
      '--unit',
      '1',
    );
    expect(value).toBe(0);
    const [found] = JSON.parse(out).found;
    expect([found.driver, ...found.fitsToo].sort()).toEqual(['sdm120', 'sdm230']);
    expect(found).toMatchObject({ certainty: 'likely', unit: 1, via: { modbusTcp: meter.address, unit: 1 } });
  });

  it('says what to try when nobody answers', async () => {
    const world = smallWorld();
    world.setFault('silent', ['bms']);
    const board = await serveBoardOnTcp(world, BOARDS.daly.make(world), { name: 'silent' });
    closers.push(() => board.close());
    const { value, out, err } = await holdover('probe', `tcp://${board.address}`, '--driver', 'daly,jbd');
    expect([value, out]).toEqual([1, '']);
    expect(err).toMatch(/nobody could be made out[\s\S]*A and B[\s\S]*button[\s\S]*--scan[\s\S]*jk-pb was not asked/);
  });

  it('gives up in time, with what it has', async () => {
    const world = smallWorld();
    world.setFault('silent', ['bms']);
    const board = await serveBoardOnTcp(world, BOARDS.daly.make(world), { name: 'silent' });
    closers.push(() => board.close());
    const { value, out } = await holdover('probe', `tcp://${board.address}`, '--json', '--seconds', '1');
    expect([value, JSON.parse(out).complete]).toEqual([1, false]);
  });

  it.each([
    [['probe', '/dev/no-such-port'], /no such device/],
    [['probe', 'tcp://nowhere'], /neither a serial port/],
    [['probe', 'modbus-tcp://'], /names no host/],
    [['probe', '/dev/x', '--driver', 'dayl'], /did you mean daly/],
    [['probe', '/dev/x', '--driver', 'ina219'], /chip on I2C/],
  ])('%j is the user’s mistake', async (args, words) => {
    const { value, err } = await holdover(...args);
    expect(value).toBe(2);
    expect(err).toMatch(words);
  });
});

describe('hints', () => {
  const nobody = { complete: true, found: [], strangers: [], asked: 9, sentBytes: 90, heardBytes: 0, leftOut: {} };

  it.each([
    [nobody, 'serial', /not one byte came/],
    [{ ...nobody, heardBytes: 90 }, 'serial', /echo of our own requests/],
    [{ ...nobody, heardBytes: 7 }, 'serial', /7 bytes came/],
    [nobody, 'bridge', /the rate is set at the bridge/],
    [nobody, 'modbus-tcp', /unit right/],
    [{ ...nobody, strangers: [{ unit: 4 }] }, 'serial', /fits no profile/],
    [{ ...nobody, complete: false }, 'serial', /--seconds/],
  ] as const)('%j on %s', (report, kind, words) => {
    expect(hintsFor(report, kind).join('\n')).toMatch(words);
  });
});

describe('via', () => {
  const finding = {
    driver: 'jbd',
    title: '',
    certainty: 'sure',
    fitsToo: [],
    sample: { kind: 'pack', measuredAtMs: 1 },
  } as const;

  it('is what a configuration needs to reach it', () => {
    expect(viaOf({ ...finding, baud: 9600 }, '/dev/x', 'serial')).toEqual({ serial: '/dev/x' });
    expect(viaOf({ ...finding, baud: 19_200 }, '/dev/x', 'serial')).toEqual({ serial: '/dev/x', baud: 19_200 });
    expect(viaOf({ ...finding, driver: 'sdm230', unit: 3 }, 'modbus-tcp://10.0.0.9', 'modbus-tcp')).toEqual({
      modbusTcp: '10.0.0.9:502',
      unit: 3,
    });
    expect(viaOf({ ...finding, driver: 'eg4-ll', unit: 2, baud: 9600 }, '/dev/x', 'serial')).toEqual({
      modbusRtu: '/dev/x',
      unit: 2,
    });
  });
});

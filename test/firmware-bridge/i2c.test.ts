import { execFile } from 'node:child_process';
import { afterAll, describe, expect, it } from 'vitest';
import { i2cBusAt } from '../../firmware-bridge/index.ts';

import { peer } from '../peers.ts';
import { I2cShim } from './i2c-shim.ts';

/** The real package, in programs of their own that see a simulated bus. */

const compiler = peer('cc');
const library = peer('i2c-bus');
const detect = peer('i2cdetect');
const skip = compiler.skip || library.skip;
const title = [compiler, library].find((each) => each.skip)?.title ?? 'i2c-bus';

const shim = skip ? undefined : new I2cShim();
afterAll(() => shim?.close());

/** Starts a program on the simulated bus; resolves with what it wrote. */
function run(program: string, argv: readonly string[]): Promise<string> {
  const env = { ...process.env, ...shim?.env };
  return new Promise((resolve, reject) => {
    execFile(program, argv, { env, timeout: 60_000 }, (error, out, err) =>
      error === null ? resolve(out) : reject(new Error(`${program}: ${error.message}\n${err}`)),
    );
  });
}

/** What `code` gives to `tell`, run with the exchange `bus`. */
async function told(code: string, path = shim?.bus): Promise<unknown> {
  const script = `
    const { i2cBusAt, i2cExchange } = await import('#bridge');
    const bus = i2cExchange(i2cBusAt(${JSON.stringify(path)}));
    const read = (address, at, length) =>
      bus.converse({ address, label: 'test', talk: (chip) => chip.transfer(Uint8Array.from(at), length) })
        .then((bytes) => Buffer.from(bytes).toString('hex'), ({ code, reason }) => code + ' ' + reason);
    const tell = (value) => console.log(JSON.stringify(value));
    ${code}
    await bus.close();`;
  return JSON.parse(await run(process.execPath, ['--input-type=module', '-e', script]));
}

describe.skipIf(skip)(`a bus through ${title}`, () => {
  it('reads registers of every length, and writes', async () => {
    shim?.put({ address: 0x40, kind: 'words', registers: { 2: 'fa00', 5: '41eb00', 10: 'ffffa81c00' } });
    expect(await told('tell([await read(0x40, [2], 2), await read(0x40, [5], 3), await read(0x40, [10], 5)])')).toEqual(
      ['fa00', '41eb00', 'ffffa81c00'],
    );
    expect(
      await told(`await bus.converse({ address: 0x40, label: 'w', talk: (chip) => chip.write(Uint8Array.of(2, 0x12, 0x34)) });
        tell(await read(0x40, [2], 2))`),
    ).toBe('1234');
  });

  it('reads runs of bytes, and registers with numbers of two bytes', async () => {
    shim?.put({ address: 0x20, kind: 'bytes', registers: { 48: 'ae079a39' } });
    shim?.put({ address: 0x30, kind: 'wide', registers: { 4188: '0384' } });
    expect(await told('tell([await read(0x20, [0x30], 4), await read(0x30, [0x10, 0x5c], 2)])')).toEqual([
      'ae079a39',
      '0384',
    ]);
  });

  it('tells an absent chip, a held bus, and one that the kernel holds apart', async () => {
    shim?.put({ address: 0x50, kind: 'silent' });
    shim?.put({ address: 0x51, kind: 'held' });
    shim?.put({ address: 0x52, kind: 'taken' });
    expect(
      await told(`const got = [];
        for (const address of [0x4f, 0x50, 0x51, 0x52, 0x52, 0x40]) got.push(await read(address, [2], 2));
        tell(got)`),
    ).toEqual(['timeout nack', 'timeout nack', 'timeout held', 'open kernel_driver', 'open kernel_driver', '1234']);
  });

  it('tells when there is no such bus, and finds it when it comes', async () => {
    expect(await told('tell(await read(0x40, [2], 2))', '/dev/i2c-9999')).toBe('open no_bus');
  });

  it.skipIf(detect.skip)(`is the same one that ${detect.title} looks at`, async () => {
    const number = shim?.bus.slice('/dev/i2c-'.length) ?? '';
    const found = [...(await run(detect.path, ['-y', number])).matchAll(/ ([0-9a-f]{2})(?= )/g)].map(([, hex]) => hex);
    expect(found).toEqual(expect.arrayContaining(['20', '40']));
    expect(found).not.toContain('21');
  });
});

describe('the path of a bus', () => {
  it.each(['/dev/i2c', '/dev/ttyUSB0', 'i2c-1', '/dev/i2c-1x', ''])('is not %j', (path) => {
    expect(() => i2cBusAt(path)).toThrow(/\/dev\/i2c-1/);
  });
});

describe('without the package', () => {
  it('says what to install, and everything else is there', async () => {
    const script = `
      import { registerHooks } from 'node:module';
      registerHooks({ resolve: (name, context, next) => {
        if (name === 'i2c-bus') throw new Error('Cannot find package i2c-bus');
        return next(name, context);
      } });
      const { i2cBusAt, i2cExchange } = await import('#bridge');
      const bus = i2cExchange(i2cBusAt('/dev/i2c-1'));
      const failure = await bus.converse({ address: 0x40, label: 'test', talk: (chip) => chip.read(1) }).catch((error) => error);
      console.log(failure.code, failure.reason, failure.message);`;
    const said = await run(process.execPath, ['--input-type=module', '-e', script]);
    expect(said).toMatch(/^open no_package i2c:\/dev\/i2c-1: .*npm run native/);
  });
});

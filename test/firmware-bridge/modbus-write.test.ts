import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modbusTcpExchange, type RegisterWrite, type WritableExchange } from '../../firmware-bridge/index.ts';
import { peer } from '../peers.ts';
import { freePort } from '../ports.ts';
import { accepts, kill, pymodbusSlave, temporaryFolder, until } from './peers.ts';

const pymodbus = peer('pymodbus');

describe.skipIf(pymodbus.skip)(`Modbus TCP writes to ${pymodbus.title}`, () => {
  const folder = temporaryFolder();
  let slave: ChildProcess;
  let modbus: WritableExchange;

  beforeAll(async () => {
    const port = await freePort();
    slave = pymodbusSlave(pymodbus.path, folder.path, { port });
    await until('the slave listens', () => accepts(port));
    modbus = modbusTcpExchange({ host: '127.0.0.1', port });
  });

  afterAll(async () => {
    await modbus?.close();
    if (slave !== undefined) await kill(slave);
    folder.remove();
  });

  it.each<[string, RegisterWrite]>([
    ['one coil', { unit: 1, functionCode: 5, address: 4, values: [1] }],
    ['one coil off', { unit: 1, functionCode: 5, address: 4, values: [0] }],
    ['one register', { unit: 1, functionCode: 6, address: 9, values: [0xabcd] }],
    ['several coils', { unit: 2, functionCode: 15, address: 20, values: [1, 0, 0, 1, 1, 0, 1, 0, 0, 1] }],
    ['several registers', { unit: 2, functionCode: 16, address: 30, values: [1, 0xffff, 3] }],
  ])('%s is there afterwards, and its neighbours are as they were', async (_, write) => {
    const { unit, functionCode, address, values } = write;
    const table = functionCode === 5 || functionCode === 15 ? 'coil' : 'holding';
    const around = { unit, table, address: address - 1, count: values.length + 2 } as const;
    const before = await modbus.read(around);
    await modbus.write(write);
    expect([...(await modbus.read(around))]).toEqual([before[0], ...values, before.at(-1)]);
  });

  it('that is not possible is refused with its reason, and the next read is right', async () => {
    const beyond: RegisterWrite = { unit: 1, functionCode: 6, address: 5000, values: [1] };
    await expect(modbus.write(beyond)).rejects.toMatchObject({ code: 'refused', reason: 'exception-2' });
    expect([...(await modbus.read({ unit: 1, table: 'holding', address: 0, count: 1 }))]).toEqual([1000]);
  });
});

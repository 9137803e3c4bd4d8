import type { ChildProcess } from 'node:child_process';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { crc16Modbus } from '../../firmware-bridge/framing/crc.ts';
import {
  type BridgeError,
  modbusRtuExchange,
  type RegisterWrite,
  serialTransport,
  type WritableExchange,
} from '../../firmware-bridge/index.ts';
import { acceptRtuWrite, writeBody } from '../../firmware-bridge/modbus-write.ts';
import { peer } from '../peers.ts';
import { failure, MemoryTransport, outcome } from './memory-transport.ts';
import { cable, kill, pymodbusSlave, temporaryFolder, until } from './peers.ts';

function withCrc(...body: number[]): Uint8Array {
  const crc = crc16Modbus(Uint8Array.from(body));
  return Uint8Array.of(...body, crc & 0xff, crc >>> 8);
}

const one: RegisterWrite = { unit: 0xd2, functionCode: 6, address: 0xa5, values: [0] };
const two: RegisterWrite = { unit: 1, functionCode: 16, address: 0x1070, values: [0, 0] };

describe('the answer to a write on RTU', () => {
  const echo = withCrc(...writeBody(one));
  const done = withCrc(...writeBody(two).subarray(0, 6));
  const request = withCrc(...writeBody(two));

  it('is the request again, or its beginning', () => {
    expect(acceptRtuWrite(echo, writeBody(one))).toEqual({ kind: 'take', value: {}, length: 8 });
    expect(acceptRtuWrite(done, writeBody(two))).toEqual({ kind: 'take', value: {}, length: 8 });
  });

  it('can be an exception', () => {
    expect(acceptRtuWrite(withCrc(0xd2, 0x86, 2), writeBody(one))).toMatchObject({ value: { exception: 2 } });
  });

  it.each([
    ['another value', withCrc(0xd2, 6, 0, 0xa5, 0, 1), one],
    ['another register', withCrc(0xd2, 6, 0, 0xa6, 0, 0), one],
    ['another count', withCrc(1, 16, 0x10, 0x70, 0, 1), two],
  ])('that repeats %s is refused', (_, bytes, write) => {
    expect(acceptRtuWrite(bytes, writeBody(write))).toMatchObject({ kind: 'refuse', code: 'echo', retryable: false });
  });

  it('that is damaged is refused', () => {
    const damaged = echo.slice();
    damaged[7] = (damaged[7] ?? 0) ^ 1;
    expect(acceptRtuWrite(damaged, writeBody(one))).toMatchObject({ kind: 'refuse', code: 'crc' });
  });

  it('is never an echo of the adapter, however it comes', () => {
    for (let length = 0; length < request.length; length += 1) {
      expect(acceptRtuWrite(request.subarray(0, length), writeBody(two)).kind, `${length} bytes`).toBe('more');
    }
    expect(acceptRtuWrite(request, writeBody(two)).kind).toBe('skip');
    expect(acceptRtuWrite(Uint8Array.of(...request, ...done), writeBody(two))).toMatchObject({
      kind: 'skip',
      length: request.length,
    });
  });

  it('is found whole only, behind noise and the answer to a read', () => {
    const late = withCrc(1, 3, 4, 0, 1, 0, 2);
    for (let length = 0; length < done.length; length += 1) {
      expect(['more', 'skip']).toContain(acceptRtuWrite(done.subarray(0, length), writeBody(two)).kind);
    }
    expect(acceptRtuWrite(Uint8Array.of(...late, ...done), writeBody(two))).toMatchObject({
      kind: 'skip',
      length: late.length,
    });
  });

  it('is taken from no random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const acceptance = acceptRtuWrite(bytes, writeBody(two));
        expect(acceptance.kind === 'take' && crc16Modbus(bytes.subarray(0, acceptance.length)) !== 0).toBe(false);
      }),
    );
  });
});

describe('a write on RTU', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is the frame of the note, sent once', async () => {
    const wire = new MemoryTransport();
    wire.device = (bytes) => wire.say(bytes);
    await outcome(modbusRtuExchange(wire).write(one));
    expect(wire.written.map((bytes) => Buffer.from(bytes).toString('hex'))).toEqual(['d20600a500008a4a']);
    const silent = new MemoryTransport();
    const error: BridgeError = await failure(modbusRtuExchange(silent).write({ ...one, timeoutMs: 100 }));
    expect(error.code).toBe('timeout');
    expect(silent.written).toHaveLength(1);
  });

  it('says an exception in words', async () => {
    const wire = new MemoryTransport();
    wire.device = () => wire.say(withCrc(0xd2, 0x86, 4));
    const error = await failure(modbusRtuExchange(wire).write(one));
    expect(error).toMatchObject({ code: 'refused', reason: 'exception-4' });
    expect(error.message).toContain('unit 210 write 6 165+1: exception 4, the device failed');
  });
});

const socat = peer('socat');
const pymodbus = peer('pymodbus');

describe.skipIf(socat.skip || pymodbus.skip)(`Modbus RTU writes to ${pymodbus.title} over ${socat.title}`, () => {
  const folder = temporaryFolder();
  let wire: Awaited<ReturnType<typeof cable>>;
  let slave: ChildProcess;
  let modbus: WritableExchange;

  beforeAll(async () => {
    wire = await cable(socat.path, folder.path);
    slave = pymodbusSlave(pymodbus.path, folder.path, { serial: wire.b });
    modbus = modbusRtuExchange(serialTransport({ path: wire.a, line: { baud: 9600 } }), { timeoutMs: 5000 });
    await until('the slave answers', async () =>
      modbus.read({ unit: 1, table: 'holding', address: 0, count: 1, timeoutMs: 500, tries: 1 }).then(
        () => true,
        () => false,
      ),
    );
  });

  afterAll(async () => {
    await modbus?.close();
    if (slave !== undefined) await kill(slave);
    await wire?.pull();
    folder.remove();
  });

  it.each<[string, RegisterWrite]>([
    ['one coil', { unit: 1, functionCode: 5, address: 4, values: [1] }],
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

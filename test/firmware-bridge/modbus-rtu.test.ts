import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BridgeError } from '../../firmware-bridge/errors.ts';
import type { RegisterRead } from '../../firmware-bridge/exchange.ts';
import { bytesToHex } from '../../firmware-bridge/framing/ascii-hex.ts';
import { type ModbusOptions, modbusRtuExchange } from '../../firmware-bridge/modbus.ts';
import { type Manners, memorySlave, truth } from './memory-slave.ts';
import { failure, MemoryTransport, outcome } from './memory-transport.ts';

const functionCodes = { coil: 1, discrete: 2, holding: 3, input: 4 } as const;

function read(address: number, count: number, more: Partial<RegisterRead> = {}): RegisterRead {
  return { unit: 1, table: 'holding', address, count, ...more };
}

function expected({ unit, table, address, count }: RegisterRead): Uint16Array {
  return Uint16Array.from(truth(unit, functionCodes[table], address, count));
}

function setUp(
  manners: (request: number, unit: number) => Manners = () => ({}),
  options: ModbusOptions = {},
  legalUpTo?: number,
) {
  const wire = new MemoryTransport();
  memorySlave(wire, manners, legalUpTo);
  return { wire, modbus: modbusRtuExchange(wire, { timeoutMs: 500, tries: 1, ...options }) };
}

/** Manners by number of the request, good ones after the list. */
const script =
  (...list: Manners[]) =>
  (request: number) =>
    list[request] ?? {};

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('reading', () => {
  it.each([
    read(0, 1),
    read(0, 125),
    read(0xffff, 1),
    read(0x0a00, 5, { unit: 247 }),
    read(3, 2, { table: 'input' }),
    read(0, 1, { table: 'coil' }),
    read(5, 13, { table: 'coil' }),
    read(7, 2000, { table: 'discrete' }),
  ])('%o', async (request) => {
    const { modbus } = setUp();
    expect(await outcome(modbus.read(request))).toEqual(expected(request));
  });

  it('sends the request of the specification, low CRC byte first', async () => {
    const { wire, modbus } = setUp();
    await outcome(modbus.read(read(0x006b, 3, { unit: 0x11 })));
    expect(wire.written.map(bytesToHex)).toEqual(['1103006b00037687']);
  });

  it('skips the echo of a half-duplex adapter, even one that looks like the head of the answer', async () => {
    const { wire, modbus } = setUp(() => ({ echo: true }));
    const request = read(0x0a00, 5);
    expect(await outcome(modbus.read(request))).toEqual(expected(request));
    expect(await outcome(modbus.read(read(9, 1)))).toEqual(expected(read(9, 1)));
    expect(modbus.stats.strayBytes).toBe(16);
    // An echo is no reason to doubt the order of the answers.
    expect(wire.written.length).toBe(2);
  });

  it('skips a frame of another unit, and takes its own byte by byte', async () => {
    const { modbus } = setUp(() => ({ stranger: true, dribble: 1 }));
    expect(await outcome(modbus.read(read(2, 4)))).toEqual(expected(read(2, 4)));
  });

  it('answers parallel callers in order, each with its own registers', async () => {
    const { modbus } = setUp((request) => ({ delayMs: (request * 37) % 90 }));
    const requests = Array.from({ length: 20 }, (_, at) => read(at * 3, 2, { unit: 1 + (at % 3) }));
    const all = Promise.all(requests.map((request) => modbus.read(request)));
    expect(await outcome(all)).toEqual(requests.map(expected));
    expect(modbus.stats).toMatchObject({ requests: 20, answers: 20 });
  });
});

describe('refusals', () => {
  it.each([
    [1, false],
    [2, false],
    [3, false],
    [4, false],
    [5, true],
    [6, true],
    [11, true],
    [99, false],
  ])('exception %i: retryable %s', async (exception, retryable) => {
    const { wire, modbus } = setUp(() => ({ exception }), { tries: 2 });
    const error = await failure(modbus.read(read(0, 2)));
    expect(error).toMatchObject({ code: 'refused', reason: `exception-${exception}`, retryable });
    expect(error.message).toContain('unit 1 holding 0+2');
    expect(wire.written.length).toBe(retryable ? 2 : 1);
  });

  it('a device that was busy once is asked again', async () => {
    const { modbus } = setUp(script({ exception: 6 }), { tries: 2 });
    expect(await outcome(modbus.read(read(0, 2)))).toEqual(expected(read(0, 2)));
  });

  it('a damaged answer is asked again', async () => {
    const { modbus } = setUp(script({ damage: true }), { tries: 3 });
    expect(await outcome(modbus.read(read(0, 2)))).toEqual(expected(read(0, 2)));
    expect(modbus.stats.refusals).toBe(1);
  });

  it('a damaged answer is named as such', async () => {
    const { modbus } = setUp(() => ({ damage: true }));
    expect(await failure(modbus.read(read(0, 2)))).toMatchObject({ code: 'refused', reason: 'crc', retryable: true });
  });

  it.each([
    read(0, 0),
    read(0, 126),
    read(0, 2001, { table: 'coil' }),
    read(-1, 1),
    read(65_535, 2),
    read(0.5, 1),
    read(0, 1, { unit: 0 }),
    read(0, 1, { unit: 248 }),
  ])('%o is not even sent', async (request) => {
    const { wire, modbus } = setUp();
    expect(await failure(modbus.read(request))).toMatchObject({
      code: 'refused',
      reason: 'bad-request',
      retryable: false,
    });
    expect(wire.opens).toBe(0);
  });
});

describe('answers out of step', () => {
  // Later than the time-out (500) and the quarantine (200) together, so that silence alone does not help.
  const veryLate = { delayMs: 900 };

  it('a late answer is not taken for the next block of the same length', async () => {
    const { wire, modbus } = setUp(script(veryLate));
    const first = modbus.read(read(10, 2));
    const second = modbus.read(read(20, 2));
    expect(await failure(first)).toMatchObject({ code: 'timeout' });
    expect(await outcome(second)).toEqual(expected(read(20, 2)));
    // The probe asked for one register less.
    expect(wire.written.map(bytesToHex).map((hex) => hex.slice(4, 12))).toEqual(['000a0002', '00140001', '00140002']);
  });

  it('nor for the next try of the same block', async () => {
    const { modbus } = setUp(script(veryLate), { tries: 2 });
    expect(await outcome(modbus.read(read(10, 2)))).toEqual(expected(read(10, 2)));
    expect(await outcome(modbus.read(read(20, 2)))).toEqual(expected(read(20, 2)));
  });

  it('nor for the answer of the probe, when that has its length by chance', async () => {
    const { modbus } = setUp(script({ delayMs: 900 }));
    const first = modbus.read(read(10, 1));
    const second = modbus.read(read(20, 2));
    await failure(first);
    expect(await outcome(second)).toEqual(expected(read(20, 2)));
  });

  it('one register, and the one behind it does not exist: the exception proves the order', async () => {
    const { modbus } = setUp(script({ answers: 'never' }), {}, 21);
    await failure(modbus.read(read(20, 1)));
    expect(await outcome(modbus.read(read(20, 1)))).toEqual(expected(read(20, 1)));
  });

  it('bits: the probe differs by a whole byte', async () => {
    const { modbus } = setUp(script(veryLate));
    const first = modbus.read(read(0, 9, { table: 'coil' }));
    const second = modbus.read(read(100, 12, { table: 'coil' }));
    await failure(first);
    expect(await outcome(second)).toEqual(expected(read(100, 12, { table: 'coil' })));
  });

  it('another unit or another table needs no probe', async () => {
    const { wire, modbus } = setUp(script({ answers: 'never' }));
    await failure(modbus.read(read(10, 2)));
    expect(await outcome(modbus.read(read(10, 2, { unit: 2 })))).toEqual(expected(read(10, 2, { unit: 2 })));
    expect(await outcome(modbus.read(read(10, 2, { table: 'input' })))).toEqual(
      expected(read(10, 2, { table: 'input' })),
    );
    expect(wire.written.length).toBe(3);
  });

  it('an unanswered probe fails the call as timeout; the device is back at once when it answers again', async () => {
    const { modbus } = setUp((request) => (request < 12 ? { answers: 'never' } : {}));
    for (let at = 0; at < 12; at += 1) {
      expect(await failure(modbus.read(read(10, 2)))).toMatchObject({ code: 'timeout' });
    }
    expect(await outcome(modbus.read(read(10, 2)))).toEqual(expected(read(10, 2)));
  });

  it('a late exception proves less than an answer: what may follow it still counts', async () => {
    // Sent at 0, 700 and 1400 ms; answered at 1500 (an exception), 1600 (one register) and later. The third question wants one
    // register, too, and must not be sent on the strength of the exception.
    const { modbus } = setUp(script({ delayMs: 1500, exception: 6 }, { delayMs: 900 }, { delayMs: 600 }), { tries: 2 });
    expect(await failure(modbus.read(read(10, 2, { tries: 1 })))).toMatchObject({ code: 'timeout' });
    expect(await failure(modbus.read(read(20, 2, { tries: 1 })))).toMatchObject({ code: 'timeout', reason: 'silent' });
    expect(await failure(modbus.read(read(30, 1, { tries: 1 })))).toMatchObject({
      code: 'timeout',
      reason: 'out-of-step',
    });
    expect(await outcome(modbus.read(read(30, 1)))).toEqual(expected(read(30, 1)));
  });

  it('an aborted question can be answered late as well', async () => {
    const { modbus } = setUp(script({ delayMs: 400 }), { lateMs: 0 });
    const aborter = new AbortController();
    const first = modbus.read(read(10, 2, { signal: aborter.signal }));
    const second = modbus.read(read(20, 2));
    setTimeout(() => aborter.abort(), 50);
    expect(await failure(first)).toMatchObject({ code: 'aborted' });
    expect(await outcome(second)).toEqual(expected(read(20, 2)));
  });

  it('an answer to a question from before a loss of the line can come after it', async () => {
    const { wire, modbus } = setUp(script({ delayMs: 400 }), { lateMs: 0, reconnect: { firstMs: 1, maxMs: 1 } });
    const first = modbus.read(read(10, 2));
    setTimeout(() => wire.unplug(), 50);
    expect(await failure(first)).toMatchObject({ code: 'closed' });
    await vi.advanceTimersByTimeAsync(5);
    expect(await outcome(modbus.read(read(20, 2)))).toEqual(expected(read(20, 2)));
  });

  it('a slave seen to answer twice is believed no more: its later copies cannot do harm', async () => {
    // The first copy comes in the gap and gives it away; the others come while the next question is open.
    const { modbus } = setUp((request) => ({ answers: 'twice', copyAfterMs: request === 0 ? 2 : 30, delayMs: 50 }));
    for (let at = 0; at < 10; at += 1) {
      const request = read(at * 10, 2);
      expect(await outcome(modbus.read(request))).toEqual(expected(request));
    }
  });
});

it('whatever the slave does, a read gives its own registers or an error', async () => {
  const manners: fc.Arbitrary<Manners> = fc.record(
    {
      delayMs: fc.oneof(fc.nat(60), fc.nat(3_000)),
      answers: fc.constantFrom('once', 'once', 'once', 'twice', 'never'),
      copyAfterMs: fc.nat(5),
      echo: fc.boolean(),
      stranger: fc.boolean(),
      dribble: fc.nat(3),
      exception: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, 2, 6),
      damage: fc.constantFrom(false, false, false, false, true),
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<Manners>;
  const request = fc.record({
    unit: fc.integer({ min: 1, max: 2 }),
    table: fc.constantFrom('holding', 'holding', 'holding', 'input', 'coil'),
    address: fc.nat(40),
    count: fc.integer({ min: 1, max: 4 }),
    pauseMs: fc.constantFrom(0, 0, 0, 700),
  });
  let right = 0;
  let failed = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(manners, { minLength: 1, maxLength: 10 }),
      fc.array(request, { minLength: 1, maxLength: 14 }),
      fc.boolean(),
      fc.constantFrom(0, 200),
      async (list, requests, parallel, lateMs) => {
        const { modbus } = setUp((at) => list[at % list.length] ?? {}, { tries: 2, lateMs, gapMs: 10 }, 42);
        const calls: Promise<unknown>[] = [];
        for (const { pauseMs, ...question } of requests) {
          const call = modbus.read(question as RegisterRead).catch((error: unknown) => error);
          calls.push(call);
          if (!parallel) await outcome(call);
          if (!parallel) await vi.advanceTimersByTimeAsync(pauseMs);
        }
        const results = (await outcome(Promise.all(calls))) as unknown[];
        results.forEach((result, at) => {
          if (result instanceof BridgeError) {
            expect(['timeout', 'refused']).toContain(result.code);
            failed += 1;
          } else {
            expect(result).toEqual(expected(requests[at] as RegisterRead));
            right += 1;
          }
        });
        await outcome(modbus.close());
        await vi.runAllTimersAsync();
      },
    ),
    { numRuns: 300 },
  );
  // Refusing everything would be safe too.
  expect(right).toBeGreaterThan((right + failed) / 5);
});

import { describe, expect, it, vi } from 'vitest';
import { type I2cConversation, type I2cExchange, i2cExchange } from '../../firmware-bridge/index.ts';
import { errno, MemoryI2c } from './memory-i2c.ts';

function setUp(): { bus: MemoryI2c; exchange: I2cExchange } {
  const bus = new MemoryI2c();
  bus.put(0x40, { 2: 'fa00' });
  return { bus, exchange: i2cExchange(bus) };
}

const reading = (more: Partial<I2cConversation<Uint8Array>> = {}): I2cConversation<Uint8Array> => ({
  address: 0x40,
  label: 'bus voltage',
  talk: (chip) => chip.transfer(Uint8Array.of(2), 2),
  ...more,
});

describe('a conversation', () => {
  it('reads a register', async () => {
    const { exchange } = setUp();
    expect(await exchange.converse(reading())).toEqual(Uint8Array.of(0xfa, 0));
    expect(exchange.stats).toMatchObject({ requests: 1, answers: 1, timeouts: 0 });
  });

  it('has the bus to itself until it ends', async () => {
    const { bus, exchange } = setUp();
    bus.put(0x41, { 1: '0001', 2: '0002' });
    bus.before = () => new Promise((resolve) => setImmediate(resolve));
    const twice = (address: number) =>
      exchange.converse({
        ...reading(),
        address,
        talk: async (chip) => {
          await chip.transfer(Uint8Array.of(1), 2);
          return chip.transfer(Uint8Array.of(2), 2);
        },
      });
    await Promise.all([twice(0x40), twice(0x41), twice(0x40)]);
    expect(bus.calls.map((call) => call.split(' ')[1])).toEqual(['40', '40', '41', '41', '40', '40']);
  });

  it('passes on what its own code throws, and lets the next one go on', async () => {
    const { exchange } = setUp();
    const broken = exchange.converse(reading({ talk: () => Promise.reject(new TypeError('mine')) }));
    await expect(broken).rejects.toThrow(new TypeError('mine'));
    expect(await exchange.converse(reading())).toHaveLength(2);
  });

  it.each([
    [{ address: 0x02 }, /0x02 is outside/],
    [{ address: 0x78 }, /0x78 is outside/],
    [{ mux: { address: 0x60, channel: 0 } }, /multiplexer at 0x60/],
    [{ mux: { address: 0x70, channel: 8 } }, /channel 8/],
  ])('to %j is refused before anything is sent', async (more, words) => {
    const { bus, exchange } = setUp();
    await expect(exchange.converse(reading(more))).rejects.toThrow(words);
    expect(bus.calls).toEqual([]);
  });
});

describe('failures', () => {
  it.each([
    ['ENXIO', 'timeout', 'nack', /nobody answers at 0x40/, 2],
    ['EREMOTEIO', 'timeout', 'nack', /nobody answers at 0x40/, 2],
    ['EIO', 'timeout', 'bus_error', /pull-ups/, 2],
    ['ETIMEDOUT', 'timeout', 'held', /holds the bus/, 1],
    ['EAGAIN', 'timeout', 'bus_error', /wiring/, 2],
    ['ENOENT', 'open', 'no_bus', /no such bus.*i2c-dev/, 1],
    ['EACCES', 'open', 'permission', /group i2c/, 1],
    ['EBUSY', 'open', 'kernel_driver', /driver of the kernel holds 0x40/, 1],
    ['ENODEV', 'closed', 'gone', /went away/, 2],
    ['EOPNOTSUPP', 'refused', 'unsupported', /cannot do this/, 1],
    ['EWHATEVER', 'refused', 'bus_error', /EWHATEVER/, 2],
  ])('%s is %s (%s)', async (code, bridgeCode, reason, words, tries) => {
    const { bus, exchange } = setUp();
    bus.before = () => {
      throw errno(code);
    };
    const failure = await exchange.converse(reading()).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: bridgeCode, reason, transport: 'i2c:memory' });
    expect(String(failure)).toMatch(words);
    expect(bus.calls).toHaveLength(tries);
  });

  it('that pass are tried again', async () => {
    const { bus, exchange } = setUp();
    let left = 1;
    bus.before = () => {
      if (left-- > 0) throw errno('EREMOTEIO');
    };
    expect(await exchange.converse(reading())).toEqual(Uint8Array.of(0xfa, 0));
    expect(exchange.stats).toMatchObject({ requests: 1, answers: 1, timeouts: 1, reconnects: 0 });
    expect(bus.closes).toBe(0);
  });

  it('of the adapter let go of it, and what comes back is counted', async () => {
    const { bus, exchange } = setUp();
    bus.before = () => {
      throw errno('ENODEV');
    };
    await expect(exchange.converse(reading({ tries: 1 }))).rejects.toThrow(/went away/);
    expect(bus.closes).toBe(1);
    bus.before = () => {};
    await exchange.converse(reading());
    expect(exchange.stats.reconnects).toBe(1);
  });
});

describe('a call that hangs in the kernel', () => {
  it('fails at its deadline, and nothing is piled up behind it', async () => {
    const { bus, exchange } = setUp();
    let free: () => void = () => {};
    bus.before = () => new Promise((resolve) => (free = resolve));
    const first = exchange.converse(reading({ timeoutMs: 20 }));
    await expect(first).rejects.toMatchObject({ code: 'timeout', reason: 'hangs' });
    await expect(exchange.converse(reading())).rejects.toThrow(/still hangs/);
    expect(bus.calls).toHaveLength(1);
    bus.before = () => {};
    free();
    await vi.waitFor(async () => expect(await exchange.converse(reading())).toHaveLength(2), { timeout: 60_000 });
  });
});

describe('a multiplexer', () => {
  const behind = { address: 0x70, channel: 3 };

  it('is opened for one conversation and shut after it', async () => {
    const { bus, exchange } = setUp();
    bus.put(0x70, {});
    await exchange.converse(reading({ mux: behind }));
    expect(bus.calls).toEqual(['write 70 08', 'transfer 40 02', 'write 70 00']);
  });

  it('is shut when the conversation fails', async () => {
    const { bus, exchange } = setUp();
    bus.put(0x70, {});
    await expect(exchange.converse(reading({ address: 0x41, mux: behind, tries: 1 }))).rejects.toThrow(/0x41/);
    expect(bus.calls.at(-1)).toBe('write 70 00');
  });

  it('that cannot be shut lets nobody else be asked: two chips could answer', async () => {
    const { bus, exchange } = setUp();
    bus.put(0x70, {});
    bus.before = (call) => {
      if (call === 'write 70 00') throw errno('EREMOTEIO');
    };
    await exchange.converse(reading({ mux: behind }));
    await expect(exchange.converse(reading())).rejects.toThrow(/0x70/);
    bus.before = () => {};
    await exchange.converse(reading());
    expect(bus.calls.slice(-2)).toEqual(['write 70 00', 'transfer 40 02']);
  });
});

describe('the end', () => {
  it('of the caller, or of the exchange, is told to everybody who waits', async () => {
    const { bus, exchange } = setUp();
    let free: () => void = () => {};
    bus.before = () => new Promise((resolve) => (free = resolve));
    const caller = new AbortController();
    const first = exchange.converse(reading({ signal: caller.signal }));
    const second = exchange.converse(reading());
    caller.abort();
    await expect(first).rejects.toMatchObject({ code: 'aborted' });
    const closing = exchange.close();
    await expect(second).rejects.toMatchObject({ code: 'closed' });
    free();
    await closing;
    await expect(exchange.converse(reading())).rejects.toMatchObject({ code: 'closed' });
    expect(bus.closes).toBe(1);
  });
});

import { describe, expect, expectTypeOf, it } from 'vitest';
import { bindDevice } from '../../bms/bind.ts';
import type { Device } from '../../bms/device.ts';
import type { ExchangeDriver, RegisterDriver } from '../../bms/drivers/driver.ts';
import { jbd } from '../../bms/drivers/jbd.ts';
import { parseProfile } from '../../bms/drivers/load-profiles.ts';
import { driverFor } from '../../bms/drivers/registry.ts';
import { veDirect } from '../../bms/drivers/ve-direct.ts';
import type { MeterSample, PackSample } from '../../bms/model/sample.ts';
import { byteExchange } from '../../firmware-bridge/byte-exchange.ts';
import {
  BridgeError,
  type ByteExchange,
  type ByteRequest,
  type ByteTransport,
  type RegisterExchange,
  type RegisterRead,
} from '../../firmware-bridge/index.ts';
import { readVectors, recorded } from './drivers/vectors.ts';

const jbdVectors = readVectors('jbd');
const veVectors = readVectors('ve-direct');

function bytes(name: string): Uint8Array {
  const vector = [...jbdVectors, ...veVectors].find((known) => known.name === name);
  if (vector === undefined) throw new Error(`no vector ${name}`);
  return recorded(vector).response ?? new Uint8Array();
}

/** Times set by hand. */
class Hands {
  wallMs = 1_700_000_000_000;
  monoMs = 5_000;
  readonly now = () => this.wallMs;
  readonly mono = () => this.monoMs;
  pass(ms: number): void {
    this.wallMs += ms;
    this.monoMs += ms;
  }
}

const stats = { requests: 0, answers: 0, timeouts: 0, refusals: 0, strayBytes: 0, reconnects: 0 };
const timeout = (label: string) => new BridgeError('timeout', 'fake', `no answer to ${label}`);

type Script = (label: string) => Uint8Array | Error;

/** A byte bus that answers by label; one try only. */
class FakeBytes implements ByteExchange {
  readonly name = 'fake';
  stats = { ...stats };
  trouble: BridgeError | undefined;
  readonly asked: string[] = [];
  readonly listeners = new Set<(chunk: Uint8Array) => void>();
  script: Script;

  constructor(script: Script) {
    this.script = script;
  }

  readonly #tries: (readonly [label: string, tries: number | undefined])[] = [];

  triesOf(label: string): readonly (number | undefined)[] {
    return this.#tries.filter(([asked]) => asked === label).map(([, tries]) => tries);
  }

  async request<T>({ label, accept, signal, tries }: ByteRequest<T>): Promise<T> {
    this.asked.push(label);
    this.#tries.push([label, tries]);
    if (signal?.aborted) throw signal.reason;
    const answer = this.script(label);
    if (answer instanceof Error) throw answer;
    const verdict = accept(answer);
    if (verdict.kind === 'take') return verdict.value;
    if (verdict.kind !== 'refuse') throw timeout(label);
    const { code: reason, message, retryable = true } = verdict;
    throw new BridgeError('refused', this.name, message, { reason, retryable });
  }

  listen(listener: (chunk: Uint8Array) => void) {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  say(chunk: Uint8Array): void {
    for (const listener of this.listeners) listener(chunk);
  }

  async close(): Promise<void> {}
}

class FakeRegisters implements RegisterExchange {
  readonly name = 'fake';
  stats = { ...stats };
  readonly asked: RegisterRead[] = [];
  script: (read: RegisterRead) => readonly number[] | Error;

  constructor(script: (read: RegisterRead) => readonly number[] | Error) {
    this.script = script;
  }

  async read(read: RegisterRead): Promise<Uint16Array> {
    this.asked.push(read);
    const answer = this.script(read);
    if (answer instanceof Error) throw answer;
    return Uint16Array.from(answer);
  }

  async close(): Promise<void> {}
}

const JBD_ANSWERS: Readonly<Record<string, Uint8Array>> = {
  'jbd basic': bytes('sp04s034_4s_rest'),
  'jbd cells': bytes('sp04s034_cells'),
  'jbd model': bytes('model_string_sp04s034'),
  'jbd trip counters': bytes('error_counters_24'),
  'jbd limits': jbdLimits(),
};

/** Parameters 8 to 25 in one block, all 0: an answer in the form of `fa_read_two_params`. */
function jbdLimits(): Uint8Array {
  const body = Uint8Array.of(0, 39, 0, 8, 18, ...new Uint8Array(36));
  const sum = 0x10000 - body.reduce((all, byte) => all + byte, 0);
  return Uint8Array.of(0xdd, 0xfa, ...body, sum >>> 8, sum & 0xff, 0x77);
}
const healthy: Script = (label) => JBD_ANSWERS[label] ?? timeout(label);
const without =
  (missing: string, error: Error = timeout(missing)): Script =>
  (label) =>
    label === missing ? error : healthy(label);

async function failure(promise: Promise<unknown>): Promise<BridgeError> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  if (error instanceof BridgeError) return error;
  throw error;
}

describe('a device that is asked', () => {
  function bound(script: Script = healthy) {
    const hands = new Hands();
    const bus = new FakeBytes(script);
    const device = bindDevice(jbd, 'lfp1', bus, hands);
    const poll = (signal?: AbortSignal) => {
      bus.asked.length = 0;
      return device.poll(signal);
    };
    return { hands, bus, device, poll };
  }

  it('asks everything at first and gives one sample of it', async () => {
    const { bus, device, poll, hands } = bound();
    expect([device.id, device.driver]).toEqual(['lfp1', 'jbd']);
    expect(await poll()).toMatchObject({
      kind: 'pack',
      measuredAtMs: hands.wallMs,
      voltageV: 15.6,
      cellsV: [3.909, 3.901, 3.895, 3.901],
      model: 'JBD-SP04S034-L4S-200A-B-U',
    });
    expect(bus.asked).toEqual(['jbd basic', 'jbd cells', 'jbd model', 'jbd trip counters', 'jbd limits']);
  });

  it('does nothing before the first poll', () => {
    const { bus } = bound();
    expect(bus.asked).toEqual([]);
  });

  it('asks fast things every time, slow ones every minute, single ones never again', async () => {
    const { bus, poll, hands } = bound();
    await poll();
    hands.pass(1_000);
    expect((await poll()).model).toBe('JBD-SP04S034-L4S-200A-B-U');
    expect(bus.asked).toEqual(['jbd basic', 'jbd cells']);
    hands.pass(58_999);
    await poll();
    expect(bus.asked).toEqual(['jbd basic', 'jbd cells']);
    hands.pass(1);
    await poll();
    expect(bus.asked).toEqual(['jbd basic', 'jbd cells', 'jbd trip counters', 'jbd limits']);
  });

  it('asks ever less often for what not every device knows, with one try, until it was answered', async () => {
    const { bus, poll, hands } = bound(without('jbd limits'));
    const askedAtMin: number[] = [];
    for (let minute = 0; minute <= 100; minute += 1) {
      await poll();
      if (bus.asked.includes('jbd limits')) askedAtMin.push(minute);
      hands.pass(60_000);
    }
    expect(askedAtMin).toEqual([0, 1, 3, 7, 15, 31, 63, 95]);
    expect(new Set(bus.triesOf('jbd limits'))).toEqual(new Set([1]));
    expect(new Set(bus.triesOf('jbd trip counters'))).toEqual(new Set([3]));
  });

  it('asks single things again after a reconnect, and shows nothing of before', async () => {
    const { bus, poll } = bound();
    await poll();
    bus.stats = { ...stats, reconnects: 1 };
    bus.script = without('jbd model');
    expect((await poll()).model).toBeUndefined();
    expect(bus.asked).toContain('jbd model');
  });

  it.each(['jbd basic', 'jbd cells'])('fails whole when %s fails, and keeps the reason', async (missing) => {
    const { bus, poll } = bound();
    await poll();
    bus.script = without(missing);
    expect(await failure(poll())).toMatchObject({ code: 'timeout', transport: 'fake' });
    bus.script = healthy;
    expect(await poll()).toMatchObject({ voltageV: 15.6, model: 'JBD-SP04S034-L4S-200A-B-U' });
  });

  it('publishes fast data when a slow or single read fails, and asks that again a minute later', async () => {
    const { bus, poll, hands } = bound(without('jbd model'));
    const sample = await poll();
    expect(sample.voltageV).toBe(15.6);
    expect(sample.model).toBeUndefined();
    // The first failure ends the side questions of this poll: the device may just have gone.
    expect(bus.asked).not.toContain('jbd trip counters');
    hands.pass(1_000);
    await poll();
    expect(bus.asked).toEqual(['jbd basic', 'jbd cells', 'jbd trip counters', 'jbd limits']);
    bus.script = healthy;
    hands.pass(59_000);
    expect((await poll()).model).toBe('JBD-SP04S034-L4S-200A-B-U');
  });

  it('asks nothing again that the device refuses for good, until it connects anew', async () => {
    const unknownRegister = new BridgeError('refused', 'fake', 'status 0x80', { reason: 'status', retryable: false });
    const { bus, poll, hands } = bound(without('jbd trip counters', unknownRegister));
    await poll();
    hands.pass(3_600_000);
    await poll();
    expect(bus.asked).not.toContain('jbd trip counters');
    bus.stats = { ...stats, reconnects: 1 };
    await poll();
    expect(bus.asked).toContain('jbd trip counters');
  });

  it('refuses an answer that its decoder refuses', async () => {
    const { poll } = bound(without('jbd cells'));
    const odd = bytes('odd_cell_payload');
    const { bus, device } = bound((label) => (label === 'jbd cells' ? odd : healthy(label)));
    expect(await failure(device.poll())).toMatchObject({ code: 'refused', reason: 'odd_length' });
    expect(bus.asked).toContain('jbd cells');
    expect((await failure(poll())).code).toBe('timeout');
  });

  it('refuses a sample that cannot be true, and says what and of which device', async () => {
    const driver: ExchangeDriver = { ...jbd, sample: (f, at) => ({ ...jbd.sample(f, at), socRatio: 1.36 }) };
    const device = bindDevice(driver, 'lfp1', new FakeBytes(healthy), new Hands());
    const error = await failure(device.poll());
    expect(error).toMatchObject({ code: 'refused', reason: 'implausible', retryable: true });
    expect(error.message).toContain('lfp1: impossible value, socRatio 1.36');
  });

  it('stamps a sample with the time of the first fast answer', async () => {
    const hands = new Hands();
    const bus = new FakeBytes((label) => {
      hands.pass(100);
      return healthy(label);
    });
    const start = hands.wallMs;
    const sample = await bindDevice(jbd, 'lfp1', bus, hands).poll();
    expect(sample.measuredAtMs).toBe(start + 100);
  });

  it('turns whatever breaks into a BridgeError', async () => {
    const driver: ExchangeDriver = {
      ...jbd,
      sample: () => {
        throw new TypeError('a bug');
      },
    };
    const error = await failure(bindDevice(driver, 'lfp1', new FakeBytes(healthy), new Hands()).poll());
    expect(error).toMatchObject({ code: 'refused', reason: 'driver' });
    expect(error.cause).toBeInstanceOf(TypeError);
  });

  it('gives up when told to, before and between the reads', async () => {
    const { poll, bus } = bound();
    const early = await failure(poll(AbortSignal.abort()));
    expect(early.code).toBe('aborted');
    expect(bus.asked).toEqual([]);
    const controller = new AbortController();
    bus.script = (label) => {
      if (label === 'jbd model') controller.abort();
      return label === 'jbd model' ? timeout(label) : healthy(label);
    };
    expect((await failure(poll(controller.signal))).code).toBe('aborted');
    expect(bus.asked).not.toContain('jbd trip counters');
  });

  it('answers two polls at once with the same sample', async () => {
    const { bus, device } = bound();
    const [one, two] = await Promise.all([device.poll(), device.poll()]);
    expect(one).toBe(two);
    expect(bus.asked.filter((label) => label === 'jbd basic')).toHaveLength(1);
  });

  it('once closed gives up the running poll and fails the next', async () => {
    const hands = new Hands();
    const bus = new FakeBytes(healthy);
    const stuck: ByteExchange = Object.assign(Object.create(bus), {
      request: ({ signal }: ByteRequest<unknown>) =>
        new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
    });
    const device = bindDevice(jbd, 'lfp1', stuck, hands);
    const running = failure(device.poll());
    await device.close();
    expect((await running).code).toBe('closed');
    expect((await failure(device.poll())).code).toBe('closed');
    await device.close();
  });
});

describe('a sleeping JBD board', () => {
  /** Answers nothing to the first request: that one only wakes it. */
  class Sleeper implements ByteTransport {
    readonly name = 'fake';
    isOpen = false;
    writes = 0;
    #data: ((chunk: Uint8Array) => void) | undefined;

    async open(): Promise<void> {
      this.isOpen = true;
    }
    async close(): Promise<void> {
      this.isOpen = false;
    }
    async flush(): Promise<void> {}
    async write(request: Uint8Array): Promise<void> {
      this.writes += 1;
      if (this.writes === 1) return;
      const read = jbd.reads.find((known) => known.request.every((byte, at) => request[at] === byte));
      const answer = JBD_ANSWERS[`jbd ${read?.name}`];
      if (answer !== undefined) queueMicrotask(() => this.#data?.(answer));
    }
    onData(listener: (chunk: Uint8Array) => void) {
      this.#data = listener;
      return () => {};
    }
    onClosed() {
      return () => {};
    }
  }

  it('is awake at the second try of the same poll', async () => {
    const transport = new Sleeper();
    const driver: ExchangeDriver = { ...jbd, timeoutMs: 250 };
    const bus = byteExchange(transport, { gapMs: 0, timeoutMs: 250, tries: 1, lateMs: 0 });
    const device = bindDevice(driver, 'lfp1', bus, { now: () => 1, mono: () => performance.now() });
    expect(await device.poll()).toMatchObject({ voltageV: 15.6, cellsV: [3.909, 3.901, 3.895, 3.901] });
    expect(transport.writes).toBe(6);
    expect(bus.stats.timeouts).toBe(1);
    await device.close();
    await bus.close();
  });
});

describe('a device with registers', () => {
  const VALUES: Readonly<Record<number, readonly number[]>> = { 0: [0x42ed, 0x6666], 70: [0x4270, 0] };
  const fill = ({ address, count }: RegisterRead) =>
    [...(VALUES[address] ?? []), ...Array(count).fill(0)].slice(0, count);

  it('reads the profile’s blocks of its unit', async () => {
    const bus = new FakeRegisters(fill);
    const device = bindDevice(driverFor('sdm230'), 'sdm1', bus, {
      ...new Hands(),
      now: () => 9,
      mono: () => 0,
      unit: 7,
    });
    expect(await device.poll()).toMatchObject({ kind: 'meter', measuredAtMs: 9, voltageV: 118.7, frequencyHz: 60 });
    expect(new Set(bus.asked.map(({ unit }) => unit))).toEqual(new Set([7]));
    expect(bus.asked.slice(0, 2)).toMatchObject([
      { table: 'input', address: 0, count: 32 },
      { table: 'input', address: 0x46, count: 6 },
    ]);
  });

  it('uses the profile’s unit when none is given', async () => {
    const bus = new FakeRegisters(fill);
    await bindDevice(driverFor('sdm230'), 'sdm1', bus, new Hands()).poll();
    expect(bus.asked[0]?.unit).toBe(1);
  });

  const OPTIONAL = parseProfile(
    `profile: opt
title: Optional
note: none
measures: pack
transport: { baud: 9600 }
registers:
  voltageV: { addr: 0 }
  currentA: { addr: 1, optional: true }
  cycles: { addr: 2, cadence: slow }
`,
    'opt.yaml',
  );

  it('lives without an optional register, and does not ask for it again', async () => {
    const exception = new BridgeError('refused', 'fake', 'exception 2', { reason: 'exception-2', retryable: false });
    const bus = new FakeRegisters(({ address }) => (address === 1 ? exception : [address + 10]));
    const device = bindDevice(OPTIONAL, 'p', bus, new Hands());
    expect(await device.poll()).toMatchObject({ voltageV: 10, cycles: 12 });
    await device.poll();
    expect(bus.asked.map(({ address }) => address)).toEqual([0, 1, 2, 0]);
  });

  it('shows no optional value of before when this time it did not come', async () => {
    const hands = new Hands();
    const bus = new FakeRegisters(() => [5]);
    const device = bindDevice(OPTIONAL, 'p', bus, hands);
    expect(await device.poll()).toMatchObject({ voltageV: 5 });
    bus.script = ({ address }) => (address === 1 ? timeout('1') : [6]);
    const sample = await device.poll();
    expect(sample).not.toHaveProperty('currentA');
  });

  it('drops a slow value that has not come for three minutes', async () => {
    const hands = new Hands();
    const bus = new FakeRegisters(() => [5]);
    const device = bindDevice(OPTIONAL, 'p', bus, hands);
    await device.poll();
    bus.script = ({ address }) => (address === 2 ? timeout('2') : [5]);
    hands.pass(170_000);
    expect(await device.poll()).toHaveProperty('cycles', 5);
    hands.pass(10_001);
    expect(await device.poll()).not.toHaveProperty('cycles');
  });

  it('fails whole when a block fails', async () => {
    const bus = new FakeRegisters(({ address }) => (address === 0 ? timeout('0') : [1]));
    expect((await failure(bindDevice(OPTIONAL, 'p', bus, new Hands()).poll())).code).toBe('timeout');
    expect(bus.asked).toHaveLength(1);
  });

  it('refuses an answer of the wrong length', async () => {
    const bus = new FakeRegisters(() => [1, 2]);
    const error = await failure(bindDevice(OPTIONAL, 'p', bus, new Hands()).poll());
    expect(error).toMatchObject({ code: 'refused', reason: 'wrong_length' });
  });
});

describe('a current configured to be turned', () => {
  const currents = async (bind: (invertCurrent: boolean) => Promise<PackSample>) => [
    (await bind(false)).currentA,
    (await bind(true)).currentA,
  ];

  it('is turned in the sample of a board that is asked', async () => {
    const discharging = bytes('4s_discharging_2a87');
    const bus = new FakeBytes((label) => (label === 'jbd basic' ? discharging : healthy(label)));
    const read = (invertCurrent: boolean) => bindDevice(jbd, 'p', bus, { ...new Hands(), invertCurrent }).poll();
    expect(await currents(read)).toEqual([-2.87, 2.87]);
  });

  it('is turned in the sample of registers', async () => {
    const bus = new FakeRegisters(() => [5]);
    const profile = parseProfile(
      `
profile: turned
title: a pack
note: test
measures: pack
transport: { baud: 9600 }
registers:
  currentA: { addr: 0 }
`,
      'turned.yaml',
    );
    const read = async (invertCurrent: boolean) => {
      const sample = await bindDevice(profile, 'p', bus, { ...new Hands(), invertCurrent }).poll();
      if (sample.kind !== 'pack') throw new Error('not a pack');
      return sample;
    };
    expect(await currents(read)).toEqual([5, -5]);
  });

  it('is turned in the sample of a device that talks by itself, with its power', async () => {
    const bus = new FakeBytes(healthy);
    const device = bindDevice(veDirect, 'shunt', bus, { ...new Hands(), invertCurrent: true });
    const first = device.poll();
    bus.say(bytes('bmv700_discharging_main'));
    expect(await first).toMatchObject({ currentA: 7.625, powerW: 92, voltageV: 12.065 });
    await device.close();
  });
});

describe('a device that talks by itself', () => {
  function bound() {
    const hands = new Hands();
    const bus = new FakeBytes(healthy);
    const device = bindDevice(veDirect, 'shunt', bus, hands);
    return { hands, bus, device };
  }

  it('listens from the first poll on, and gives the first block as soon as it is there', async () => {
    const { bus, device, hands } = bound();
    expect(bus.listeners.size).toBe(0);
    const first = device.poll();
    expect(bus.listeners.size).toBe(1);
    hands.pass(700);
    bus.say(bytes('bmv700_history'));
    bus.say(bytes('bmv700_discharging_main'));
    expect(await first).toMatchObject({
      measuredAtMs: hands.wallMs,
      voltageV: 12.065,
      socRatio: 0.839,
      energyOutWh: 68430,
    });
    await device.close();
    expect(bus.listeners.size).toBe(0);
  });

  it('stamps a sample with the arrival of its block, however often it is asked for', async () => {
    const { bus, device, hands } = bound();
    const first = device.poll();
    bus.say(bytes('bmv700_discharging_main'));
    const arrived = hands.wallMs;
    expect((await first).measuredAtMs).toBe(arrived);
    hands.pass(900);
    expect((await device.poll()).measuredAtMs).toBe(arrived);
    bus.say(bytes('bmv700_checksum_byte_is_colon'));
    expect(await device.poll()).toMatchObject({ measuredAtMs: hands.wallMs, voltageV: 12.164 });
  });

  it('is lost when no main block comes, even though history still does', async () => {
    const { bus, device, hands } = bound();
    const first = device.poll();
    bus.say(bytes('bmv700_discharging_main'));
    await first;
    hands.pass(veDirect.silenceMs);
    bus.say(bytes('bmv700_history'));
    expect((await device.poll()).voltageV).toBe(12.065);
    hands.pass(1);
    const error = await failure(device.poll());
    expect(error).toMatchObject({ code: 'timeout', retryable: true });
    expect(error.message).toContain('shunt: no whole block');
    bus.say(bytes('bmv700_discharging_main'));
    expect((await device.poll()).voltageV).toBe(12.065);
  });

  it('is believed with a wrong checksum only where that is configured', async () => {
    const damaged = Uint8Array.from(bytes('bmv700_discharging_main'));
    damaged[damaged.length - 1] = ((damaged[damaged.length - 1] ?? 0) + 1) & 0xff;
    const first = async (options: { checksum?: 'ignore' }) => {
      const bus = new FakeBytes(healthy);
      const driver = { ...veDirect, silenceMs: 30 };
      const device = bindDevice(driver, 'charger', bus, { ...new Hands(), mono: () => performance.now(), ...options });
      const sample = device.poll();
      bus.say(damaged);
      return sample.finally(() => device.close());
    };
    expect(await first({ checksum: 'ignore' })).toMatchObject({ voltageV: 12.065 });
    await expect(first({})).rejects.toMatchObject({ code: 'timeout' });
  });

  it('waits for its first block no longer than the stream may be silent', async () => {
    const hands = new Hands();
    const driver = { ...veDirect, silenceMs: 30 };
    const device = bindDevice(driver, 'shunt', new FakeBytes(healthy), {
      now: hands.now,
      mono: () => performance.now(),
    });
    expect((await failure(device.poll())).code).toBe('timeout');
  });

  it('says why there is silence when the bus knows', async () => {
    const hands = new Hands();
    const bus = new FakeBytes(healthy);
    bus.trouble = new BridgeError('open', 'fake', 'no such port');
    const device = bindDevice({ ...veDirect, silenceMs: 30 }, 'shunt', bus, {
      now: hands.now,
      mono: () => performance.now(),
    });
    expect(await failure(device.poll())).toBe(bus.trouble);
  });

  it('forgets a value that the next main block no longer has', async () => {
    const { bus, device } = bound();
    const first = device.poll();
    bus.say(bytes('bmv700_discharging_main'));
    expect((await first).socRatio).toBe(0.839);
    bus.say(bytes('unsynchronised_dashes_and_mixed_case_alarm'));
    const sample = await device.poll();
    expect(sample.voltageV).toBe(26.405);
    expect(sample).not.toHaveProperty('socRatio');
    expect(sample).not.toHaveProperty('timeToEmptyS');
  });

  it('passes over damaged blocks', async () => {
    const { bus, device } = bound();
    const first = device.poll();
    bus.say(bytes('text_one_digit_corrupted'));
    bus.say(bytes('bmv700_discharging_main'));
    expect((await first).voltageV).toBe(12.065);
    bus.say(bytes('text_soc_line_lost'));
    expect((await device.poll()).socRatio).toBe(0.839);
  });

  it('refuses what cannot be true until the next block', async () => {
    const hands = new Hands();
    const bus = new FakeBytes(healthy);
    let socRatio = 1.5;
    const driver = {
      ...veDirect,
      sample: (...told: Parameters<typeof veDirect.sample>) => ({ ...veDirect.sample(...told), socRatio }),
    };
    const device = bindDevice(driver, 'shunt', bus, hands);
    const first = failure(device.poll());
    bus.say(bytes('bmv700_discharging_main'));
    expect(await first).toMatchObject({ code: 'refused', reason: 'implausible' });
    socRatio = 0.5;
    expect((await device.poll()).socRatio).toBe(0.5);
  });

  it('settles a waiting poll when it is given up or closed', async () => {
    const { device } = bound();
    const controller = new AbortController();
    const given = failure(device.poll(controller.signal));
    controller.abort();
    expect((await given).code).toBe('aborted');
    expect((await failure(device.poll(AbortSignal.abort()))).code).toBe('aborted');
    const waiting = failure(device.poll());
    await device.close();
    expect((await waiting).code).toBe('closed');
    expect((await failure(device.poll())).code).toBe('closed');
  });
});

describe('binding', () => {
  it('refuses a bus of the wrong kind, and says what to write instead', () => {
    const hands = new Hands();
    const sdm = driverFor('sdm230');
    expect(() => bindDevice(sdm, 'sdm1', new FakeBytes(healthy), hands)).toThrow(/sdm1.*speaks Modbus.*modbusTcp/);
    expect(() => bindDevice(jbd, 'lfp1', new FakeRegisters(() => []), hands)).toThrow(/lfp1.*not speak Modbus.*serial/);
    expect(() => bindDevice(veDirect, 's', new FakeRegisters(() => []), hands)).toThrow(/not speak Modbus/);
  });

  it('knows the kind of sample by the driver', () => {
    const device = bindDevice(jbd, 'lfp1', new FakeBytes(healthy), new Hands());
    expectTypeOf(device).toEqualTypeOf<Device<PackSample>>();
    const meter = bindDevice(
      driverFor('sdm230') as RegisterDriver<MeterSample>,
      'm',
      new FakeRegisters(() => []),
      new Hands(),
    );
    expectTypeOf(meter).toEqualTypeOf<Device<MeterSample>>();
  });
});

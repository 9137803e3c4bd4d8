import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blueprint } from '../../bms/drivers/_blueprint.ts';
import type { Driver, ExchangeDriver, ExchangeRead, RecordedExchange } from '../../bms/drivers/driver.ts';
import { driverFor, driverIds } from '../../bms/drivers/registry.ts';
import { crc16Modbus } from '../../firmware-bridge/index.ts';
import { driverOf, faults, readVectors, recorded, type Vector } from '../bms/drivers/vectors.ts';

/** The promises of `driver.ts`, for every driver of the registry and for the blueprint. */

const vectors = [
  'jbd',
  'daly',
  'jk',
  've-direct',
  'eastron',
  'modbus-battery',
  'renogy',
  'epever',
  'pace',
  'pylontech',
  'seplos',
  'victron-gx',
  'ina',
  'i2c-sensors',
  'voltronic',
  'diybms',
  'sdm120',
  'sdm630',
  'sunspec',
  'victron-gx-services',
  'growatt',
].flatMap(readVectors);

function withCrc(...bytes: number[]): string {
  const crc = crc16Modbus(Uint8Array.from(bytes));
  return Buffer.from([...bytes, crc & 255, crc >>> 8]).toString('hex');
}

const blueprintVector: Vector = {
  name: 'drawing',
  protocol: 'blueprint',
  response_hex: withCrc(0xaa, 0x01, 5, 0x0a, 0x28, 0xff, 0xe2, 100),
  expect: { voltage_v: 26, current_a: -0.3, soc: 1 },
};

const cases: readonly (readonly [string, Driver, readonly Vector[]])[] = [
  ...driverIds().map((id) => [id, driverFor(id), vectors.filter((vector) => driverOf(vector) === id)] as const),
  ['blueprint', blueprint, [blueprintVector]],
];

/** Fixtures of one answer. `parts` counts what of it is checked on its own (several frames, an acknowledgement). */
function answersOf(
  driver: Driver,
  own: readonly Vector[],
  most = Infinity,
): readonly (readonly [string, RecordedExchange])[] {
  return own
    .map((vector) => [vector.name, recorded(vector)] as const)
    .filter(([, exchange]) => {
      const result = driver.decode(exchange);
      if (!result.ok) return false;
      const { frames, hexFrames, blocks, badBlocks, parts = 1, strayBytes } = result.fields;
      return (
        Number(parts) <= most &&
        strayBytes === undefined &&
        frames === undefined &&
        hexFrames === undefined &&
        (blocks === undefined || (blocks === 1 && badBlocks === 0))
      );
    });
}

/** Fixtures of one checked frame: there any change must be noticed or change nothing. */
function singleFrames(driver: Driver, own: readonly Vector[]): readonly (readonly [string, RecordedExchange])[] {
  return answersOf(driver, own, 1);
}

/** Noise in front of a frame may be lost without harm. */
function startsWithFrame(driver: Driver, exchange: RecordedExchange): boolean {
  const rest = exchange.response?.subarray(1);
  return rest === undefined || !driver.decode({ ...exchange, response: rest }).ok;
}

function notFinite(value: unknown, path = 'sample'): string[] {
  if (typeof value === 'number') return Number.isFinite(value) ? [] : [`${path} is ${value}`];
  if (value === null || value === undefined) return [`${path} is ${value}`];
  if (typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, inner]) => notFinite(inner, `${path}.${key}`));
}

describe.each(cases)('driver %s', (id, driver, own) => {
  it('has a kebab-case id, a title and a note', () => {
    expect(driver.id).toBe(id);
    expect(driver.id).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
    expect(driver.title).not.toBe('');
    expect(driver.note).toMatch(/^protocols\/[a-z0-9<>-]+\.md/);
    if (driver.shape !== 'i2c') expect(driver.line.baud).toBeGreaterThanOrEqual(1200);
  });

  it('decodes its fixtures to what their sources say', () => {
    expect(own.length).toBeGreaterThan(0);
    for (const vector of own) {
      const result = driver.decode(recorded(vector));
      const answer = result.ok ? result.fields : { error: { ...result.error.detail, ...result.error } };
      expect(faults(vector, answer), vector.name).toEqual([]);
    }
  });

  it('makes samples of finite numbers only, stamped with the time it was given', () => {
    for (const vector of own) {
      const result = driver.decode(recorded(vector));
      if (!result.ok) continue;
      const sample = driver.sample(result.fields, 1_700_000_000_000);
      expect(sample.kind).toBe(driver.measures);
      expect(sample.measuredAtMs).toBe(1_700_000_000_000);
      expect(notFinite(sample), vector.name).toEqual([]);
    }
    expect(Object.keys(driver.sample({}, 5)).sort()).toEqual(['kind', 'measuredAtMs']);
  });

  it('makes no number of fields that are not available or not numbers', () => {
    const names = ['voltageV', 'currentA', 'socRatio', 'cellsV', 'tempsC', 'tempC', 'cycles', 'model', 'alarmBits'];
    const values = fc.constantFrom(null, undefined, Number.NaN, Infinity, '12', {}, [], [null], [Number.NaN], true);
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), values), (fields) => {
        expect(notFinite(driver.sample(fields, 1))).toEqual([]);
      }),
    );
  });

  it('never throws, whatever the bytes', () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    const exchange = fc.record({ request: bytes, response: bytes, text: fc.string() }, { requiredKeys: [] });
    fc.assert(
      fc.property(exchange, (recordedBytes) => {
        const result = driver.decode(recordedBytes as RecordedExchange);
        if (!result.ok) expect(result.error.code).toMatch(/^[a-z_]+$/);
      }),
      { numRuns: 500 },
    );
  });

  it('refuses a changed byte or decodes the same', () => {
    for (const [name, exchange] of singleFrames(driver, own)) {
      const { response, protocol = '' } = exchange;
      // TCP checks its bytes itself.
      if (response === undefined || protocol.endsWith('-tcp') || protocol === 'sunspec') continue;
      const good = driver.decode(exchange);
      for (let at = 0; at < response.length; at += 1) {
        for (const flip of [0x01, 0x02, 0x10, 0x80, 0xff]) {
          const changed = Uint8Array.from(response);
          changed[at] = (changed[at] ?? 0) ^ flip;
          const result = driver.decode({ ...exchange, response: changed });
          if (result.ok) expect(result, `${name} byte ${at} ^ ${flip}`).toEqual(good);
        }
      }
    }
  });

  it('refuses a frame that was cut', () => {
    const single = singleFrames(driver, own);
    expect(single.length).toBeGreaterThan(0);
    for (const [name, exchange] of single) {
      for (let length = 0; length < (exchange.response?.length ?? 0); length += 1) {
        const response = exchange.response?.subarray(0, length) ?? new Uint8Array();
        const result = driver.decode({ ...exchange, response });
        expect(result.ok, `${name} cut to ${length}`).toBe(false);
        if (!result.ok && length === 0) expect(result.error.code).toBe('timeout');
      }
    }
  });

  it('has a polling plan that makes sense', () => {
    if (driver.shape === 'stream') {
      expect(driver.silenceMs).toBeGreaterThanOrEqual(1000);
      return;
    }
    if (driver.shape === 'i2c') {
      for (const { cadence, registers, decode } of driver.reads) {
        expect(cadence).toBe('fast');
        expect(registers.every(({ at, length }) => at >= 0 && at <= 0xff && length >= 1 && length <= 32)).toBe(true);
        expect(decode(new Map()).ok).toBe(false);
      }
      return;
    }
    expect(driver.gapMs).toBeGreaterThanOrEqual(0);
    const names = driver.reads.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(driver.reads.some(({ cadence }) => cadence === 'fast')).toBe(true);
    if (driver.shape === 'exchange') {
      expect(driver.tries).toBeGreaterThanOrEqual(2);
      expect(driver.tries).toBeLessThanOrEqual(5);
      expect(driver.timeoutMs * driver.tries).toBeLessThanOrEqual(5000);
      for (const { request } of driver.reads) expect(request.length).toBeGreaterThan(0);
      return;
    }
    for (const block of driver.reads) {
      expect(block.read.count).toBeGreaterThanOrEqual(1);
      const bits = block.read.table === 'coil' || block.read.table === 'discrete';
      expect(block.read.count).toBeLessThanOrEqual(bits ? 2000 : 125);
      expect(block.read.address + block.read.count).toBeLessThanOrEqual(0x10000);
      expect(block.decode(new Uint16Array(block.read.count)).ok).toBe(true);
      expect(block.decode(new Uint16Array(block.read.count + 1)).ok).toBe(false);
    }
  });
});

/** Feeds chunks the way an exchange does. Returns the frame, the refusal's code, or undefined when more is wanted. */
function feed(read: ExchangeRead, chunks: readonly Uint8Array[]): Uint8Array | string | undefined {
  let received = new Uint8Array();
  for (const chunk of chunks) {
    received = Uint8Array.from([...received, ...chunk]);
    for (;;) {
      const verdict = read.accept(received);
      if (verdict.kind === 'more') break;
      if (verdict.kind === 'refuse') return verdict.code;
      if (!(verdict.length >= 1 && verdict.length <= received.length)) throw new Error(`counted ${verdict.length}`);
      if (verdict.kind === 'take') return verdict.value;
      received = received.slice(verdict.length);
      if (received.length === 0) break;
    }
  }
  return undefined;
}

function chunked(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end));
}

const exchangeCases = cases.flatMap(([id, driver, own]) =>
  driver.shape === 'exchange' ? [[id, driver as ExchangeDriver, own] as const] : [],
);

describe.each(exchangeCases)('framing of driver %s', (_, driver, own) => {
  const answers = answersOf(driver, own).filter(([, exchange]) => startsWithFrame(driver, exchange));
  const known = driver.reads.flatMap((read) =>
    answers.flatMap(([name, { response = new Uint8Array() }]) => {
      const taken = read.accept(response);
      return taken.kind === 'take' ? [{ name, read, response }] : [];
    }),
  );

  it('takes its answers whole, in whatever pieces they come, behind an echo of the request', () => {
    expect(known.length).toBeGreaterThan(0);
    fc.assert(
      fc.property(fc.constantFrom(...known), fc.array(fc.nat(), { maxLength: 8 }), fc.boolean(), (one, cuts, echo) => {
        const bytes = Uint8Array.from([...(echo ? one.read.request : []), ...one.response]);
        expect(feed(one.read, chunked(bytes, cuts))).toEqual(one.response);
      }),
    );
  });

  it('finds its answer behind noise, and never counts bytes that are not there', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...known),
        fc.uint8Array({ maxLength: 40 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        (one, noise, cuts) => {
          const whole = feed(one.read, [Uint8Array.from([...noise, ...one.response])]);
          const pieces = feed(one.read, chunked(Uint8Array.from([...noise, ...one.response]), cuts));
          expect(whole).toEqual(one.response);
          // In pieces, noise that looks like a damaged answer may be refused before the real one is there: one try lost.
          if (typeof pieces !== 'string') expect(pieces).toEqual(one.response);
        },
      ),
    );
  });

  it('takes nothing from noise that its decoder would not take', () => {
    fc.assert(
      fc.property(fc.constantFrom(...driver.reads), fc.uint8Array({ maxLength: 200 }), (read, noise) => {
        const taken = feed(read, [noise]);
        if (taken instanceof Uint8Array) {
          const result = driver.decode({ request: read.request, response: taken });
          if (!result.ok) expect(result.error.code).toMatch(/^(short_payload|odd_length)$/);
        }
      }),
      { numRuns: 500 },
    );
  });
});

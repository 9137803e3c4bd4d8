import { describe, expect, it } from 'vitest';
import { bindDevice } from '../../../bms/bind.ts';
import { sunspec } from '../../../bms/drivers/sunspec.ts';
import { BridgeError, type RegisterExchange, type RegisterRead } from '../../../firmware-bridge/index.ts';
import { readVectors, recorded } from './vectors.ts';

const vectors = readVectors('sunspec');

/** The registers of an answer over Modbus TCP. */
function words(name: string): number[] {
  const { response = new Uint8Array() } = recorded(vectors.find((known) => known.name === name) ?? ({} as never));
  const view = new DataView(response.buffer, response.byteOffset + 9);
  return Array.from({ length: (response.length - 9) >> 1 }, (_, at) => view.getUint16(2 * at));
}

const COMMON = words('marker_and_common_model').slice(2);
const BATTERY = words('model_802_discharging');
const STORAGE = words('model_713_storage');

/** A device with this list of models behind "SunS" at `base`; where it has nothing, it answers an exception. */
class Device implements RegisterExchange {
  readonly name = 'fake';
  stats = { requests: 0, answers: 0, timeouts: 0, refusals: 0, strayBytes: 0, reconnects: 1 };
  readonly asked: string[] = [];
  silent = false;
  base: number;
  models: readonly (readonly number[])[];

  constructor(base: number, models: readonly (readonly number[])[]) {
    this.base = base;
    this.models = models;
  }

  async read({ unit, address, count, signal }: RegisterRead): Promise<Uint16Array> {
    signal?.throwIfAborted();
    this.asked.push(`${unit}:${address}+${count}`);
    if (this.silent) throw new BridgeError('timeout', this.name, 'no answer');
    const memory = [0x5375, 0x6e53, ...this.models.flat(), 0xffff, 0];
    const part = memory.slice(address - this.base, address - this.base + count);
    if (address < this.base || part.length < count)
      throw new BridgeError('refused', this.name, 'exception 2', { reason: 'exception', retryable: false });
    return Uint16Array.from(part);
  }

  async close(): Promise<void> {}
}

const bound = (device: Device) => bindDevice(sunspec, 'pack', device, { now: () => 9, mono: () => 0, unit: 3 });

describe('a list of models', () => {
  it.each([40_000, 0, 50_000])('is found at %i and walked to the battery', async (base) => {
    const device = new Device(base, [COMMON, BATTERY]);
    expect(await bound(device).poll()).toMatchObject({
      kind: 'pack',
      measuredAtMs: 9,
      voltageV: 52.09,
      currentA: -25.4,
      socRatio: 0.876,
      cycles: 42,
      model: 'Holdover LFP-280',
      serial: 'SN0001',
      alarms: [],
    });
    expect(device.asked.every((asked) => asked.startsWith('3:'))).toBe(true);
    expect(device.asked).toContain(`3:${base + 2 + COMMON.length}+64`);
  });

  it('is walked once for each connection', async () => {
    const device = new Device(40_000, [COMMON, BATTERY]);
    const pack = bound(device);
    await pack.poll();
    const first = device.asked.length;
    await pack.poll();
    expect(device.asked.slice(first)).toHaveLength(1);
    device.stats.reconnects += 1;
    device.models = [COMMON, STORAGE, BATTERY];
    await pack.poll();
    expect(device.asked.at(-2)).toBe(`3:${40_002 + COMMON.length + STORAGE.length}+64`);
  });

  it('that was rearranged is never read at the old place', async () => {
    const device = new Device(40_000, [COMMON, BATTERY]);
    const pack = bound(device);
    await pack.poll();
    device.models = [COMMON, STORAGE, BATTERY];
    await expect(pack.poll()).rejects.toThrow('model 802 expected, 713 is there now');
    expect(await pack.poll()).toMatchObject({ voltageV: 52.09 });
  });

  it('without a battery model tells what storage it has', async () => {
    const sample = await bound(new Device(0, [COMMON, STORAGE])).poll();
    expect(sample).toMatchObject({ socRatio: 0.74, sohRatio: 0.98 });
    expect(sample).not.toHaveProperty('voltageV');
  });

  it('without either is refused, as is a device without a list', async () => {
    await expect(bound(new Device(0, [COMMON])).poll()).rejects.toThrow('holds no battery');
    await expect(bound(new Device(7, [COMMON])).poll()).rejects.toThrow('nothing says "SunS" at 40000, 0, 50000');
  });

  it('that never ends is given up', async () => {
    const device = new Device(
      0,
      Array.from({ length: 500 }, () => [64_000, 0]),
    );
    await expect(bound(device).poll()).rejects.toThrow('holds no battery');
    expect(device.asked.length).toBeLessThan(80);
  });

  it('of a silent device is a time-out, not a missing list', async () => {
    const device = new Device(0, [COMMON, BATTERY]);
    device.silent = true;
    await expect(bound(device).poll()).rejects.toMatchObject({ code: 'timeout' });
    expect(device.asked).toHaveLength(1);
  });
});

describe('a sample', () => {
  it('does not invent what the scale factors do not tell', () => {
    const result = sunspec.decode(recorded(vectors[4] ?? ({} as never)));
    const sample = sunspec.sample(result.ok ? result.fields : {}, 1);
    expect(sample).not.toHaveProperty('socRatio');
    expect(sample).not.toHaveProperty('powerW');
    expect(sample.alarms).toMatchObject([
      { code: 'pack-undervoltage', level: 'protection', detail: 'under_volt_alarm' },
      { code: 'low-soc', level: 'warning' },
      { code: 'vendor', level: 'protection', detail: 'contactor_error' },
    ]);
  });

  it('says when the sign of its current contradicts its state', () => {
    const told = { events: [], chargeStatus: 'charging', currentA: -12 };
    expect(sunspec.sample(told, 1).alarms).toMatchObject([
      { code: 'sensor-fault', detail: expect.stringContaining('invertCurrent') },
    ]);
    expect(sunspec.sample({ ...told, currentA: 12 }, 1).alarms).toEqual([]);
    expect(sunspec.sample({ ...told, currentA: -0.4 }, 1).alarms).toEqual([]);
  });
});

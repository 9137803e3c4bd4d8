import { describe, expect, it } from 'vitest';
import type { Sensor } from '../../bms/drivers/i2c/sensors.ts';
import { type PlacedSensor, SensorPack } from '../../bms/sensor-pack.ts';
import { i2cExchange } from '../../firmware-bridge/index.ts';
import { errno, MemoryI2c } from '../firmware-bridge/memory-i2c.ts';

/** 13.2 V and -5 A at 1 mohm, four taps of 3.3 V, 25 °C. */
function setUp(sensors: readonly Sensor[], cells = 4) {
  const bus = new MemoryI2c();
  bus.put(0x40, { 254: '5449', 255: '2260', 0: '4127', 1: 'f830', 2: '2940' });
  bus.put(0x48, { 0: '6720', 1: '8583' });
  bus.put(0x49, { 0: '1900' });
  bus.put(0x36, { 2: 'a280', 4: '5b80' });
  const exchange = i2cExchange(bus);
  const clock = { wallMs: 1_700_000_000_000, monoMs: 0 };
  const addresses = {
    ina219: 0x41,
    ina226: 0x40,
    ina228: 0x42,
    ina3221: 0x43,
    ads1115: 0x48,
    tmp102: 0x49,
    lm75: 0x4a,
    max17040: 0x36,
    pijuice: 0x14,
  };
  const placed: PlacedSensor[] = sensors.map((sensor) => ({
    sensor,
    bus: exchange,
    place: { address: addresses[sensor.chip] },
  }));
  const pack = new SensorPack({ id: 'diy', cells, sensors: placed, now: () => clock.wallMs, mono: () => clock.monoMs });
  return { bus, clock, exchange, pack };
}

const shunt: Sensor = { chip: 'ina226', shuntOhm: 0.001, gives: ['voltage', 'current'] };
const warmth: Sensor = { chip: 'tmp102' };
const input = (at: number) =>
  ({ input: `a${at - 1}` as 'a0', rangeV: 4.096, ratio: at, gives: 'tap', tap: at }) as const;
const taps = (...numbers: number[]): Sensor => ({ chip: 'ads1115', inputs: numbers.map(input) });

describe('a pack of sensors', () => {
  it('is one sample, in our units and signs', async () => {
    const { pack } = setUp([shunt, taps(1, 2, 3, 4), warmth]);
    const sample = await pack.poll();
    expect(sample).toEqual({
      kind: 'pack',
      measuredAtMs: 1_700_000_000_000,
      voltageV: 13.2,
      currentA: expect.closeTo(-5, 6),
      temperaturesC: [25],
      cellsV: [3.3, 3.3, 3.3, 3.3].map((cellV) => expect.closeTo(cellV, 6)),
    });
  });

  it('only reads, but for starting the measurements of an ADC', async () => {
    const { bus, pack } = setUp([shunt, taps(1), warmth]);
    await pack.poll();
    expect(bus.calls.filter((call) => call.startsWith('write'))).toEqual(['write 48 01c383']);
  });

  it('shows no cells when one of them is not known, and the top of the pack may come from the shunt', async () => {
    expect(await setUp([shunt, taps(1, 2, 4)]).pack.poll()).not.toHaveProperty('cellsV');
    expect((await setUp([shunt, taps(1, 2, 3)]).pack.poll()).cellsV).toHaveLength(4);
    expect((await setUp([taps(1, 2, 3, 4)]).pack.poll()).voltageV).toBeCloseTo(13.2, 6);
  });

  it('has no sample from a current that cannot be', async () => {
    const { pack } = setUp([{ ...shunt, maxCurrentA: 4 }]);
    await expect(pack.poll()).rejects.toMatchObject({ code: 'refused', reason: 'overrange' });
  });

  it('takes only what a sensor is said to give', async () => {
    const { pack } = setUp(
      [
        { ...shunt, gives: ['current'] },
        { chip: 'max17040', gives: ['voltage'] },
      ],
      1,
    );
    const sample = await pack.poll();
    expect(sample.voltageV).toBeCloseTo(3.25, 6);
    expect(sample).not.toHaveProperty('socRatio');
    expect(await setUp([{ ...shunt, gives: ['voltage'] }]).pack.poll()).not.toHaveProperty('currentA');
  });

  it('takes a current from an ADC by its zero and its slope', async () => {
    const hall = { input: 'a0', rangeV: 4.096, ratio: 1, gives: 'current', zeroV: 2.5, ampsPerV: -50 } as const;
    const { pack } = setUp([{ chip: 'ads1115', inputs: [hall] }]);
    expect((await pack.poll()).currentA).toBeCloseTo(-40, 6);
  });

  it('loses what a silent sensor gave, at once and completely, and says which it is', async () => {
    const { bus, clock, pack } = setUp([shunt, warmth]);
    await pack.poll();
    bus.chips.delete(0x49);
    clock.monoMs += 1000;
    const sample = await pack.poll();
    expect(sample).toMatchObject({ voltageV: 13.2, alarms: [{ code: 'sensor-fault', level: 'warning' }] });
    expect(sample.alarms?.[0]?.detail).toMatch(/^tmp102 at 0x49: .*nobody answers/);
    expect(sample).not.toHaveProperty('temperaturesC');
  });

  it('lets one that failed rest, and asks it again after that', async () => {
    const { bus, clock, pack } = setUp([shunt, warmth]);
    const held = bus.chips.get(0x49);
    bus.chips.delete(0x49);
    const asked = () => bus.calls.filter((call) => call === 'transfer 49 00').length;
    await pack.poll();
    const before = asked();
    clock.monoMs += 4900;
    expect((await pack.poll()).alarms).toHaveLength(1);
    expect(asked()).toBe(before);
    if (held !== undefined) bus.chips.set(0x49, held);
    clock.monoMs += 200;
    expect(await pack.poll()).toMatchObject({ temperaturesC: [25] });
    expect(await pack.poll()).not.toHaveProperty('alarms');
  });

  it('has no sample when none of them answers', async () => {
    const { bus, pack } = setUp([shunt, warmth]);
    bus.chips.clear();
    await expect(pack.poll()).rejects.toMatchObject({ code: 'timeout', reason: 'nack' });
    const cold = setUp([{ ...shunt, gives: ['voltage'] }, warmth]);
    cold.bus.chips.clear();
    await expect(cold.pack.poll()).rejects.toThrow(/diy: .*nobody answers at 0x40.*none of its sensors/);
  });

  it('has no sample without its current, and asks for it again at once', async () => {
    const { bus, pack } = setUp([warmth, shunt]);
    const held = bus.chips.get(0x40);
    bus.chips.delete(0x40);
    await expect(pack.poll()).rejects.toThrow(/diy: .*nobody answers at 0x40.*nothing tells its current/);
    if (held !== undefined) bus.chips.set(0x40, held);
    expect((await pack.poll()).currentA).toBeCloseTo(-5, 6);
  });

  it('has no sample from noise that looks like one', async () => {
    const { bus, pack } = setUp([
      { chip: 'ads1115', inputs: [{ input: 'a0', rangeV: 4.096, ratio: 900, gives: 'voltage' }] },
    ]);
    bus.put(0x48, { 0: '6720', 1: '8583' });
    await expect(pack.poll()).rejects.toMatchObject({ reason: 'implausible' });
  });

  it('waits for a measurement that takes its time, and gives up on one that never ends', async () => {
    const { bus, pack } = setUp([taps(1)], 1);
    let looks = 0;
    bus.before = (call) => {
      if (call !== 'transfer 48 01') return;
      looks += 1;
      bus.chips.get(0x48)?.set(1, Uint8Array.of(looks < 3 ? 0x43 : 0xc3, 0x83));
    };
    expect((await pack.poll()).voltageV).toBeCloseTo(3.3, 6);
    const stuck = setUp([taps(1)], 1);
    stuck.bus.before = (call) => {
      if (call === 'transfer 48 01') stuck.bus.chips.get(0x48)?.set(1, Uint8Array.of(0x43, 0x83));
    };
    await expect(stuck.pack.poll()).rejects.toMatchObject({ reason: 'busy' });
  });

  it('gives up with its caller and when it is closed', async () => {
    const { bus, pack } = setUp([shunt]);
    let free: () => void = () => {};
    bus.before = () => new Promise<void>((resolve) => (free = resolve));
    const caller = new AbortController();
    const poll = pack.poll(caller.signal);
    caller.abort();
    await expect(poll).rejects.toMatchObject({ code: 'aborted' });
    free();
    bus.before = () => {
      throw errno('ENXIO');
    };
    await pack.close();
    await expect(pack.poll()).rejects.toMatchObject({ code: 'closed' });
  });
});

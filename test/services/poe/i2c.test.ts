import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { i2cExchange } from '../../../firmware-bridge/index.ts';
import type { I2cSwitchConfig } from '../../../services/config/i2c-switch.ts';
import { configSchema } from '../../../services/config/schema.ts';
import { i2cControl } from '../../../services/poe/i2c.ts';
import { pd690xx } from '../../../services/poe/i2c-pd690xx.ts';
import { ltc4266, pd69104, tps23861 } from '../../../services/poe/i2c-quad.ts';
import { ImplausibleError, type PseChip } from '../../../services/poe/i2c-registers.ts';
import { controlledSwitch } from '../../../services/poe/port-control.ts';
import { errno, MemoryI2c } from '../../firmware-bridge/memory-i2c.ts';
import { restoresExactly } from './restoring.ts';

interface PseVector {
  readonly id: string;
  readonly chip: string;
  readonly registers?: Readonly<Record<string, string>>;
  readonly registers16?: Readonly<Record<string, string>>;
  readonly write?: Readonly<Record<string, string>>;
  readonly shunt_mohm?: number;
  readonly expect: Readonly<Record<string, unknown>>;
}

const path = new URL('../../fixtures/poe/poe-i2c.json', import.meta.url);
const vectors: readonly PseVector[] = JSON.parse(readFileSync(path, 'utf8')).cases;
const CHIPS: Readonly<Record<string, PseChip>> = {
  TPS23861: tps23861,
  LTC4266: ltc4266,
  PD69104: pd69104,
  PD690xx: pd690xx,
};

const used = new Set<string>();
const take = (id: string): PseVector => {
  const found = vectors.find((each) => each.id === id);
  if (found === undefined) throw new Error(`no vector ${id}`);
  used.add(id);
  return found;
};

function registersOf({ registers, registers16, shunt_mohm }: PseVector): Map<number, number> {
  const given = Object.entries(registers ?? registers16 ?? {}).map(([at, hex]) => [
    Number(at),
    Number.parseInt(hex, 16),
  ]);
  return new Map([...(given as [number, number][]), ...(shunt_mohm === 250 ? [[0x17, 1] as const] : [])]);
}

const decode = (vector: PseVector) => {
  const chip = CHIPS[vector.chip];
  if (chip === undefined) throw new Error(`no chip ${vector.chip}`);
  return chip.decode(registersOf(vector));
};

const channel = (vector: PseVector) => decode(vector).channels[Number(vector.expect.port) - 1];

describe('registers of PSE controllers', () => {
  it.each(['tps-p1-54V-120mA', 'tps-p4-250mohm', 'tps-top-bits-ignored', 'tps-off', 'ltc-p1-53.5V-94mA', 'pd69104-p2'])(
    '%s: voltage, current and power of a port',
    (id) => {
      const vector = take(id);
      const { voltageV, currentA, powerW } = channel(vector) ?? {};
      expect(voltageV).toBeCloseTo(Number(vector.expect.voltage_V), 2);
      expect(currentA).toBeCloseTo(Number(vector.expect.current_A), 4);
      expect(powerW).toBeCloseTo(Number(vector.expect.power_W), 2);
    },
  );

  it.each(['tps-status-class4-good', 'tps-status-class0', 'tps-status-open', 'tps-status-overcurrent'])(
    '%s: what was found on the cable',
    (id) => {
      const vector = take(id);
      const { poeClass, classification, detection } = channel(vector) ?? {};
      expect(poeClass ?? classification).toBe(vector.expect.class);
      expect(detection).toBe(vector.expect.detect);
    },
  );

  it('tps-temp, tps-input: the chip itself', () => {
    expect(decode(take('tps-temp')).temperatureC).toBeCloseTo(25.64, 5);
    expect(decode(take('tps-input')).inputV).toBeCloseTo(54.498, 3);
  });

  it('tps-opmode: how each port works', () => {
    const vector = take('tps-opmode');
    const modes = decode(vector).channels.map((each) => [String(each.channel), each.mode]);
    expect(Object.fromEntries(modes)).toEqual(vector.expect.modes);
  });

  it('tps-disable-p2, tps-enable-p2: the writes', () => {
    const alive = new Map([
      [0x2e, 0x22],
      [0x2f, 0x3a],
    ]);
    for (const [id, enabled] of [
      ['tps-disable-p2', false],
      ['tps-enable-p2', true],
    ] as const) {
      const [[at, value] = []] = Object.entries(take(id).write ?? {});
      expect(tps23861.switching?.([2], enabled, alive)).toEqual([[Number(at), Number.parseInt(value ?? '', 16)]]);
    }
  });

  it('pd69104-statpwr: power that is good and was not switched on is unknown', () => {
    const { channels } = decode(take('pd69104-statpwr'));
    expect(channels.map(({ state }) => state)).toEqual(['delivering', 'unknown', 'unknown', 'unknown']);
  });

  it('pd69104-bank: budget and total', () => {
    expect(decode(take('pd69104-bank'))).toMatchObject({ budgetW: 46, drawnW: 19 });
  });

  it('pd690xx-port-power, pd690xx-vmain: words behind addresses of two bytes', () => {
    expect(channel(take('pd690xx-port-power'))).toMatchObject({ powerW: 3, enabled: true, type: 'at', priority: 1 });
    const { inputV, temperatureC } = decode(take('pd690xx-vmain'));
    expect(inputV).toBeCloseTo(54.9, 5);
    expect(temperatureC).toBeCloseTo(47.8, 1);
  });

  it('all-ff: a floating bus is refused', () => {
    expect(() => decode(take('all-ff'))).toThrow(ImplausibleError);
  });

  it('uses every vector but the message of a chip that is not driven', () => {
    used.add('nack');
    expect(vectors.map(({ id }) => id).filter((id) => !used.has(id))).toEqual(['pd692x0-enable-msg']);
  });

  it.each(Object.entries(CHIPS))('%s: whatever they hold, a port has no impossible figure', (_, chip) => {
    const most = chip.wide ? 0xffff : 0xff;
    const addresses = chip.runs.flatMap(({ at, length }) =>
      chip.wide ? [at] : Array.from({ length }, (_each, offset) => at + offset),
    );
    fc.assert(
      fc.property(fc.array(fc.nat(most), { minLength: addresses.length, maxLength: addresses.length }), (values) => {
        try {
          const { channels } = chip.decode(new Map(addresses.map((at, index) => [at, values[index] ?? 0])));
          for (const { voltageV = 0, currentA = 0, powerW = 0 } of channels) {
            expect(voltageV >= 0 && voltageV <= 60 && currentA >= 0 && currentA <= 2).toBe(true);
            expect(powerW >= 0 && powerW <= 120).toBe(true);
          }
        } catch (error) {
          if (!(error instanceof ImplausibleError)) throw error;
        }
      }),
    );
  });
});

/** Two TPS23861 in automatic mode, that obey: ports 1 and 5 deliver 6.48 W, the others look for a load. */
function board(): MemoryI2c {
  const bus = new MemoryI2c();
  for (const address of [0x20, 0x28]) {
    const bytes: Record<number, string> = { 16: '11', 18: 'ff', 19: '00', 20: 'ff', 23: '00', 44: '46' };
    for (const [at, byte] of Buffer.from('44060606', 'hex').entries())
      bytes[0x0c + at] = byte.toString(16).padStart(2, '0');
    bytes[0x2e] = '22';
    bytes[0x2f] = '3a';
    for (const [at, byte] of Buffer.from('ae079a39', 'hex').entries())
      bytes[0x30 + at] = byte.toString(16).padStart(2, '0');
    bus.put(address, bytes);
  }
  bus.onWrite = (address, [at, value = 0]) => {
    const chip = bus.chips.get(address);
    const change = (register: number, with_: (byte: number) => number) =>
      chip?.set(register, Uint8Array.of(with_(chip.get(register)?.[0] ?? 0)));
    const both = at === 0x19 ? (value >> 4) | (value & 0xf0) : value;
    if (at === 0x19) for (const register of [0x10, 0x14]) change(register, (byte) => byte & ~both & 0xff);
    if (at === 0x18) for (const register of [0x10, 0x14]) change(register, (byte) => byte | both);
  };
  return bus;
}

function config(
  more: Record<string, unknown> = {},
): I2cSwitchConfig & { readonly id: string; readonly protect: string[] } {
  const [parsed] = configSchema.parse({
    switches: [
      { id: 'sw1', driver: 'i2c', i2c: '/dev/i2c-1', chip: 'tps23861', addresses: [0x20, 0x28], settle: '1s', ...more },
    ],
  }).switches;
  if (parsed?.driver !== 'i2c') throw new Error('no switch');
  return parsed;
}

const open = (bus: MemoryI2c, more: Record<string, unknown> = {}) => {
  const parsed = config(more);
  return controlledSwitch(parsed, i2cControl(parsed, i2cExchange(bus)));
};

describe('a switch of several chips', () => {
  it('numbers its channels through all of them', async () => {
    const sample = await open(board()).read();
    expect(sample.ports.map(({ port }) => port)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8']);
    expect(sample.ports[4]).toMatchObject({ state: 'delivering', enabled: true, powerW: 6.48, poeClass: 4 });
    expect(sample.ports[5]).toMatchObject({ state: 'searching', enabled: true });
    expect(sample.drawnW).toBeCloseTo(12.96, 2);
  });

  it('adds up the two channels of a port that feeds all four pairs', async () => {
    const bus = board();
    const { ports } = await open(bus, { ports: { lan1: [1, 5], lan2: [2] } }).read();
    expect(ports.map(({ port }) => port)).toEqual(['lan1', 'lan2']);
    expect(ports[0]?.powerW).toBeCloseTo(12.96, 2);
    expect(ports[0]?.currentA).toBeCloseTo(0.24, 3);
  });

  it('switches nothing unless it was allowed to', async () => {
    const bus = board();
    expect(await open(bus).setPorts(['1'], false)).toMatchObject([
      { code: 'refused', detail: expect.stringMatching(/switching: true/) },
    ]);
    expect(bus.calls.some((call) => call.startsWith('write'))).toBe(false);
  });

  it('switches off many ports with one write for each chip, and back on exactly those', async () => {
    const bus = board();
    const poe = open(bus, { switching: true });
    expect((await poe.setPorts(['1', '2', '5'], false)).map(({ code }) => code)).toEqual(['done', 'done', 'done']);
    expect(bus.calls.filter((call) => call.startsWith('write'))).toEqual(['write 20 1930', 'write 28 1910']);
    const off = await poe.read();
    expect(off.ports.map(({ enabled }) => enabled)).toEqual([false, false, true, true, false, true, true, true]);
    expect((await poe.setPorts(['1', '2', '5'], true)).map(({ code }) => code)).toEqual(['done', 'done', 'done']);
    expect(bus.calls.filter((call) => call.startsWith('write')).slice(2)).toEqual(['write 20 1833', 'write 28 1811']);
    expect((await poe.read()).ports.every(({ enabled }) => enabled === true)).toBe(true);
  });

  it('leaves everything as it was, whatever is cut and powered again', async () => {
    const bus = board();
    const poe = open(bus, { switching: true });
    const kept = [0x12, 0x14];
    const state = () => [...bus.chips].map(([at, chip]) => [at, kept.map((each) => chip.get(each)?.[0])]);
    await restoresExactly(poe, ['1', '2', '3', '4', '5', '6', '7', '8'], state);
  });

  it('does not touch a port that would not come back by itself', async () => {
    const bus = board();
    bus.chips.get(0x20)?.set(0x12, Uint8Array.of(0xfd));
    const outcome = await open(bus, { switching: true }).setPorts(['1'], false);
    expect(outcome).toMatchObject([{ code: 'refused', detail: expect.stringMatching(/manual/) }]);
  });

  it('does not write to a chip that does not see a supply', async () => {
    const bus = board();
    bus.chips.get(0x20)?.set(0x2f, Uint8Array.of(0x00));
    const outcome = await open(bus, { switching: true }).setPorts(['1'], false);
    expect(outcome).toMatchObject([{ code: 'refused', detail: expect.stringMatching(/no working TPS23861/) }]);
    expect(bus.calls.some((call) => call.startsWith('write'))).toBe(false);
  });

  it('says so when the chip says yes and does nothing', async () => {
    const bus = board();
    bus.onWrite = () => {};
    const outcome = await open(bus, { switching: true, settle: '100ms' }).setPorts(['1'], false);
    expect(outcome).toMatchObject([{ code: 'disobeyed' }]);
  });

  it('that is absent, or floats, has no sample, and certainly no 0 W', async () => {
    const bus = board();
    bus.chips.delete(0x28);
    await expect(open(bus).read()).rejects.toMatchObject({ code: 'timeout', reason: 'nack' });
    const floating = board();
    for (const registers of floating.chips.values())
      for (const at of registers.keys()) registers.set(at, Uint8Array.of(255));
    await expect(open(floating).read()).rejects.toMatchObject({ code: 'refused', reason: 'implausible' });
  });

  it('reports the failure of a write as what it was', async () => {
    const bus = board();
    bus.before = (call) => {
      if (call.startsWith('write')) throw errno('ENXIO');
    };
    const outcome = await open(bus, { switching: true, settle: '100ms' }).setPorts(['1'], false);
    expect(outcome).toMatchObject([{ code: 'timeout', detail: expect.stringMatching(/nobody answers at 0x20/) }]);
  });
});

describe('PD690xx', () => {
  it('keeps everything but the two bits of a port', () => {
    const registers = new Map([[0x131c, 0x0051]]);
    expect(pd690xx.switching?.([2], false, registers)).toEqual([[0x13, 0x1c, 0x00, 0x50]]);
    expect(pd690xx.switching?.([2], true, new Map([[0x131c, 0x0050]]))).toEqual([[0x13, 0x1c, 0x00, 0x51]]);
  });

  it('does not cut a port that is forced on', () => {
    const { channels } = pd690xx.decode(new Map([[0x131a, 0x0052]]));
    expect(pd690xx.refusal?.(channels[0] ?? { channel: 1, state: 'unknown' })).toMatch(/forced/);
  });
});

import { describe, expect, it } from 'vitest';
import type { Driver, Fields } from '../../../bms/drivers/driver.ts';
import { jkModbus } from '../../../bms/drivers/jk-modbus.ts';
import { jkPb } from '../../../bms/drivers/jk-pb.ts';
import { acceptAnswer, acknowledgement, triggerRequest } from '../../../bms/drivers/jk-pb-frame.ts';
import { pbSettings, pbStatus } from '../../../bms/drivers/jk-pb-values.ts';
import { readVectors, recorded } from './vectors.ts';

const vectors = readVectors('jk');

function exchange(name: string) {
  const vector = vectors.find((known) => known.name === name);
  if (vector === undefined) throw new Error(`no vector ${name}`);
  return recorded(vector);
}

function answer(name: string): Uint8Array {
  return exchange(name).response ?? new Uint8Array();
}

function fields(driver: Driver, name: string): Fields {
  const result = driver.decode(exchange(name));
  if (!result.ok) throw new Error(result.error.message);
  return result.fields;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

describe('what can be sent to a JK PB board', () => {
  it('is one of three triggers, whatever register is wanted', () => {
    const possible: number[] = [];
    for (let register = 0; register <= 0xffff; register += 1) {
      try {
        triggerRequest(1, register);
        possible.push(register);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    }
    expect(possible).toEqual([0x161c, 0x161e, 0x1620]);
    // The presets that overwrite every threshold.
    for (const preset of [0x160a, 0x160c, 0x160e]) expect(() => triggerRequest(1, preset)).toThrow('none of the three');
    for (const odd of [0x161c + 0x10000, 0x161c + 0.5, -1, Number.NaN]) {
      expect(() => triggerRequest(1, odd)).toThrow(RangeError);
    }
  });

  it('goes to the addresses of the DIP switches only, so never to all boards at once', () => {
    for (const address of [0, 16, 255, -1, 1.5, Number.NaN]) {
      expect(() => triggerRequest(address, 0x1620)).toThrow('1 to 15');
    }
    expect(hex(triggerRequest(3, 0x1620))).toBe('031016200001020000cf91');
  });

  it('is, from the driver, byte for byte what the note prints', () => {
    expect(jkPb.reads.map(({ request }) => hex(request))).toEqual([
      '011016200001020000d6f1',
      '0110161e0001020000d22f',
      '0110161c0001020000d3cd',
    ]);
  });

  it('is by Modbus registers a read', () => {
    expect(jkModbus.reads.map(({ read }) => [read.table, read.address, read.count])).toEqual([
      ['holding', 0x1200, 64],
      ['holding', 0x1280, 64],
      ['holding', 0x1000, 64],
      ['holding', 0x1400, 28],
    ]);
  });
});

describe('an answer of a PB board', () => {
  const asked = { address: 3, register: 0x1620 };
  const whole = answer('pb_status_16s_addr3');
  const accept = acceptAnswer(asked);

  it('is taken with its acknowledgement, not before', () => {
    expect(accept(whole.subarray(0, 300))).toEqual({ kind: 'more' });
    expect(accept(whole.subarray(0, -1))).toEqual({ kind: 'more' });
    expect(accept(whole)).toMatchObject({ kind: 'take', length: whole.length });
    const unfilled = Uint8Array.from([...whole.subarray(0, 300), ...whole.subarray(301)]);
    expect(accept(unfilled)).toMatchObject({ kind: 'take', length: 308 });
  });

  it('of another board or another frame is not taken', () => {
    expect(accept(answer('pb_ack_from_other_address'))).toMatchObject({ kind: 'refuse', code: 'wrong_address' });
    expect(accept(answer('pb_wrong_frame_type')).kind).toBe('skip');
  });

  it('is refused when any of its bytes changed, the acknowledgement’s too', () => {
    const { request = new Uint8Array() } = exchange('pb_status_16s_addr3');
    const good = jkPb.decode({ request, response: whole });
    for (let at = 0; at < whole.length; at += 1) {
      const changed = Uint8Array.from(whole);
      changed[at] = (changed[at] ?? 0) ^ 0x21;
      const result = jkPb.decode({ request, response: changed });
      if (result.ok) expect(result, `byte ${at}`).toEqual(good);
      expect(accept(changed).kind, `byte ${at}`).not.toBe('take');
    }
  });

  it('is refused when its acknowledgement is cut', () => {
    const { request = new Uint8Array() } = exchange('pb_status_16s_addr3');
    for (let length = 1; length < whole.length; length += 1) {
      if (length === 300 || length === 301) continue;
      const result = jkPb.decode({ request, response: whole.subarray(0, length) });
      expect(result.ok, `cut to ${length}`).toBe(false);
    }
    expect(acknowledgement(whole.subarray(300))).toEqual({ address: 3, register: 0x1620 });
    expect(acknowledgement(Uint8Array.of(0))).toBeUndefined();
  });

  it('never shows the PIN and the texts behind it', () => {
    const about = JSON.stringify(fields(jkPb, 'pb_about_8s'));
    expect(about).toContain('JK_PB2A16S15P');
    expect(about).not.toContain('1234');
    expect(about).not.toContain('4096');
  });

  it('that is an exception is told as one', () => {
    const body = Uint8Array.of(0x01, 0x90, 0x02, 0xcd, 0xc1);
    expect(jkPb.decode({ response: body })).toMatchObject({
      error: { code: 'modbus_exception', detail: { exceptionCode: 2 } },
    });
  });
});

describe('the layout of a status frame', () => {
  it('is found by the cells that add up to the pack', () => {
    const { response, request: _, protocol: __, ...rest } = exchange('frame24_v10_24s_idle');
    const result = jkPb.decode({ ...rest, ...(response === undefined ? {} : { response }) });
    expect(result).toMatchObject({ ok: true, fields: { voltageV: 78.735, cellCount: 24 } });
  });

  it('is the newer one when nothing adds up', () => {
    const empty = { bytes: new Uint8Array(293), from: 0, littleEndian: true };
    expect(pbStatus(empty)).toMatchObject({ cellCount: 0, alarms: [] });
    expect(pbStatus(empty).tempSensorBits).toBe(0);
  });
});

describe('a sample of a PB board', () => {
  it('speaks our names, from frames', () => {
    const merged = {
      ...fields(jkPb, 'pb_about_8s'),
      ...fields(jkPb, 'pb_settings_16s_280ah_addr3'),
      ...fields(jkPb, 'pb_alarms_subzero_absent_sensor'),
    };
    const sample = jkPb.sample(merged, 4);
    expect(sample).toMatchObject({
      measuredAtMs: 4,
      voltageV: 52.695,
      currentA: -82.5,
      socRatio: 0.55,
      sohRatio: 1,
      remainingAh: 155.219,
      fullAh: 280,
      ratedAh: 280,
      cycles: 62,
      temperaturesC: [-5.7, 19.8, 19.4, 19.9],
      chargeFetClosed: true,
      dischargeFetClosed: true,
      model: 'JK_PB2A16S15P',
      firmware: '15.10',
      alarms: [
        { code: 'cell-overvoltage', level: 'protection' },
        { code: 'cell-undervoltage', level: 'protection' },
        { code: 'discharge-overcurrent', level: 'protection' },
      ],
    });
    expect(sample.cellsV).toHaveLength(15);
    expect(sample.mosfetTemperatureC).toBeUndefined();
    expect(jkPb.sample(fields(jkPb, 'pb_master_broadcast_status'), 1).alarms).toEqual([]);
  });

  it('has the sensors that are fitted, by the bits of the board', () => {
    const response = answer('pb_status_16s_addr3');
    const at = response.findIndex((_, start) =>
      [0x55, 0xaa, 0xeb, 0x90].every((byte, i) => response[start + i] === byte),
    );
    const temperatures = (bits: number, fourth?: readonly [number, number]) => {
      const frame = Uint8Array.from(response.subarray(at, at + 300));
      frame[214] = bits;
      if (fourth !== undefined) frame.set(fourth, 256);
      frame[299] = frame.subarray(0, 299).reduce((sum, byte) => sum + byte, 0) & 0xff;
      const result = jkPb.decode({ response: frame });
      if (!result.ok) throw new Error(result.error.message);
      return jkPb.sample(result.fields, 1).temperaturesC;
    };
    expect(temperatures(0xff)).toEqual([19.5, 19.8, 19.4, 19.9]);
    expect(temperatures(0b101111)).toEqual([19.5, 19.8, 19.9]);
    expect(temperatures(0b000101)).toEqual([19.8]);
    expect(temperatures(0)).toEqual([19.5, 19.8]);
    // -200.0 °C: a sensor that is not there, whatever its bit says.
    expect(temperatures(0xff, [0x30, 0xf8])).toEqual([19.5, 19.8, 19.9]);
  });

  it('is the same from registers', () => {
    const frame = answer('pb_status_16s_addr3');
    const values = new DataView(frame.buffer, frame.byteOffset + 6, 293);
    const words = new Uint16Array(128);
    // The registers hold the same block with the other byte order: cells and mask, then the pack.
    for (let at = 0; at < 32; at += 1) words[at] = values.getUint16(at * 2, true);
    const u32 = (offset: number) => {
      words[offset / 2] = values.getUint16(offset + 2, true);
      words[offset / 2 + 1] = values.getUint16(offset, true);
    };
    for (const offset of [64, 144, 152, 160, 168, 172, 176]) u32(offset);
    words[83] = (values.getUint8(166) << 8) | values.getUint8(167);
    const merged: Record<string, unknown> = {};
    for (const [at, block] of jkModbus.reads.slice(0, 2).entries()) {
      const result = block.decode(words.subarray(at * 64, at * 64 + 64));
      if (!result.ok) throw new Error(result.error.message);
      Object.assign(merged, result.fields);
    }
    const { voltageV, currentA, socRatio, remainingAh, fullAh, cellsV } = jkPb.sample(
      fields(jkPb, 'pb_status_16s_addr3'),
      1,
    );
    expect(jkModbus.sample(merged, 1)).toMatchObject({ voltageV, currentA, socRatio, remainingAh, fullAh, cellsV });
  });
});

describe('a status that is not what it should be', () => {
  /** Two cells of 3.3 V and their sum, where both firmwares have them. */
  function both(): Uint8Array {
    const bytes = new Uint8Array(290);
    const view = new DataView(bytes.buffer);
    for (const cell of [0, 1]) view.setUint16(2 * cell, 3300, true);
    for (const mask of [48, 64]) view.setUint32(mask, 3, true);
    for (const voltage of [112, 144]) view.setUint32(voltage, 6600, true);
    return bytes;
  }

  it('is read as the newer one when both could be meant', () => {
    expect(pbStatus({ bytes: both(), from: 0, littleEndian: true })).toHaveProperty('heating');
    const older = both();
    older[144] = 0;
    expect(pbStatus({ bytes: older, from: 0, littleEndian: true })).not.toHaveProperty('heating');
  });

  it('has no cells in places that it does not have', () => {
    const bytes = both().subarray(0, 52);
    bytes[51] = 0x80;
    expect(pbStatus({ bytes, from: 0, littleEndian: true }, '24s')).toMatchObject({ cellsV: [3.3, 3.3, 0] });
  });

  it('lacks a value that is cut', () => {
    const settings = pbSettings({ bytes: Uint8Array.of(0, 0, 0x0c, 0xe4, 0, 0, 0x0a), from: 0, littleEndian: false });
    expect(settings).toEqual({ smartSleepV: 3.3 });
  });
});

import { describe, expect, it } from 'vitest';
import { bindDevice } from '../../../bms/bind.ts';
import { daly } from '../../../bms/drivers/daly.ts';
import { dalyAlarm, signContradiction } from '../../../bms/drivers/daly-alarms.ts';
import { acceptFrames, request } from '../../../bms/drivers/daly-frame.ts';
import { dalyModbus } from '../../../bms/drivers/daly-modbus.ts';
import { dalyP81 } from '../../../bms/drivers/daly-p81.ts';
import { decodeLine } from '../../../bms/drivers/decode.ts';
import type { Driver, ExchangeRead, Fields } from '../../../bms/drivers/driver.ts';
import { BridgeError, type ByteExchange, type ByteRequest, crc16Modbus } from '../../../firmware-bridge/index.ts';
import { readVectors, recorded } from './vectors.ts';

const vectors = readVectors('daly');

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

function readOf(name: string): ExchangeRead {
  const read = daly.reads.find((one) => one.name === name);
  if (read === undefined) throw new Error(`no read ${name}`);
  return read;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** A classic frame with a right sum. */
function frame(command: number, ...data: number[]): Uint8Array {
  const body = [0xa5, 0x01, command, 8, ...data, ...new Array<number>(8 - data.length).fill(0)];
  return Uint8Array.of(...body, body.reduce((sum, byte) => sum + byte, 0) & 0xff);
}

/** A bus that answers from a table of request to answer, and is silent to everything else. */
function busOf(answers: ReadonlyMap<string, Uint8Array>): ByteExchange {
  const name = 'test:daly';
  return {
    name,
    stats: { requests: 0, answers: 0, timeouts: 0, refusals: 0, strayBytes: 0, reconnects: 0 },
    async request<T>(request: ByteRequest<T>): Promise<T> {
      const verdict = request.accept(answers.get(hex(request.bytes)) ?? new Uint8Array());
      if (verdict.kind === 'take') return verdict.value;
      throw new BridgeError('timeout', name, `${request.label}: no answer`);
    },
    listen: () => () => {},
    close: async () => {},
  };
}

const times = { now: () => 5000, mono: () => 1000 };

describe('Daly requests', () => {
  it('are those of the note, and only read', () => {
    expect(hex(request(1, 0x90))).toBe('a540900800000000000000007d');
    expect(daly.reads.map(({ request }) => request[2])).toEqual([0x90, 0x93, 0x94, 0x95, 0x98, 0x96, 0x50, 0x59]);
    expect(dalyP81.reads.map(({ request }) => hex(request))).toEqual([
      '8103000000405bfa',
      '81030041003e8bce',
      '81030178004a5a18',
    ]);
    expect(dalyModbus.defaultUnit).toBe(0xd2);
    expect(dalyModbus.reads.map(({ read }) => read.table)).toEqual(['holding', 'holding', 'holding', 'holding']);
  });
});

describe('numbered Daly frames', () => {
  const sixteen = answer('a5_95_16s_all_16_frames');
  const six = answer('a5_95_16s_only_needed_frames');
  const cells = readOf('cells');

  it('are complete as soon as the known number of cells is in', () => {
    expect(cells.accept(six, { cellCount: 16 })).toMatchObject({ kind: 'take', length: 78 });
    expect(cells.accept(six.subarray(0, -1), { cellCount: 16 })).toEqual({ kind: 'more' });
    expect(cells.accept(six, { cellCount: 18 })).toMatchObject({ kind: 'take' });
    expect(cells.accept(six, { cellCount: 19 })).toEqual({ kind: 'more' });
  });

  it('take what is needed of a board that sends all sixteen', () => {
    const taken = cells.accept(sixteen, { cellCount: 16 });
    expect(taken).toMatchObject({ kind: 'take', length: sixteen.length });
    if (taken.kind === 'take') expect(hex(taken.value)).toBe(hex(six));
  });

  it('wait for all sixteen while the count is unknown or impossible', () => {
    expect(cells.accept(six)).toEqual({ kind: 'more' });
    expect(cells.accept(six, { cellCount: 0 })).toEqual({ kind: 'more' });
    expect(cells.accept(six, { cellCount: 200 })).toEqual({ kind: 'more' });
    expect(cells.accept(sixteen)).toMatchObject({ kind: 'take' });
  });

  it('give up at once when the last came and another did not', () => {
    const holed = Uint8Array.from([...six.subarray(0, 26), ...six.subarray(30)]);
    expect(cells.accept(holed, { cellCount: 16 })).toMatchObject({
      kind: 'refuse',
      code: 'incomplete',
      message: 'frames 3 of 6 were lost on the line',
    });
  });

  it('do not count a frame of another board or command, nor numbers 0 and 255', () => {
    expect(acceptFrames(frame(0x95, 0), 1, 0x95, 1)).toEqual({ kind: 'more' });
    expect(acceptFrames(frame(0x95, 0xff), 1, 0x95, 1)).toEqual({ kind: 'more' });
    expect(acceptFrames(frame(0x96, 1), 1, 0x95, 1)).toEqual({ kind: 'more' });
  });

  it('never give half a set of cells', () => {
    for (let length = 0; length < six.length; length += 1) {
      const result = daly.decode({ ...exchange('a5_95_16s_only_needed_frames'), response: six.subarray(0, length) });
      expect(result.ok, `cut to ${length}`).toBe(false);
    }
    for (let at = 0; at < six.length; at += 1) {
      const changed = Uint8Array.from(six);
      changed[at] = (changed[at] ?? 0) ^ 0x11;
      const result = daly.decode({ ...exchange('a5_95_16s_only_needed_frames'), response: changed });
      expect(result).toMatchObject({ ok: false, error: { code: 'incomplete' } });
    }
  });

  it('leave the zeros behind the last cell out when no count is known', () => {
    const { context: _, ...alone } = exchange('a5_95_16s_all_16_frames');
    const result = daly.decode(alone);
    expect(result.ok && (result.fields.cellsV as number[]).length).toBe(16);
  });

  it('publish an open sense wire of a known cell as 0 V', () => {
    const result = daly.decode({
      request: request(1, 0x95),
      response: frame(0x95, 1, 0x0c, 0xfe, 0x0c, 0xfe, 0, 0),
      context: { cellCount: 3 },
    });
    expect(result).toMatchObject({ ok: true, fields: { cellsV: [3.326, 3.326, 0] } });
  });
});

describe('a value that Daly cannot mean', () => {
  const pack = (...data: number[]) => daly.decode({ request: request(1, 0x90), response: frame(0x90, ...data) });

  it('is absent where a raw current of 0 says that nothing was measured', () => {
    const result = pack(0x02, 0x14, 0, 0, 0, 0, 3, 0x78);
    expect(result).toMatchObject({ ok: true, fields: { currentA: null, voltageV: 53.2 } });
    if (result.ok) expect(daly.sample(result.fields, 1)).not.toHaveProperty('currentA');
  });

  it('is refused: more than 1000 A, more than all charge, a cell above 5 V', () => {
    expect(pack(0x02, 0x14, 0, 0, 0x4e, 0x20, 3, 0x78)).toMatchObject({ ok: true, fields: { currentA: 1000 } });
    expect(pack(0x02, 0x14, 0, 0, 0x4e, 0x1f, 3, 0x78)).toMatchObject({
      error: { code: 'range', message: 'currentA 1000.1 is outside -1000..1000 A' },
    });
    expect(pack(0x02, 0x14, 0, 0, 0xff, 0xff, 3, 0x78)).toMatchObject({ error: { code: 'range' } });
    expect(pack(0x02, 0x14, 0, 0, 0x75, 0x30, 3, 0xe8)).toMatchObject({ ok: true, fields: { socRatio: 1 } });
    expect(pack(0x02, 0x14, 0, 0, 0x75, 0x30, 3, 0xe9)).toMatchObject({ error: { code: 'range' } });
    const cells = { request: request(1, 0x95), context: { cellCount: 1 } };
    expect(daly.decode({ ...cells, response: frame(0x95, 1, 0x13, 0x88) })).toMatchObject({ ok: true });
    expect(daly.decode({ ...cells, response: frame(0x95, 1, 0x13, 0x89) })).toMatchObject({
      error: { code: 'range', message: 'cell 1 of the answer is above 5 V' },
    });
  });

  it('is refused over Modbus and in the 81/51 frames too', () => {
    const status = new Uint16Array(0x3e);
    status[0x2a] = 1001;
    expect(dalyModbus.reads[0]?.decode(status)).toMatchObject({ error: { code: 'range' } });
    const body = new Uint8Array(3 + 0x80);
    body.set([0x51, 0x03, 0x80]);
    body.set([0xff, 0xff], 3 + 0x39 * 2);
    const crc = crc16Modbus(body);
    const response = Uint8Array.of(...body, crc & 0xff, crc >>> 8);
    const result = dalyP81.decode({ request: dalyP81.reads[0]?.request ?? new Uint8Array(), response });
    expect(result).toMatchObject({ error: { code: 'range' } });
  });
});

describe('a Daly board on a bus', () => {
  const answers = new Map([
    [hex(request(1, 0x90)), answer('a5_90_53v2_discharging_2a1')],
    [hex(request(1, 0x93)), frame(0x93, 2, 1, 1, 7, 0, 2, 0xa2, 0xd8)],
    [hex(request(1, 0x94)), answer('a5_94_16s_1ntc')],
    [hex(request(1, 0x95)), answer('a5_95_16s_only_needed_frames')],
    [hex(request(1, 0x98)), answer('a5_98_cell_uv_both_levels_soc_low')],
    [hex(request(1, 0x96)), answer('a5_96_one_ntc_two_frames')],
    [hex(request(1, 0x50)), answer('a5_50_rated')],
  ]);

  it('makes one sample of all its answers, with as many cells as it told', async () => {
    const device = bindDevice(daly, 'pack', busOf(answers), times);
    const sample = await device.poll();
    expect(sample).toMatchObject({
      measuredAtMs: 5000,
      voltageV: 53.2,
      currentA: -2.1,
      socRatio: 0.888,
      remainingAh: 172.76,
      ratedAh: 280,
      cycles: 3,
      temperaturesC: [15],
      chargeFetClosed: true,
      dischargeFetClosed: true,
      alarms: [
        { code: 'cell-undervoltage', level: 'warning' },
        { code: 'cell-undervoltage', level: 'protection' },
        { code: 'low-soc', level: 'warning' },
      ],
    });
    expect(sample.cellsV).toHaveLength(16);
    expect(sample.balancingCells).toBeUndefined();
  });

  it('says that its current contradicts its state when three polls running do', async () => {
    const state = (raw: number) => frame(0x93, raw, 1, 1, 7, 0, 2, 0xa2, 0xd8);
    const told = new Map(answers);
    const device = bindDevice(daly, 'pack', busOf(told), times);
    const contradicts = async (raw: number) => {
      told.set(hex(request(1, 0x93)), state(raw));
      const { alarms = [] } = await device.poll();
      expect(alarms).toContainEqual({ code: 'low-soc', level: 'warning' });
      return alarms.some(({ code }) => code === 'sensor-fault');
    };
    const seen: boolean[] = [];
    // 1: charging, while the current discharges.
    for (const raw of [1, 1, 2, 1, 1, 1, 1, 2, 1]) seen.push(await contradicts(raw));
    expect(seen).toEqual([false, false, false, false, false, true, true, false, false]);
  });

  it('says why it may be silent, and what to do', async () => {
    const device = bindDevice(daly, 'pack', busOf(new Map()), times);
    await expect(device.poll()).rejects.toMatchObject({
      code: 'timeout',
      message: expect.stringMatching(/^test:daly: daly pack: no answer; a Daly board sleeps .* 65535/),
    });
    expect(daly.decode(exchange('a5_no_reply_sleeping'))).toMatchObject({
      error: { code: 'timeout', message: expect.stringContaining('sleeps') },
    });
  });
});

describe('a line of JSON', () => {
  const { request_hex, response_hex } = vectors.find(({ name }) => name === 'a5_95_16s_only_needed_frames') ?? {};
  const said = (context: unknown) =>
    JSON.parse(decodeLine('daly', JSON.stringify({ request_hex, response_hex, context })));

  it('can tell how many cells there are', () => {
    expect(said({ cellCount: 17 }).cellsV).toHaveLength(17);
    expect(said({ cellCount: 20 }).error).toMatchObject({ code: 'incomplete', missingFrames: [7] });
    expect(said(null).cellsV).toHaveLength(16);
  });

  it('is refused when its context is none', () => {
    for (const context of [5, 'x', [1]]) expect(said(context).error).toMatchObject({ code: 'input' });
  });
});

describe('Daly alarms', () => {
  it('have our codes, with the level of the bit', () => {
    expect(dalyAlarm('cell_overvoltage_l1')).toEqual({ code: 'cell-overvoltage', level: 'warning' });
    expect(dalyAlarm('cell_overvoltage_l2')).toEqual({ code: 'cell-overvoltage', level: 'protection' });
    expect(dalyAlarm('short_circuit')).toEqual({ code: 'short-circuit', level: 'protection' });
    expect(dalyAlarm('charge_mosfet_welded')).toEqual({
      code: 'mosfet-fault',
      level: 'protection',
      detail: 'charge_mosfet_welded',
    });
    expect(dalyAlarm('soc_high_l1')).toEqual({ code: 'vendor', level: 'warning', detail: 'soc_high_l1' });
  });

  it('tell when the current contradicts the state of the board, from 1 A on', () => {
    expect(signContradiction({ state: 'charging', currentA: -5 })).toMatchObject([{ code: 'sensor-fault' }]);
    expect(signContradiction({ state: 'discharging', currentA: 5 })).toHaveLength(1);
    expect(signContradiction({ state: 'discharging', currentA: 0.9 })).toEqual([]);
    expect(signContradiction({ state: 'discharging', currentA: -5 })).toEqual([]);
    expect(signContradiction({ state: 'stationary', currentA: 5 })).toEqual([]);
    expect(signContradiction({ currentA: 5 })).toEqual([]);
  });

  it('of a p81 board have levels, and none for a board that is merely alone', () => {
    expect(dalyP81.sample(fields(dalyP81, 'p81_rt2_16s_discharging'), 1).alarms).toEqual([]);
    const told = { alarmLevels: { cell_overvoltage: 1, soc_low: 3 }, alarmFlags: ['afe_fault', 'fan_fault'] };
    expect(dalyP81.sample(told, 1).alarms).toEqual([
      { code: 'cell-overvoltage', level: 'warning' },
      { code: 'low-soc', level: 'protection' },
      { code: 'front-end-fault', level: 'protection', detail: 'afe_fault' },
      { code: 'vendor', level: 'warning', detail: 'fan_fault' },
    ]);
  });
});

describe('Daly Modbus samples', () => {
  it('speak our names', () => {
    const merged = { ...fields(dalyModbus, 'd2_settings_4s'), ...fields(dalyModbus, 'd2_blue_16s_discharging_2a5') };
    expect(dalyModbus.sample(merged, 9)).toMatchObject({
      voltageV: 52.5,
      currentA: -2.5,
      ratedAh: 105,
      temperaturesC: [13, 13, 13, 13],
      mosfetTemperatureC: 15,
      alarms: [],
    });
  });

  it('have no sensor where the register says so', () => {
    const sample = dalyP81.sample(fields(dalyP81, 'p81_rt1_4s_no_ntc'), 1);
    expect(sample.temperaturesC).toBeUndefined();
    expect(sample.cellsV).toHaveLength(4);
    expect(fields(dalyP81, 'p81_rt2_16s_discharging')).toMatchObject({ balanceCurrentA: null, heaterTempC: null });
  });

  it('refuse a reply with another number of registers', () => {
    const [block] = dalyModbus.reads;
    expect(block?.decode(new Uint16Array(61))).toMatchObject({ error: { code: 'length_mismatch' } });
  });

  it('stop at an exception of a p81 board', () => {
    const [read] = dalyP81.reads;
    const crc = crc16Modbus(Uint8Array.of(0x51, 0x83, 0x02));
    const exception = Uint8Array.of(0x51, 0x83, 0x02, crc & 0xff, crc >>> 8);
    expect(read?.accept(exception)).toMatchObject({ kind: 'refuse', code: 'modbus_exception', retryable: false });
    expect(dalyP81.decode({ request: read?.request ?? new Uint8Array(), response: exception })).toMatchObject({
      error: { code: 'modbus_exception', detail: { exceptionCode: 2 } },
    });
  });
});

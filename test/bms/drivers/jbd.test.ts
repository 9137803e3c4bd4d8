import { describe, expect, it } from 'vitest';
import type { Fields } from '../../../bms/drivers/driver.ts';
import { jbd } from '../../../bms/drivers/jbd.ts';
import { acceptReply, readRequest, scanReplies } from '../../../bms/drivers/jbd-frame.ts';
import { jbdUp } from '../../../bms/drivers/jbd-up.ts';
import { hexToBytes } from '../../../firmware-bridge/index.ts';
import { readVectors, recorded } from './vectors.ts';

const vectors = readVectors('jbd');

function exchange(name: string) {
  const vector = vectors.find((known) => known.name === name);
  if (vector === undefined) throw new Error(`no vector ${name}`);
  return recorded(vector);
}

function fields(name: string): Fields {
  const result = jbd.decode(exchange(name));
  if (!result.ok) throw new Error(result.error.message);
  return result.fields;
}

function answer(name: string): Uint8Array {
  return exchange(name).response ?? new Uint8Array();
}

/** A reply with a right checksum. */
function frame(register: number, status: number, ...data: number[]): Uint8Array {
  const sum = (0x10000 - data.reduce((total, byte) => total + byte, status + data.length)) & 0xffff;
  return Uint8Array.of(0xdd, register, status, data.length, ...data, sum >>> 8, sum & 0xff, 0x77);
}

describe('JBD requests', () => {
  it('are those of the vendor document', () => {
    expect(
      jbd.reads.map(({ name, cadence, request }) => [name, cadence, Buffer.from(request).toString('hex')]),
    ).toEqual([
      ['basic', 'fast', 'dda50300fffd77'],
      ['cells', 'fast', 'dda50400fffc77'],
      ['model', 'once', 'dda50500fffb77'],
      ['trip counters', 'slow', 'dda5aa00ff5677'],
      ['limits', 'slow', 'dda5fa03000812fee977'],
    ]);
    expect(Buffer.from(readRequest(0)).toString('hex')).toBe('dda50000000077');
  });
});

describe('JBD framing', () => {
  const accept = acceptReply(3);

  it('waits for the announced length although 0x77 comes before', () => {
    const cells = acceptReply(4);
    expect(cells(answer('truncated_cells_ending_in_77')).kind).toBe('more');
  });

  it('skips a late reply to another question and then takes its own', () => {
    const late = answer('vendor_17s_cells');
    const own = answer('sp04s034_4s_rest');
    expect(accept(late)).toMatchObject({ kind: 'skip', length: late.length });
    const both = Uint8Array.from([...late, ...own]);
    expect(accept(both)).toMatchObject({ kind: 'skip', length: late.length });
    expect(accept(own)).toMatchObject({ kind: 'take', length: own.length });
  });

  it('slides one byte, not one frame: a false start does not swallow the answer behind it', () => {
    const own = answer('sp04s034_4s_rest');
    const falseStart = hexToBytes('dd0300ff');
    expect(accept(Uint8Array.from([...falseStart, ...own]))).toMatchObject({ kind: 'skip', length: 4 });
  });

  it('refuses a damaged answer at once, so that the next try need not wait', () => {
    expect(accept(answer('bad_checksum_one_bit_in_voltage'))).toMatchObject({ kind: 'refuse', code: 'checksum' });
  });

  it('tells the status before the checksum, and that asking again is useless', () => {
    const factory = acceptReply(0);
    expect(factory(answer('factory_mode_refused_zero_checksum'))).toMatchObject({
      kind: 'refuse',
      code: 'status',
      retryable: false,
      message: expect.stringContaining('factory mode'),
    });
    expect(acceptReply(0xaa)(frame(0xaa, 0x80))).toMatchObject({ code: 'status', retryable: false });
    expect(acceptReply(0xaa)(frame(0xaa, 0x82))).toMatchObject({ code: 'status', retryable: true });
  });

  it('takes a status that comes with data for a damaged frame', () => {
    const damaged = Uint8Array.from(answer('sp04s034_4s_rest'));
    damaged[2] = 0x01;
    expect(accept(damaged)).toMatchObject({ kind: 'refuse', code: 'status', retryable: true });
  });

  it('finds both frames of a recording with noise between them', () => {
    const [one, two] = [answer('sp04s034_4s_rest'), answer('sp04s034_cells')];
    const { replies, fault } = scanReplies(Uint8Array.from([0xdd, ...one, 0x00, 0xdd, 0xa5, ...two]));
    expect(replies.map(({ register }) => register)).toEqual([3, 4]);
    expect(fault).toBeDefined();
  });
});

describe('JBD values', () => {
  it('multiplies current and capacities when the board says its units are ten times as large', () => {
    const bytes = Uint8Array.from(answer('8s_discharging_6a'));
    const data = Array.from(bytes.subarray(4, -3));
    data[20] = (data[20] ?? 0) | 0x80;
    const result = jbd.decode({ request: readRequest(3), response: frame(3, 0, ...data) });
    expect(result).toMatchObject({
      ok: true,
      fields: { voltageV: 26.4, tenfoldUnits: true },
    });
    if (!result.ok) return;
    expect(result.fields.currentA).toBeCloseTo(-60.4, 9);
    expect(result.fields.fullAh).toBeCloseTo(5600, 9);
  });

  it('says null for a date that was never set', () => {
    const bytes = Uint8Array.from(answer('sp04s034_4s_rest'));
    const data = Array.from(bytes.subarray(4, -3));
    data[10] = 0;
    data[11] = 0;
    const result = jbd.decode({ request: readRequest(3), response: frame(3, 0, ...data) });
    expect(result).toMatchObject({ ok: true, fields: { manufactureDate: null } });
  });

  it('shows registers it has no name for as they are', () => {
    const result = jbd.decode({ response: frame(0x38, 0, 1, 2) });
    expect(result).toEqual({ ok: true, fields: { register: 0x38, value: 258 } });
    expect(jbd.decode({ response: frame(0x70, 0, 1, 2, 3) })).toEqual({
      ok: true,
      fields: { register: 0x70, dataHex: '010203' },
    });
  });

  it('names the temperature and current limits', () => {
    const limit = (register: number, ...data: number[]) => jbd.decode({ response: frame(register, 0, ...data) });
    expect(limit(0x1a, 0x0a, 0xab)).toMatchObject({ fields: { chargeUndertemperatureC: 0 } });
    expect(limit(0x29, 0xd5, 0x08)).toMatchObject({ fields: { dischargeOvercurrentA: -110 } });
  });
});

describe('a JBD sample', () => {
  it('speaks our names, from all reads together', () => {
    const merged = {
      ...fields('dp04s007_extended_34_bytes'),
      ...fields('sp04s034_cells'),
      ...fields('model_string_sp04s034'),
      ...fields('error_counters_24'),
    };
    expect(jbd.sample({ ...merged, voltageV: 15.6 }, 77)).toEqual({
      kind: 'pack',
      measuredAtMs: 77,
      voltageV: 15.6,
      currentA: 0,
      socRatio: 0.96,
      remainingAh: 191.67,
      fullAh: 200,
      cycles: 2,
      cellsV: [3.909, 3.901, 3.895, 3.901],
      temperaturesC: [26.2],
      balancingCells: [],
      chargeFetClosed: true,
      dischargeFetClosed: true,
      alarms: [],
      model: 'JBD-SP04S034-L4S-200A-B-U',
      firmware: '2.3',
    });
  });

  it('has trips as protections, and a FET switched off by command as no fault', () => {
    const { alarms = [] } = jbd.sample(fields('all_13_protections'), 1);
    expect(alarms).toHaveLength(13);
    expect(alarms.filter(({ level }) => level === 'protection')).toHaveLength(12);
    expect(alarms).toContainEqual({ code: 'front-end-fault', level: 'protection' });
    expect(alarms).toContainEqual({ code: 'locked-by-command', level: 'warning' });
    expect(jbd.sample(fields('280ah_cell_overvoltage'), 1).alarms).toEqual([
      { code: 'cell-overvoltage', level: 'protection' },
    ]);
  });

  it('has the alarm bits of newer firmware as warnings and unknown protections as the vendor’s', () => {
    const base = fields('dp04s007_extended_34_bytes');
    const told = { ...base, ext: { alarmBits: 0b1100_0000_0001 }, protections: ['mosfet_x'] };
    expect(jbd.sample(told, 1).alarms).toEqual([
      { code: 'vendor', level: 'protection', detail: 'mosfet_x' },
      { code: 'cell-overvoltage', level: 'warning' },
      { code: 'cell-imbalance', level: 'warning' },
      { code: 'low-soc', level: 'warning' },
    ]);
  });

  it('publishes cells and pack that contradict each other, and says so', () => {
    const merged = { ...fields('sp25s003_16s_no_ntc_soc0'), ...fields('sp25s003_16s_one_open_cell') };
    const sample = jbd.sample(merged, 1);
    expect(sample).toMatchObject({ voltageV: 0, socRatio: 0 });
    expect(sample.cellsV).toHaveLength(16);
    expect(sample.temperaturesC).toBeUndefined();
    expect(sample.alarms).toMatchObject([{ code: 'sensor-fault', level: 'warning' }]);
  });

  it('leaves a broken temperature sensor out and reports it', () => {
    const sample = jbd.sample({ ...fields('sp04s034_4s_rest'), tempsC: [22.4, -273.1, 21.7] }, 1);
    expect(sample.temperaturesC).toEqual([22.4, 21.7]);
    expect(sample.alarms).toEqual([{ code: 'sensor-fault', level: 'warning', detail: 'sensor 2 reads -273.1 °C' }]);
  });
});

describe('the UP series', () => {
  it('asks as the capture does', () => {
    const [read] = jbdUp.reads;
    expect(read?.request).toEqual(exchange('up16s_pack_status_addr1').request);
  });

  it('does not take the echo of its own request for an answer', () => {
    const [read] = jbdUp.reads;
    const request = read?.request ?? new Uint8Array();
    expect(read?.accept(request).kind).toBe('skip');
  });

  it('refuses an answer of another address and of another block', () => {
    const { request, response = new Uint8Array() } = exchange('up16s_pack_status_addr1');
    const other = Uint8Array.from(request ?? []);
    other[0] = 2;
    expect(jbdUp.decode({ request: other, response })).toMatchObject({ error: { code: 'wrong_address' } });
    const block = Uint8Array.from(request ?? []);
    block[2] = 0x20;
    expect(jbdUp.decode({ request: block, response })).toMatchObject({ error: { code: 'wrong_register' } });
  });

  it('makes a sample with faults as protections and alarms as warnings, but none of "full"', () => {
    const result = jbdUp.decode(exchange('up16s_pack_status_addr1'));
    if (!result.ok) throw new Error(result.error.message);
    const told = {
      ...result.fields,
      faultBits: (1 << 26) | (1 << 25) | (1 << 24),
      alarmBits: (1 << 18) | 2,
      balancingBits: 5,
    };
    expect(jbdUp.sample(told, 3)).toMatchObject({
      voltageV: 53.17,
      socRatio: 0.6095,
      sohRatio: 1,
      ratedAh: 100,
      mosfetTemperatureC: 21,
      balancingCells: [1, 3],
      chargeFetClosed: true,
      serial: 'JBD48100000',
      alarms: [
        { code: 'vendor', level: 'protection', detail: 'fault bit_24' },
        { code: 'front-end-fault', level: 'protection' },
        { code: 'cell-undervoltage', level: 'warning' },
      ],
    });
  });
});

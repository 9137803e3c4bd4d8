import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bindDevice } from '../../../bms/bind.ts';
import { decodeLine } from '../../../bms/drivers/decode.ts';
import { voltronic } from '../../../bms/drivers/voltronic.ts';
import { sentCrc, voltronicRequest } from '../../../bms/drivers/voltronic-frame.ts';
import { implausible } from '../../../bms/plausible.ts';
import { byteExchange } from '../../../firmware-bridge/index.ts';
import { failure, MemoryTransport, outcome } from '../../firmware-bridge/memory-transport.ts';
import { readVectors, recorded } from './vectors.ts';

const vectors = readVectors('voltronic');

function answer(name: string): Uint8Array {
  const vector = vectors.find((known) => known.name === name);
  if (vector === undefined) throw new Error(`no vector ${name}`);
  return recorded(vector).response ?? new Uint8Array();
}

function sampleOf(...names: string[]) {
  const fields = names.map((name) => {
    const result = voltronic.decode(recorded(vectors.find((known) => known.name === name) ?? ({} as never)));
    return result.ok ? result.fields : {};
  });
  return voltronic.sample(Object.assign({}, ...fields), 1);
}

/** A unit that answers the commands it was given answers for, and NAK to the rest. */
class Unit extends MemoryTransport {
  readonly asked: string[] = [];
  constructor(answers: Record<string, Uint8Array>) {
    super();
    this.device = (bytes) => {
      const command = String.fromCharCode(...bytes.subarray(0, -3));
      this.asked.push(command);
      this.say(answers[command] ?? answer('nak'));
    };
  }
}

function bound(unit: Unit) {
  const { gapMs, timeoutMs, tries, lateMs = 200 } = voltronic;
  const bus = byteExchange(unit, { gapMs, timeoutMs, tries, lateMs });
  return bindDevice(voltronic, 'inverter', bus, { now: () => 7, mono: () => Date.now() });
}

const QPIGS = answer('qpigs_mains_charging_120v');
const QMOD = answer('qmod_battery');

describe('a sample of an inverter', () => {
  it('says that mains is there by the voltage of the grid', () => {
    const sample = sampleOf('qpigs_mains_charging_120v');
    expect(sample).toMatchObject({
      kind: 'ups',
      mainsPresent: true,
      inputVoltageV: 118.9,
      loadPowerW: 610,
      loadRatio: 0.2,
      batteryVoltageV: 54.1,
      batteryCurrentA: 25,
      socRatio: 0.95,
      temperatureC: 41,
    });
    expect(implausible(sample)).toBeUndefined();
  });

  it('is not fooled by a unit that runs from its battery with mains there', () => {
    expect(sampleOf('qpigs_mains_charging_120v', 'qmod_battery')).toMatchObject({
      mainsPresent: true,
      mode: 'battery',
    });
    expect(sampleOf('qpigs_on_solar_without_grid')).toMatchObject({ mainsPresent: false });
  });

  it('says nothing of mains when neither voltage nor mode tells', () => {
    expect(voltronic.sample({ mode: 'standby' }, 1)).not.toHaveProperty('mainsPresent');
    expect(voltronic.sample({ mode: 'line', mainsPresent: null }, 1).mainsPresent).toBe(true);
    expect(voltronic.sample({ warnings: ['line_fail'] }, 1).mainsPresent).toBe(false);
  });

  it('has no battery where none is connected', () => {
    const sample = sampleOf('qpigs_no_battery_connected');
    expect(sample).not.toHaveProperty('batteryVoltageV');
    expect(sample).not.toHaveProperty('batteryCurrentA');
    expect(sample).not.toHaveProperty('socRatio');
    expect(sample.alarms).toEqual([{ code: 'vendor', level: 'warning', detail: 'no battery is connected' }]);
  });

  it('has warnings as alarms, faults only with a fault, and no alarm for the line', () => {
    expect(sampleOf('qpiws_line_fail_overload').alarms).toEqual([
      { code: 'vendor', level: 'warning', detail: 'overload' },
    ]);
    const told = voltronic.sample({ warnings: ['inverter_fault', 'overload', 'battery_low', 'reserved_1'] }, 1);
    expect(told.lowBattery).toBe(true);
    expect(told.alarms).toEqual([
      { code: 'vendor', level: 'protection', detail: 'inverter_fault' },
      { code: 'vendor', level: 'protection', detail: 'overload' },
      { code: 'pack-undervoltage', level: 'warning', detail: 'battery_low' },
    ]);
  });

  it('that cannot be true is refused', () => {
    expect(implausible({ kind: 'ups', measuredAtMs: 1, inputVoltageV: 12_000 })).toContain('inputVoltageV');
    expect(implausible({ kind: 'ups', measuredAtMs: 1, socRatio: 1.4 })).toContain('socRatio');
    expect(implausible({ kind: 'ups', measuredAtMs: 1, loadRatio: 1.2 })).toBeUndefined();
  });
});

describe('fields that are no numbers', () => {
  it('are not available', () => {
    const payload = '--- 00.0 230.0 49.9 0161 0119 003 460 57.50 - 100 0069 0014 103.8 57.45 00000 00010110';
    const body = Uint8Array.from(`(${payload}`, (letter) => letter.charCodeAt(0));
    const hex = Buffer.from([...body, ...crcOf(body), 13]).toString('hex');
    const fields = JSON.parse(
      decodeLine('voltronic', JSON.stringify({ request_hex: '5150494753b7a90d', response_hex: hex })),
    );
    expect(fields).toMatchObject({
      gridVoltageV: null,
      mainsPresent: null,
      chargeCurrentA: null,
      currentA: null,
      voltageV: 57.5,
    });
  });
});

/** CRC-16 XMODEM bit by bit, as the document describes it. */
function crcOf(bytes: Uint8Array): readonly number[] {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return sentCrc(crc);
}

describe('requests', () => {
  it('are those of the document, and none of them sets anything', () => {
    const hex = voltronic.reads.map(({ request }) => Buffer.from(request).toString('hex'));
    expect(hex).toContain('5150494753b7a90d');
    expect(hex).toContain('514d4f4449c10d');
    expect(hex).toContain('5150495753b4da0d');
    for (const { request } of voltronic.reads) expect(String.fromCharCode(request[0] ?? 0)).toBe('Q');
  });

  it('never hold a start, a CR or an LF in their CRC', () => {
    for (let tenth = 0; tenth < 1000; tenth += 1) {
      const request = voltronicRequest(`PBFT${(tenth / 10).toFixed(1).padStart(4, '0')}`);
      for (const byte of request.subarray(0, -1)) expect([0x28, 0x0d, 0x0a]).not.toContain(byte);
    }
  });
});

describe('a conversation', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('makes one sample of status and mode, and asks no more for what the unit refuses', async () => {
    const unit = new Unit({ QPIGS, QMOD });
    const device = bound(unit);
    expect(await outcome(device.poll())).toMatchObject({ measuredAtMs: 7, mainsPresent: true, mode: 'battery' });
    const first = unit.asked.length;
    expect(unit.asked).toContain('QPIWS');
    await outcome(device.poll());
    expect(unit.asked.slice(first)).toEqual(['QPIGS', 'QMOD']);
  });

  it('fails when the unit refuses its status', async () => {
    const error = await failure(bound(new Unit({ QMOD })).poll());
    expect(error.code).toBe('refused');
    expect(error.reason).toBe('nak');
  });

  it('does not take the late answer to another command', async () => {
    const unit = new Unit({});
    let asked = 0;
    unit.device = (bytes) => {
      const command = String.fromCharCode(...bytes.subarray(0, -3));
      asked += 1;
      // The first answer comes when the next question is out already.
      if (command === 'QPIGS' && asked > 1) unit.say(Uint8Array.of(...QMOD, ...QPIGS));
      else if (command === 'QMOD') unit.say(Uint8Array.of(...QPIGS, ...QMOD));
      else if (command !== 'QPIGS') unit.say(answer('nak'));
    };
    expect(await outcome(bound(unit).poll())).toMatchObject({ inputVoltageV: 118.9, mode: 'battery' });
  });

  it('that gets no answer says what to look at', async () => {
    const unit = new Unit({});
    unit.device = () => {};
    const error = await failure(bound(unit).poll());
    expect(error.code).toBe('timeout');
    expect(error.message).toContain('RS232');
  });
});

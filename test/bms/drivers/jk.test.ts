import { describe, expect, it } from 'vitest';
import { bindDevice } from '../../../bms/bind.ts';
import type { Fields } from '../../../bms/drivers/driver.ts';
import { jk } from '../../../bms/drivers/jk.ts';
import { jkAlarms } from '../../../bms/drivers/jk-alarms.ts';
import { acceptAnswer, activateRequest } from '../../../bms/drivers/jk-frame.ts';
import { readTags } from '../../../bms/drivers/jk-tags.ts';
import { BridgeError, type ByteExchange } from '../../../firmware-bridge/index.ts';
import { readVectors, recorded } from './vectors.ts';

const vectors = readVectors('jk');

function exchange(name: string) {
  const vector = vectors.find((known) => known.name === name);
  if (vector === undefined) throw new Error(`no vector ${name}`);
  return recorded(vector);
}

function fields(name: string): Fields {
  const result = jk.decode(exchange(name));
  if (!result.ok) throw new Error(result.error.message);
  return result.fields;
}

describe('the one JK request', () => {
  it('is the read of everything of the vendor document', () => {
    expect(jk.reads.map(({ request }) => Buffer.from(request).toString('hex'))).toEqual([
      '4e5700130000000006030000000000006800000129',
    ]);
  });
});

describe('JK tags', () => {
  it('are kept up to the first unknown or cut one', () => {
    expect(readTags(Uint8Array.of(0x85, 50, 0x83, 0x14, 0xef, 0xc5, 1, 0x87, 0, 9))).toEqual({
      socRatio: 0.5,
      voltageV: 53.59,
    });
    expect(readTags(Uint8Array.of(0x85, 50, 0x83, 0x14))).toEqual({ socRatio: 0.5 });
    expect(readTags(Uint8Array.of(0x79, 6, 1, 0x0c, 0x80))).toEqual({});
    expect(readTags(new Uint8Array())).toEqual({});
  });

  it('leave a hole for a cell that is not in the list', () => {
    expect(readTags(Uint8Array.of(0x79, 6, 1, 0x0c, 0x80, 3, 0x0c, 0x81))).toEqual({ cellsV: [3.2, null, 3.201] });
  });

  it('never show the password', () => {
    expect(JSON.stringify(fields('uart_14s_charging_2a08'))).not.toContain('123456');
  });

  it('read the current by the protocol version that comes last', () => {
    expect(readTags(Uint8Array.of(0x84, 0x80, 0xd0, 0xc0, 1))).toMatchObject({ currentA: 2.08 });
    expect(readTags(Uint8Array.of(0x84, 0x00, 0xd0, 0xc0, 1))).toMatchObject({ currentA: -2.08 });
    expect(readTags(Uint8Array.of(0x84, 0x00, 0x00, 0xc0, 1))).toMatchObject({ currentA: 0 });
    expect(readTags(Uint8Array.of(0x84, 0x2a, 0xf8))).toMatchObject({ currentA: -10, protocolVersion: 0 });
  });
});

describe('JK framing', () => {
  it('passes over the echo of the request', () => {
    const { request = new Uint8Array(), response = new Uint8Array() } = exchange('uart_14s_charging_2a08');
    expect(acceptAnswer(request)).toMatchObject({ kind: 'skip' });
    expect(jk.decode({ request, response: Uint8Array.from([...request, ...response]) }).ok).toBe(true);
    expect(jk.decode({ request, response: request })).toMatchObject({ error: { code: 'timeout' } });
  });

  it('refuses a length no frame can have', () => {
    expect(jk.decode({ response: Uint8Array.of(0x4e, 0x57, 0, 4, 0, 0, 0, 0) })).toMatchObject({
      error: { code: 'malformed' },
    });
    expect(jk.decode({ response: Uint8Array.of(1, 2, 3) })).toMatchObject({ error: { code: 'header' } });
  });
});

describe('a JK board that sleeps', () => {
  const everything = exchange('uart_16s_lifepo4_discharging_0a69').response ?? new Uint8Array();
  const activated = Uint8Array.from(activateRequest);
  activated[10] = 1;
  activated[activated.length - 1] = 0x25;

  function bus(wakes: boolean) {
    const asked: string[] = [];
    const name = 'gps';
    const line: ByteExchange = {
      name,
      stats: { requests: 0, answers: 0, timeouts: 0, refusals: 0, strayBytes: 0, reconnects: 0 },
      async request({ label, bytes, accept, tries }) {
        asked.push(`${label} x${tries}`);
        const activating = bytes[8] === 1;
        const awake = wakes && (activating || asked.includes('jk activate x1'));
        const verdict = accept(awake ? (activating ? activated : everything) : new Uint8Array());
        if (verdict.kind === 'take') return verdict.value;
        throw new BridgeError('timeout', name, `${name}: ${label}: no answer`);
      },
      listen: () => () => {},
      close: async () => {},
    };
    return { asked, line };
  }

  it('is woken when it does not answer, and then asked', async () => {
    const { asked, line } = bus(true);
    const sample = await bindDevice(jk, 'p', line, { now: () => 1, mono: () => 1 }).poll();
    expect(sample).toMatchObject({ voltageV: 51.21 });
    expect(asked).toEqual(['jk everything x3', 'jk activate x1', 'jk everything x1']);
  });

  it('is silent when it does not wake, and says why that may be', async () => {
    const { asked, line } = bus(false);
    await expect(bindDevice(jk, 'p', line, { now: () => 1, mono: () => 1 }).poll()).rejects.toMatchObject({
      code: 'timeout',
      message: expect.stringMatching(/jk everything: no answer; a JK board sleeps/),
    });
    expect(asked).toEqual(['jk everything x3', 'jk activate x1']);
  });
});

describe('a JK sample', () => {
  it('speaks our names', () => {
    expect(jk.sample(fields('uart_16s_lifepo4_discharging_0a69'), 7)).toMatchObject({
      measuredAtMs: 7,
      voltageV: 51.21,
      currentA: -0.69,
      socRatio: 0.15,
      ratedAh: 81,
      cycles: 17,
      temperaturesC: [16, 16],
      mosfetTemperatureC: 18,
      chargeFetClosed: true,
      dischargeFetClosed: true,
      firmware: 'H7.X__S7.1.0H__',
      alarms: [],
    });
    expect(jk.sample(fields('uart_subzero_and_alarms'), 7)).toMatchObject({
      temperaturesC: [-1, -40],
      alarms: [
        { code: 'low-soc', level: 'warning' },
        { code: 'mosfet-overtemperature', level: 'protection' },
        { code: 'charge-undertemperature', level: 'protection', detail: 'battery_undertemperature' },
        { code: 'cell-undervoltage', level: 'protection' },
      ],
    });
  });

  it('has a learned capacity only when the board has learned one', () => {
    expect(jk.sample(fields('uart_14s_charging_2a08'), 1).fullAh).toBeUndefined();
    expect(jk.sample({ actualAh: 12 }, 1).fullAh).toBe(12);
  });

  it('has no alarm of a factory password, and the vendor’s word for what we have none for', () => {
    expect(jkAlarms({ alarms: ['change_password', 'cell_count_mismatch', 'discharge_short_circuit'] })).toEqual([
      { code: 'vendor', level: 'protection', detail: 'cell_count_mismatch' },
      { code: 'short-circuit', level: 'protection', detail: 'discharge_short_circuit' },
    ]);
    expect(jkAlarms({})).toBeUndefined();
  });
});

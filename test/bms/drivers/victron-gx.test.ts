import { describe, expect, it } from 'vitest';
import { isTcpRequest, rtuForm } from '../../../bms/drivers/modbus-tcp.ts';
import { driverFor } from '../../../bms/drivers/registry.ts';
import { hexToBytes } from '../../../firmware-bridge/index.ts';
import { readVectors, recorded } from './vectors.ts';

const gx = driverFor('victron-gx-battery');

function fields(name: string) {
  const vector = readVectors('victron-gx').find((known) => known.name === name);
  if (vector === undefined) throw new Error(`no vector ${name}`);
  const result = gx.decode(recorded(vector));
  if (!result.ok) throw new Error(result.error.message);
  return result.fields;
}

describe('a battery behind a Victron GX', () => {
  it('makes a sample; thresholds of the monitor are warnings', () => {
    expect(gx.sample({ ...fields('battery_block_256'), ...fields('battery_alarms') }, 1)).toMatchObject({
      voltageV: 52.09,
      currentA: -25.4,
      powerW: -1320,
      socRatio: 0.876,
      temperaturesC: [23.1],
      alarms: [
        { code: 'pack-undervoltage', level: 'warning' },
        { code: 'low-soc', level: 'warning' },
      ],
    });
  });

  it('takes the zeros of a device that has no such value for "not available"', () => {
    if (gx.shape !== 'registers') throw new Error('not registers');
    const block = gx.reads.find(({ read: { address } }) => address === 256);
    expect(block?.read.count).toBe(24);
    const nothing = block?.decode(new Uint16Array(24));
    if (!nothing?.ok) throw new Error('refused');
    expect(nothing.fields).toMatchObject({ voltageV: null, socRatio: null, warnings: [], alarms: [] });
    expect(gx.sample(nothing.fields, 1)).not.toHaveProperty('socRatio');
  });

  it('asks for what only some batteries have in requests of their own', () => {
    if (gx.shape !== 'registers') throw new Error('not registers');
    const alone = gx.reads.filter(({ optional }) => optional).map(({ read: { address, count } }) => [address, count]);
    expect(alone).toEqual([
      [320, 10],
      [1290, 1],
      [1291, 1],
    ]);
  });
});

describe('recorded Modbus TCP', () => {
  const request = hexToBytes('000700000006640303480001');
  const response = hexToBytes('0007000000056403020209');

  it('is told from RTU by its header', () => {
    expect(isTcpRequest(request)).toBe(true);
    expect(isTcpRequest(hexToBytes('01031016000d610b'))).toBe(false);
    expect(isTcpRequest(undefined)).toBe(false);
  });

  it('keeps what follows the answer apart from it', () => {
    const result = gx.decode({ request, response: Uint8Array.from([...response, 1, 2, 3]) });
    expect(result).toMatchObject({ ok: true, fields: { service: 'system', voltageV: 52.1, strayBytes: 3 } });
  });

  it.each([
    ['silence', new Uint8Array(), 'timeout'],
    ['half a header', response.subarray(0, 4), 'truncated'],
    ['half an answer', response.subarray(0, 9), 'truncated'],
    ['another protocol', Uint8Array.from(response, (byte, at) => (at === 3 ? 1 : byte)), 'framing'],
    ['another transaction', Uint8Array.from(response, (byte, at) => (at === 1 ? 6 : byte)), 'wrong_transaction'],
  ])('refuses %s', (_, bytes, code) => {
    expect(rtuForm(request, bytes)).toMatchObject({ ok: false, error: { code } });
  });
});

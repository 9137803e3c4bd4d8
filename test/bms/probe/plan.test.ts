import { describe, expect, it } from 'vitest';
import type { ExchangeDriver, RegisterDriver } from '../../../bms/drivers/driver.ts';
import { driverFor, driverIds } from '../../../bms/drivers/registry.ts';
import { ASKED_BY_NAME, PROBE_LINES, USUAL_UNITS } from '../../../bms/probe/plan.ts';
import { linesFor } from '../../../bms/probe/probe.ts';
import { hexToBytes } from '../../../firmware-bridge/index.ts';
import { readVectors } from '../drivers/vectors.ts';
import { isModbusWrite, isVoltronicOrder, WRITES } from './writes.ts';

/** Every request of a byte driver that a probe may send, with whose it is. */
const requests = [...linesFor('serial', undefined), ...linesFor('bridge', undefined)].flatMap(({ steps }) =>
  steps.flatMap(({ driver }) => {
    const found = driverFor(driver) as ExchangeDriver;
    const addresses = found.boards === undefined ? [undefined] : range(found.boards.first, found.boards.last);
    return addresses.flatMap((address) => {
      const board = address === undefined ? found : (found.boards?.at(address) ?? found);
      return board.reads.map(({ name, request }, at) => ({
        what: `${driver} ${address ?? ''} ${name}`,
        request,
        first: at === 0,
      }));
    });
  }),
);

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

/** What a device that reads lines takes for one: each ends with a CR. */
function lines(bytes: Uint8Array): Uint8Array[] {
  const ends = [...bytes.keys()].filter((at) => bytes[at] === 0x0d);
  return ends.map((end, at) => bytes.subarray((ends[at - 1] ?? -1) + 1, end));
}

function writesIn(bytes: Uint8Array): string[] {
  return [...bytes.keys()].flatMap((at) =>
    Object.entries(WRITES)
      .filter(([, isWrite]) => isWrite(bytes.subarray(at)))
      .map(([dialect]) => `${dialect} at ${at}`),
  );
}

/** Frames that do write (one is printed without its byte count and would do nothing), from the captures and the documents. */
const knownWrites = ['jbd', 'daly', 'jk', 'eastron']
  .flatMap(readVectors)
  .filter(
    ({ name, request_hex: sent, direction }) =>
      sent !== undefined &&
      name !== 'd2_vendor_write_multiple_example' &&
      (/(^|_)(write|set|auth|da|d9|21)_/.test(name) || direction === 'write'),
  )
  .map(({ name, request_hex: sent = '' }) => [name, hexToBytes(sent)] as const)
  .filter(([, bytes]) => bytes.length > 0);

describe('what a probe sends', () => {
  it('is told from a write: every write we know of is found', () => {
    expect(knownWrites.length).toBeGreaterThan(15);
    for (const [name, bytes] of knownWrites) expect(writesIn(bytes), name).not.toEqual([]);
    expect(writesIn(hexToBytes('0110160c0001020000d03d'))).not.toEqual([]);
    expect(isVoltronicOrder(hexToBytes('5042465435342e3097dd'))).toBe(true);
    expect(isVoltronicOrder(hexToBytes('5150494753b7a9'))).toBe(false);
    expect(isVoltronicOrder(hexToBytes('dda55042465435342e3097dd'))).toBe(true);
  });

  it('is no write in any dialect, wherever a board begins to read', () => {
    expect(requests.length).toBeGreaterThan(100);
    for (const { what, request, first } of requests) {
      expect(writesIn(request), what).toEqual([]);
      // The first goes to a stranger; the others only to a board that has answered it.
      if (first) expect(isModbusWrite(request), what).toBe(false);
    }
  });

  it('makes no write together with what was sent before or after it', () => {
    const each = [...new Map(requests.map((one) => [Buffer.from(one.request).toString('hex'), one])).values()];
    const some = each.filter(({ first }, at) => first && at % 3 === 0);
    for (const first of each.filter((one) => one.first))
      for (const second of some) {
        const both = Uint8Array.of(...first.request, ...second.request);
        expect(writesIn(both), `${first.what}, then ${second.what}`).toEqual([]);
        for (const line of lines(both))
          expect(isVoltronicOrder(line), `${first.what}, then ${second.what}`).toBe(false);
      }
  });

  it('reads Modbus by functions 1 to 4 only', () => {
    const tables = driverIds()
      .map((id) => driverFor(id))
      .filter((driver): driver is RegisterDriver & typeof driver => driver.shape === 'registers')
      .flatMap(({ reads }) => reads.map(({ read }) => read.table));
    expect([...new Set(tables)].every((table) => ['coil', 'discrete', 'holding', 'input'].includes(table))).toBe(true);
    expect(USUAL_UNITS.every((unit) => unit >= 1 && unit <= 247)).toBe(true);
  });
});

describe('the plan', () => {
  it('has every driver that has a wire, once a rate, and tells why', () => {
    const planned = PROBE_LINES.flatMap(({ baud, steps, listen = [] }) => [
      ...steps.map(({ driver }) => `${driver} ${baud}`),
      ...listen,
    ]);
    expect(new Set(planned).size).toBe(planned.length);
    const ids = new Set(planned.map((text) => text.split(' ')[0]));
    const byBytes = driverIds().filter((id) => ['exchange', 'stream'].includes(driverFor(id).shape));
    expect(byBytes.filter((id) => !ids.has(id))).toEqual(Object.keys(ASKED_BY_NAME));
    for (const { why, steps } of PROBE_LINES) {
      expect(why).not.toBe('');
      for (const step of steps) expect(step.why.length).toBeGreaterThan(20);
    }
  });

  it('tries the rate that each is sold with', () => {
    for (const id of driverIds()) {
      const driver = driverFor(id);
      if (!('line' in driver) || ASKED_BY_NAME[id] !== undefined) continue;
      const lines = PROBE_LINES.filter(({ baud }) => baud === driver.line.baud);
      const asked = lines.some(
        ({ steps, listen = [], modbus }) =>
          steps.some((step) => step.driver === id) || listen.includes(id) || (modbus && driver.shape === 'registers'),
      );
      expect(asked, id).toBe(true);
    }
  });

  it('asks a JK PB board only by its name', () => {
    expect(linesFor('serial', undefined).flatMap(({ steps }) => steps.map(({ driver }) => driver))).not.toContain(
      'jk-pb',
    );
    expect(linesFor('serial', ['jk-pb'])).toEqual([
      { baud: 115_200, why: 'named', steps: [{ driver: 'jk-pb', why: 'named' }], modbus: false },
    ]);
  });

  it('asks the device that reads lines before any bytes are sent to it', () => {
    for (const kind of ['serial', 'bridge'] as const)
      for (const { steps } of linesFor(kind, undefined)) {
        const at = steps.findIndex(({ driver }) => driver === 'voltronic');
        expect(at).toBeLessThanOrEqual(0);
      }
  });
});

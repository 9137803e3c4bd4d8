import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bindControl, canSwitch } from '../../../bms/control/pack-control.ts';
import type { ControlOutcome } from '../../../bms/control/switching.ts';
import type { ExchangeDriver, MosfetControl } from '../../../bms/drivers/driver.ts';
import { driverFor, driverIds } from '../../../bms/drivers/registry.ts';
import { BridgeError, byteExchange, crc16Modbus } from '../../../firmware-bridge/index.ts';
import { MemoryTransport, outcome } from '../../firmware-bridge/memory-transport.ts';
import { readVectors, recorded } from '../drivers/vectors.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

function vector(file: string, name: string) {
  const found = readVectors(file).find((known) => known.name === name);
  if (found === undefined) throw new Error(`no vector ${name}`);
  return recorded(found);
}

function mosfets(id: string, address?: number): MosfetControl {
  const driver = driverFor(id) as ExchangeDriver;
  const control = (address === undefined ? driver : driver.boards?.at(address))?.mosfets;
  if (control === undefined) throw new Error(`${id} switches nothing`);
  return control;
}

const bothOn = { chargeMosfet: true, dischargeMosfet: true, protections: [] };

describe('what is written', () => {
  it('is known of these drivers, and of no other', () => {
    const able = (what: 'mosfets' | 'balancing') => driverIds().filter((id) => canSwitch(driverFor(id), what));
    expect(able('mosfets')).toEqual(['daly', 'daly-modbus', 'daly-p81', 'jbd', 'jk', 'jk-modbus', 'jk-pb']);
    expect(able('balancing')).toEqual(['daly-modbus', 'jbd', 'jk', 'jk-modbus', 'jk-pb']);
  });

  const cases: [string, string, string, 'charge' | 'discharge', boolean][] = [
    ['jbd', 'jbd', 'mos_charge_off', 'charge', false],
    ['daly', 'daly', 'a5_da_charge_on', 'charge', true],
    ['daly', 'daly', 'a5_d9_discharge_off', 'discharge', false],
    ['daly-p81', 'daly', 'p81_write_discharge_off', 'discharge', false],
    ['jk', 'jk', 'uart_write_charge_off', 'charge', false],
    ['jk', 'jk', 'uart_write_discharge_on', 'discharge', true],
    ['jk-pb', 'jk', 'modbus_write_charge_off', 'charge', false],
  ];
  it.each(cases)('by %s is byte for byte as in %s %s', (id, file, name, which, on) => {
    const { request = new Uint8Array(), response } = vector(file, name);
    const write = mosfets(id).write(which, on, bothOn).at(-1);
    expect(hex(write?.request ?? new Uint8Array())).toBe(hex(request));
    if (response === undefined) expect(write?.accept).toBeUndefined();
    else expect(write?.accept?.(response)).toMatchObject({ kind: 'take', length: response.length });
    // An adapter that gives the request back first.
    if (response !== undefined && id !== 'daly') {
      const echoed = Uint8Array.of(...request, ...response);
      expect(write?.accept?.(echoed)).toMatchObject({ kind: 'skip' });
    }
  });

  it('switches both on as in the capture, and authenticates as in the capture', () => {
    const locked = { chargeMosfet: false, dischargeMosfet: true, protections: ['mosfet_software_lock'] };
    expect(hex(mosfets('jbd').write('charge', true, locked)[0]?.request ?? new Uint8Array())).toBe(
      hex(vector('jbd', 'mos_both_on').request ?? new Uint8Array()),
    );
    const [first] = mosfets('jk').write('charge', false, {});
    expect(hex(first?.request ?? new Uint8Array())).toBe(
      hex(vector('jk', 'uart_auth_before_write').request ?? new Uint8Array()),
    );
  });

  it('by JBD keeps the other switch as it was, and locks nothing that a protection has opened', () => {
    const data = (which: 'charge' | 'discharge', on: boolean, fields: object): number | undefined =>
      mosfets('jbd').write(which, on, { ...bothOn, ...fields })[0]?.request[5];
    const lock = ['mosfet_software_lock'];
    expect(data('discharge', false, {})).toBe(2);
    expect(data('discharge', false, { chargeMosfet: false, protections: ['cell_overvoltage'] })).toBe(2);
    expect(data('discharge', false, { chargeMosfet: false, protections: lock })).toBe(3);
    expect(data('discharge', true, { chargeMosfet: false, dischargeMosfet: false, protections: lock })).toBe(1);
    expect(data('charge', true, { chargeMosfet: false, protections: lock })).toBe(0);
  });

  it.each([
    ['jbd', 0, /^dd5ae1/],
    ['daly', 0, /^a540(d9|da)/],
    ['daly-p81', 0, /^8106012[12]/],
    ['jk', 1, /^4e57001400000000020300a[bc]/],
    ['jk-pb', 0, /^011010(70|74)/],
  ] as const)('by %s goes to one of two places, whatever is asked', (id, at, form) => {
    for (const which of ['charge', 'discharge'] as const) {
      for (const on of [true, false]) {
        const sent = mosfets(id).write(which, on, bothOn);
        expect(sent).toHaveLength(at + 1);
        expect(hex(sent[at]?.request ?? new Uint8Array())).toMatch(form);
      }
    }
  });

  it('goes to the board that was meant', () => {
    expect(hex(mosfets('daly', 3).write('charge', false, {})[0]?.request ?? new Uint8Array()).slice(0, 6)).toBe(
      'a542da',
    );
    expect(mosfets('daly-p81', 2).write('charge', false, {})[0]?.request[0]).toBe(0x82);
    expect(mosfets('jk-pb', 5).write('charge', false, {})[0]?.request[0]).toBe(5);
    const other = bytes('a502da080000000000000000');
    const reply = Uint8Array.of(...other, other.reduce((sum, byte) => sum + byte, 0) & 0xff);
    expect(mosfets('daly').write('charge', false, {})[0]?.accept?.(reply)).toMatchObject({ kind: 'skip' });
  });

  it('that a board answers with the opposite is refused', () => {
    const off = vector('daly', 'a5_d9_discharge_off').response ?? new Uint8Array();
    expect(mosfets('daly').write('discharge', true, {})[0]?.accept?.(off)).toMatchObject({
      kind: 'refuse',
      code: 'not_switched',
    });
    const echo = vector('daly', 'p81_write_discharge_off').response ?? new Uint8Array();
    expect(mosfets('daly-p81').write('discharge', true, {})[0]?.accept?.(echo)).toMatchObject({ code: 'not_switched' });
    const exception = Uint8Array.of(1, 0x90, 2, 0, 0);
    const crc = crc16Modbus(exception.subarray(0, 3));
    exception.set([crc & 0xff, crc >>> 8], 3);
    expect(mosfets('jk-pb').write('charge', true, {})[0]?.accept?.(exception)).toMatchObject({
      code: 'modbus_exception',
    });
  });
});

/** A classic JBD board in memory: both switches, what holds them, and how it takes a write. */
class JbdBoard extends MemoryTransport {
  lock = 0;
  trips = 0;
  obeys = true;
  /** Answers of the next writes instead of "done"; empty: as the board does by itself. */
  statuses: number[] = [];
  silentWrites = 0;
  mute = false;
  readonly writes: string[] = [];

  constructor() {
    super();
    this.device = (request) => this.#answer(request);
  }

  #answer(request: Uint8Array): void {
    const [, kind, register = 0] = request;
    if (this.mute) return;
    if (kind === 0xa5) {
      const open = this.lock | (this.trips ? 2 : 0);
      const data = new Uint8Array(23);
      data.set([0x05, 0x28]);
      const protection = (this.lock ? 1 << 12 : 0) | this.trips;
      data.set([protection >>> 8, protection & 0xff], 16);
      data.set([0x23, 80, (open & 1 ? 0 : 1) | (open & 2 ? 0 : 2), 4, 0], 18);
      this.say(frame(register, 0, data));
      return;
    }
    this.writes.push(hex(request.subarray(2, -3)));
    if (this.silentWrites > 0) {
      this.silentWrites -= 1;
      return;
    }
    const status = this.statuses.shift() ?? 0;
    if (status === 0 && register === 0xe1 && this.obeys) this.lock = request[5] ?? 0;
    this.say(frame(register, status, new Uint8Array()));
  }
}

function frame(register: number, status: number, data: Uint8Array): Uint8Array {
  const body = [status, data.length, ...data];
  const sum = (0x10000 - body.reduce((all, byte) => all + byte, 0)) & 0xffff;
  return Uint8Array.of(0xdd, register, ...body, sum >>> 8, sum & 0xff, 0x77);
}

function controlOf(board: MemoryTransport) {
  const { gapMs, timeoutMs, tries } = driverFor('jbd') as ExchangeDriver;
  return bindControl(driverFor('jbd'), 'lfp1', byteExchange(board, { gapMs, timeoutMs, tries }));
}

describe('switching a board', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const settled = async (promise: Promise<ControlOutcome>): Promise<ControlOutcome> => {
    const value = await outcome(promise);
    if (value instanceof BridgeError) throw value;
    return value;
  };

  it('is done when the state has followed', async () => {
    const board = new JbdBoard();
    const control = controlOf(board);
    expect(await settled(control.setDischarge(false))).toEqual({ code: 'done' });
    expect(board.lock).toBe(2);
    expect(await settled(control.setCharge(false))).toEqual({ code: 'done' });
    expect(board.lock).toBe(3);
    expect(await settled(control.setDischarge(true))).toEqual({ code: 'done' });
    expect(board.lock).toBe(1);
    expect(board.writes).toEqual(['e1020002', 'e1020003', 'e1020001']);
  });

  it('writes nothing that stands so already', async () => {
    const board = new JbdBoard();
    expect(await settled(controlOf(board).setDischarge(true))).toEqual({ code: 'already' });
    expect(board.writes).toEqual([]);
  });

  it('locks a switch that only a protection holds open, and says what keeps one from closing', async () => {
    const board = new JbdBoard();
    board.trips = 1 << 1;
    expect(await settled(controlOf(board).setDischarge(true))).toEqual({
      code: 'disobeyed',
      detail: 'the board says discharge is still off: cell_undervoltage holds it open',
    });
    expect(await settled(controlOf(board).setDischarge(false))).toEqual({ code: 'done' });
    expect(board.lock).toBe(2);
  });

  it('is disobeyed when the board says yes and does nothing', async () => {
    const board = new JbdBoard();
    board.obeys = false;
    expect(await settled(controlOf(board).setDischarge(false))).toEqual({
      code: 'disobeyed',
      detail: 'the board says discharge is still on',
    });
    expect(board.writes).toHaveLength(1);
  });

  it('enters factory mode only where the board asks for it, and leaves it without saving', async () => {
    const board = new JbdBoard();
    board.statuses = [0x81];
    expect(await settled(controlOf(board).setCharge(false))).toEqual({ code: 'done' });
    expect(board.writes).toEqual(['e1020001', '00025678', 'e1020001', '01020000']);
  });

  it('is refused by a board that wants a password', async () => {
    const board = new JbdBoard();
    board.statuses = [0x81, 0x81, 0x81, 0x81];
    const refusal = await settled(controlOf(board).setCharge(false));
    expect(refusal.code).toBe('refused');
    expect(refusal.detail).toContain('0x81');
    expect(board.lock).toBe(0);
  });

  it('asks again when a write was not heard', async () => {
    const board = new JbdBoard();
    board.silentWrites = 1;
    expect(await settled(controlOf(board).setDischarge(false))).toEqual({ code: 'done' });
    expect(board.writes).toHaveLength(2);
  });

  it('settles with a word when the board is silent, unplugged or the caller gives up', async () => {
    const board = new JbdBoard();
    board.silentWrites = 9;
    expect(await settled(controlOf(board).setDischarge(false))).toMatchObject({ code: 'timeout' });
    board.mute = true;
    expect(await settled(controlOf(board).setDischarge(false))).toMatchObject({ code: 'timeout' });
    const gone = new JbdBoard();
    gone.openError = new BridgeError('open', gone.name, 'no such port');
    expect(await settled(controlOf(gone).setDischarge(false))).toMatchObject({ code: 'unreachable' });
    const given = new AbortController();
    given.abort();
    expect(await settled(controlOf(new JbdBoard()).setDischarge(false, given.signal))).toMatchObject({
      code: 'timeout',
    });
  });

  it('does one thing after the other, so that none writes the other switch as it was before', async () => {
    const board = new JbdBoard();
    const control = controlOf(board);
    const both = Promise.all([control.setDischarge(false), control.setCharge(false)]);
    expect(await outcome(both)).toEqual([{ code: 'done' }, { code: 'done' }]);
    expect(board.lock).toBe(3);
  });

  it('of JK writes without an answer, and looks whether it came true', async () => {
    const board = new MemoryTransport();
    const answer = vector('jk', 'uart_14s_charging_2a08').response ?? new Uint8Array();
    const sent: string[] = [];
    board.device = (request) => {
      sent.push(hex(request.subarray(8, 13)));
      if (request[8] === 0x06) board.say(answer);
    };
    const driver = driverFor('jk') as ExchangeDriver;
    const control = bindControl(driver, 'jk1', byteExchange(board, driver));
    expect(await settled(control.setDischarge(true))).toEqual({ code: 'already' });
    const refused = await settled(control.setDischarge(false));
    expect(refused).toEqual({ code: 'disobeyed', detail: 'the board says discharge is still on' });
    expect(sent.slice(1, 4)).toEqual(['0603000000', '0502000000', '020300ac00']);
  });

  it('of Daly counts its acknowledgement, and tells that the flag did not follow', async () => {
    const board = new MemoryTransport();
    board.device = (request) => {
      if (request[2] === 0x93) board.say(dalyFrame(0x93, [2, 1, 1, 0, 0, 0, 0, 0]));
      else board.say(dalyFrame(request[2] ?? 0, [request[4] ?? 0]));
    };
    const driver = driverFor('daly') as ExchangeDriver;
    const control = bindControl(driver, 'd', byteExchange(board, driver));
    expect(await settled(control.setDischarge(false))).toEqual({
      code: 'done',
      detail: 'acknowledged, although the board says discharge is still on',
    });
  });
});

function dalyFrame(command: number, data: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(13);
  bytes.set([0xa5, 1, command, 8, ...data]);
  bytes[12] = bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
  return bytes;
}

describe('a driver that switches nothing', () => {
  it('cannot be bound', () => {
    const bus = byteExchange(new MemoryTransport(), { gapMs: 0, timeoutMs: 1, tries: 1 });
    expect(() => bindControl(driverFor('ve-direct'), 'a', bus)).toThrow('driver ve-direct cannot switch its board');
    expect(() => bindControl(driverFor('jbd'), 'a', {})).toThrow('needs a bus of bytes');
    expect(() => bindControl(driverFor('daly'), 'a', bus, { address: 99 })).toThrow(RangeError);
  });
});

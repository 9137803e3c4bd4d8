import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bindControl } from '../../../bms/control/pack-control.ts';
import type { BalancingControl, ExchangeDriver } from '../../../bms/drivers/driver.ts';
import { driverFor } from '../../../bms/drivers/registry.ts';
import { byteExchange } from '../../../firmware-bridge/index.ts';
import { MemoryTransport, outcome } from '../../firmware-bridge/memory-transport.ts';
import { readVectors, recorded } from '../drivers/vectors.ts';

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');

function vector(file: string, name: string) {
  const found = readVectors(file).find((known) => known.name === name);
  if (found === undefined) throw new Error(`no vector ${name}`);
  return recorded(found);
}

function balancing(id: string, address?: number): BalancingControl {
  const driver = driverFor(id) as ExchangeDriver;
  const control = (address === undefined ? driver : driver.boards?.at(address))?.balancing;
  if (control === undefined) throw new Error(`${id} does not switch its balancing`);
  return control;
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('what switches the balancing', () => {
  it('by JBD is the frame of the capture, in factory mode, saved', () => {
    const [write, ...more] = balancing('jbd').write('balancing', true, { functionBits: 2 });
    expect(more).toEqual([]);
    const { request, response } = vector('jbd', 'balancer_function_on');
    expect(hex(write?.request)).toBe(hex(request));
    expect(write?.accept?.(response ?? new Uint8Array())).toMatchObject({ kind: 'take' });
    expect(hex(write?.inside?.before.request)).toBe(hex(vector('jbd', 'enter_factory_mode').request));
    expect(hex(write?.inside?.after.request)).toBe(hex(vector('jbd', 'exit_factory_mode_save').request));
    expect(write?.ifRefused).toBeUndefined();
  });

  it('by JBD leaves every other function as it was', () => {
    const bits = (on: boolean, functionBits: number): string =>
      hex(balancing('jbd').write('balancing', on, { functionBits })[0]?.request.subarray(4, 6));
    expect(bits(true, 0x1049)).toBe('104d');
    expect(bits(false, 0x104d)).toBe('1049');
    expect(bits(false, 0xffff)).toBe('fffb');
    expect(balancing('jbd').write('balancing', true, {})).toEqual([]);
  });

  it('by JBD is looked at without saving anything', () => {
    const { state } = balancing('jbd');
    if (typeof state === 'string') throw new Error('it needs factory mode');
    expect(hex(state.reads[0]?.request)).toBe('dda52d00ffd377');
    expect(hex(state.inside.before.request)).toBe(hex(vector('jbd', 'enter_factory_mode').request));
    expect(hex(state.inside.after.request)).toBe(hex(vector('jbd', 'exit_factory_mode_discard').request));
  });

  it('by JK PB is the frame of the capture', () => {
    const { request, response = new Uint8Array() } = vector('jk', 'modbus_write_balance_on');
    const [write] = balancing('jk-pb', 2).write('balancing', true, {});
    expect(hex(write?.request)).toBe(hex(request));
    expect(write?.accept?.(response)).toMatchObject({ kind: 'take', length: response.length });
    expect(write?.accept?.(Uint8Array.of(...(request ?? []), ...response))).toMatchObject({ kind: 'skip' });
    // The echo of an adapter alone is not the board's word.
    expect(write?.accept?.(request ?? new Uint8Array())).toMatchObject({ kind: 'skip' });
  });

  it('by JK is tag 9D behind an authentication', () => {
    const [first, write] = balancing('jk').write('balancing', true, {});
    expect(hex(first?.request)).toBe(hex(vector('jk', 'uart_auth_before_write').request));
    expect(hex(write?.request)).toBe('4e570014000000000203009d010000000068000001c4');
    expect(write?.accept).toBeUndefined();
  });
});

/** A classic JBD board in memory that opens its function register in factory mode only, as real ones do. */
class FunctionsBoard extends MemoryTransport {
  bits = 0x0003;
  factory = false;
  obeys = true;
  password = false;
  /** What became of the trip counters. */
  cleared = 0;
  readonly heard: string[] = [];
  #unsaved: number | undefined;

  constructor() {
    super();
    this.device = (request) => this.#answer(request);
  }

  #answer(request: Uint8Array): void {
    const [, kind, register = 0] = request;
    const data = hex(request.subarray(4, -3));
    this.heard.push(`${kind === 0x5a ? 'write' : 'read'} ${register.toString(16)} ${data}`.trim());
    if (register === 3) this.say(reply(3, 0, new Uint8Array(23)));
    else if (register === 0) {
      this.factory = !this.password;
      this.say(reply(0, this.password ? 0x81 : 0));
    } else if (register === 1) {
      if (data === '2828' && this.#unsaved !== undefined && this.obeys) this.bits = this.#unsaved;
      if (data === '2828') this.cleared += 1;
      this.#unsaved = undefined;
      this.factory = false;
      this.say(reply(1, 0));
    } else if (!this.factory) this.say(reply(register, 0x81));
    else if (kind === 0x5a) {
      this.#unsaved = Number.parseInt(data, 16);
      this.say(reply(register, 0));
    } else this.say(reply(register, 0, Uint8Array.of(this.bits >>> 8, this.bits & 0xff)));
  }
}

function reply(register: number, status: number, data = new Uint8Array()): Uint8Array {
  const body = [status, data.length, ...data];
  const sum = (0x10000 - body.reduce((all, byte) => all + byte, 0)) & 0xffff;
  return Uint8Array.of(0xdd, register, ...body, sum >>> 8, sum & 0xff, 0x77);
}

function bound(board: MemoryTransport, id = 'jbd') {
  const driver = driverFor(id) as ExchangeDriver;
  const bus = byteExchange(board, driver);
  const allow = { mosfets: false, balancing: true };
  return { bus, control: bindControl(driver, 'p1', bus, { allow }) };
}

describe('switching the balancing of a JBD board', () => {
  it('reads, writes, saves and reads back, and leaves factory mode each time', async () => {
    const board = new FunctionsBoard();
    const { control } = bound(board);
    expect(await outcome(control.setBalancing(true))).toEqual({ code: 'done' });
    expect(board.bits).toBe(0x0007);
    expect(board.factory).toBe(false);
    expect(board.heard).toEqual([
      ...['write 0 5678', 'read 2d', 'write 1 0000'],
      ...['write 0 5678', 'write 2d 0007', 'write 1 2828'],
      ...['write 0 5678', 'read 2d', 'write 1 0000'],
    ]);
    expect(board.cleared).toBe(1);
    expect(await outcome(control.setBalancing(true))).toEqual({ code: 'already' });
    expect(board.cleared).toBe(1);
    expect(await outcome(control.setBalancing(false))).toEqual({ code: 'done' });
    expect(board.bits).toBe(0x0003);
  });

  it('lets no poll come between entering the mode and leaving it', async () => {
    const board = new FunctionsBoard();
    const { bus, control } = bound(board);
    const basic = (driverFor('jbd') as ExchangeDriver).reads[0];
    if (basic === undefined) throw new Error('no read');
    let over = false;
    const polls = async (): Promise<void> => {
      const accept = (received: Uint8Array) => basic.accept(received);
      while (!over) await bus.request({ label: 'poll', bytes: basic.request, accept });
    };
    const switched = control.setBalancing(true).finally(() => {
      over = true;
    });
    const [done] = (await outcome(Promise.all([switched, polls(), polls()]))) as unknown[];
    expect(done).toEqual({ code: 'done' });
    expect(board.heard.filter((each) => each === 'read 3').length).toBeGreaterThan(5);
    let inMode = false;
    for (const each of board.heard) {
      if (each === 'write 0 5678') inMode = true;
      if (each.startsWith('write 1')) inMode = false;
      expect(inMode && each === 'read 3', board.heard.join('; ')).toBe(false);
    }
  });

  it('is disobeyed by a board that says yes and forgets', async () => {
    const board = new FunctionsBoard();
    board.obeys = false;
    expect(await outcome(bound(board).control.setBalancing(true))).toEqual({
      code: 'disobeyed',
      detail: 'the board says balancing is still off',
    });
  });

  it('is refused by a board with a password, and nothing is saved', async () => {
    const board = new FunctionsBoard();
    board.password = true;
    const refusal = await outcome(bound(board).control.setBalancing(true));
    expect(refusal).toMatchObject({ code: 'refused' });
    expect(board.heard).not.toContain('write 1 2828');
    expect(board.heard.some((each) => each.startsWith('write 2d'))).toBe(false);
  });

  it('leaves factory mode although the caller gives up in it', async () => {
    const board = new FunctionsBoard();
    const given = new AbortController();
    const { device } = board;
    board.device = (request) => {
      if (request[2] === 0x2d) given.abort();
      else void device(request);
    };
    const { control } = bound(board);
    expect(await outcome(control.setBalancing(true, given.signal))).toMatchObject({ code: 'timeout' });
    await vi.waitFor(() => expect(board.heard.at(-1)).toBe('write 1 0000'), { timeout: 60_000 });
    expect(board.factory).toBe(false);
  });

  it('and the switches are refused unless they are allowed, without a byte on the line', async () => {
    const board = new FunctionsBoard();
    const driver = driverFor('jbd') as ExchangeDriver;
    const only = bindControl(driver, 'p1', byteExchange(board, driver), { allow: { mosfets: true, balancing: false } });
    expect(await outcome(only.setBalancing(true))).toEqual({
      code: 'refused',
      detail: 'control.balancing is not set for this pack',
    });
    const { control } = bound(board);
    expect(await outcome(control.setDischarge(false))).toMatchObject({ code: 'refused' });
    expect(await outcome(control.setCharge(false))).toMatchObject({ code: 'refused' });
    expect(board.heard).toEqual([]);
  });
});

describe('a driver without it', () => {
  it('cannot be bound for it', () => {
    const driver = driverFor('daly-p81') as ExchangeDriver;
    const bus = byteExchange(new MemoryTransport(), driver);
    expect(() => bindControl(driver, 'd', bus, { allow: { mosfets: true, balancing: true } })).toThrow(
      'd: driver daly-p81 cannot switch the balancing of its board',
    );
  });
});

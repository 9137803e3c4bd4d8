import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bindControl } from '../../../bms/control/pack-control.ts';
import type { RegisterDriver } from '../../../bms/drivers/driver.ts';
import { driverFor } from '../../../bms/drivers/registry.ts';
import type { PackSample } from '../../../bms/index.ts';
import { type BridgeError, crc16Modbus, modbusRtuExchange } from '../../../firmware-bridge/index.ts';
import { MemoryTransport, outcome } from '../../firmware-bridge/memory-transport.ts';
import { readVectors, recorded } from '../drivers/vectors.ts';

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');

function request(file: string, name: string): string {
  const found = readVectors(file).find((known) => known.name === name);
  if (found === undefined) throw new Error(`no vector ${name}`);
  return hex(recorded(found).request);
}

function withCrc(...body: number[]): Uint8Array {
  const crc = crc16Modbus(Uint8Array.from(body));
  return Uint8Array.of(...body, crc & 0xff, crc >>> 8);
}

/** Registers in memory, and how the board misbehaves when it is written to. */
class Registers extends MemoryTransport {
  readonly held = new Map<number, number>();
  /** Where a register that was written shows. */
  readonly shows: (address: number, value: number) => void;
  manner: 'good' | 'deaf' | 'wrong echo' | 'exception' | 'forgets' | 'slow' = 'good';
  /** Writes of this number are not answered, though done. */
  mute = 0;
  echo = false;
  readonly writes: string[] = [];
  #reads = 0;
  #due: (() => void) | undefined;

  constructor(shows: (held: Map<number, number>) => (address: number, value: number) => void) {
    super();
    this.shows = shows(this.held);
    this.device = (bytes) => this.#answer(bytes);
  }

  #answer(bytes: Uint8Array): void {
    if (this.echo) this.say(bytes);
    const [unit = 0, fc = 0, high = 0, low = 0, ...more] = bytes;
    const address = high * 256 + low;
    if (fc === 3) {
      this.#reads += 1;
      if (this.#reads === 3) this.#due?.();
      const count = (more[0] ?? 0) * 256 + (more[1] ?? 0);
      const step = unit === 0xd2 ? 1 : 2;
      const words = Array.from({ length: count }, (_, at) => this.held.get(address + at * step) ?? 0);
      this.say(withCrc(unit, 3, count * 2, ...words.flatMap((word) => [word >>> 8, word & 0xff])));
      return;
    }
    this.writes.push(hex(bytes));
    if (this.manner === 'deaf') return;
    if (this.manner === 'exception') {
      this.say(withCrc(unit, fc | 0x80, 4));
      return;
    }
    if (this.manner === 'wrong echo') {
      this.say(withCrc(unit, fc, high, low ^ 1, more[0] ?? 0, more[1] ?? 0));
      return;
    }
    const value = (bytes.at(-4) ?? 0) * 256 + (bytes.at(-3) ?? 0);
    this.#reads = 0;
    if (this.manner === 'slow') this.#due = () => this.shows(address, value);
    else if (this.manner === 'good') this.shows(address, value);
    if (this.mute > 0) {
      this.mute -= 1;
      return;
    }
    this.say(withCrc(unit, fc, high, low, more[0] ?? 0, more[1] ?? 0));
  }
}

/** Status registers 35 and 36 follow the switches; the balancer's own is read back. */
function daly(): Registers {
  return new Registers((held) => {
    for (const address of [0x35, 0x36, 0xa5, 0xa6, 0xcf]) held.set(address, 1);
    return (address, value) => {
      held.set(address, value);
      if (address === 0xa5) held.set(0x35, value);
      if (address === 0xa6) held.set(0x36, value);
    };
  });
}

/** Bytes C0 and C1 of the status follow; byte 78 of the settings is the balancer's. */
function jk(): Registers {
  return new Registers((held) => {
    held.set(0x12c0, 0x0101);
    held.set(0x107a, 1);
    return (address, value) => {
      const both = held.get(0x12c0) ?? 0;
      if (address === 0x1070) held.set(0x12c0, (both & 0x00ff) | (value << 8));
      else if (address === 0x1074) held.set(0x12c0, (both & 0xff00) | value);
      else held.set(address + 2, value);
    };
  });
}

const allow = { mosfets: true, balancing: true };

function controlOf(board: Registers, id: string, more: object = {}) {
  const driver = driverFor(id) as RegisterDriver<PackSample>;
  const bus = modbusRtuExchange(board, { gapMs: driver.gapMs, timeoutMs: 500 });
  return bindControl(driver, 'p1', bus, { allow, ...more });
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('what is written', () => {
  it('to a Daly at 0xD2 is as in the captures', async () => {
    const board = daly();
    const control = controlOf(board, 'daly-modbus');
    for (const step of [control.setCharge(false), control.setCharge(true)])
      expect(await outcome(step)).toEqual({ code: 'done' });
    expect(board.writes).toEqual([request('daly', 'd2_write_charge_off'), request('daly', 'd2_write_charge_on')]);
    board.held.set(0x36, 0);
    expect(await outcome(control.setDischarge(true))).toEqual({ code: 'done' });
    expect(board.writes.at(-1)).toBe(request('daly', 'd2_write_discharge_on'));
    expect(await outcome(control.setBalancing(false))).toEqual({ code: 'done' });
    expect(board.writes.at(-1)?.slice(0, 12)).toBe('d20600cf0000');
    expect(board.written.map(hex)).toContain(request('daly', 'd2_cf_balancer_on'));
  });

  it('to a JK PB is as in the captures', async () => {
    const board = jk();
    expect(await outcome(controlOf(board, 'jk-modbus').setCharge(false))).toEqual({ code: 'done' });
    expect(board.writes).toEqual([request('jk', 'modbus_write_charge_off')]);
    expect(board.held.get(0x12c0)).toBe(0x0001);
    board.held.set(0x107a, 0);
    expect(await outcome(controlOf(board, 'jk-modbus', { unit: 2 }).setBalancing(true))).toEqual({ code: 'done' });
    expect(board.writes.at(-1)).toBe(request('jk', 'modbus_write_balance_on'));
  });

  it.each([
    ['daly-modbus', daly, /^d20600(a5|a6|cf)000[01]....$/],
    ['jk-modbus', jk, /^011010(70|74|78)0002040000000[01]....$/],
  ] as const)('by %s goes to one of three places, whatever is asked', async (id, make, form) => {
    const board = make();
    const control = controlOf(board, id);
    for (const on of [false, true]) {
      await outcome(control.setCharge(on));
      await outcome(control.setDischarge(on));
      await outcome(control.setBalancing(on));
    }
    expect(board.writes).toHaveLength(6);
    for (const written of board.writes) expect(written).toMatch(form);
  });
});

describe.each([
  ['daly-modbus', daly],
  ['jk-modbus', jk],
] as const)('switching by %s', (id, make) => {
  it('writes nothing that stands so already', async () => {
    const board = make();
    expect(await outcome(controlOf(board, id).setDischarge(true))).toEqual({ code: 'already' });
    expect(await outcome(controlOf(board, id).setBalancing(true))).toEqual({ code: 'already' });
    expect(board.writes).toEqual([]);
  });

  it('is refused where it is not allowed, without a byte on the line', async () => {
    const board = make();
    const none = controlOf(board, id, { allow: { mosfets: false, balancing: false } });
    const all = Promise.all([none.setCharge(false), none.setDischarge(false), none.setBalancing(false)]);
    const codes = ((await outcome(all)) as readonly { code: string }[]).map(({ code }) => code);
    expect(codes).toEqual(['refused', 'refused', 'refused']);
    expect(board.written).toEqual([]);
  });

  it('waits for a state that follows later', async () => {
    const board = make();
    board.manner = 'slow';
    expect(await outcome(controlOf(board, id).setDischarge(false))).toEqual({ code: 'done' });
    expect(board.writes).toHaveLength(1);
  });

  it('is disobeyed when the board says yes and does nothing', async () => {
    const board = make();
    board.manner = 'forgets';
    expect(await outcome(controlOf(board, id).setCharge(false))).toEqual({
      code: 'disobeyed',
      detail: 'the board says charge is still on',
    });
    expect(board.writes).toHaveLength(1);
  });

  it.each(['wrong echo', 'exception'] as const)(
    'is refused with a word for %s, and not tried again',
    async (manner) => {
      const board = make();
      board.manner = manner;
      const refusal = (await outcome(controlOf(board, id).setCharge(false))) as { code: string; detail?: string };
      expect(refusal.code).toBe('refused');
      expect(refusal.detail).toMatch(manner === 'exception' ? /exception 4/ : /does not repeat the request/);
      expect(board.writes).toHaveLength(1);
    },
  );

  it('tries once more when nothing was heard, and then says so', async () => {
    const board = make();
    board.mute = 1;
    expect(await outcome(controlOf(board, id).setCharge(false))).toEqual({ code: 'done' });
    expect(board.writes).toHaveLength(2);
    board.manner = 'deaf';
    expect(await outcome(controlOf(board, id).setDischarge(false))).toMatchObject({ code: 'timeout' });
    expect(board.writes).toHaveLength(4);
  });

  it('believes the state, not the echo of an adapter', async () => {
    const board = make();
    board.echo = true;
    expect(await outcome(controlOf(board, id).setCharge(false))).toEqual({ code: 'done' });
    board.manner = 'deaf';
    const deaf = await outcome(controlOf(board, id).setDischarge(false));
    expect(['disobeyed', 'timeout']).toContain((deaf as { code: string } | BridgeError).code);
  });

  it('settles when the line is gone or the caller gives up', async () => {
    const board = make();
    const given = new AbortController();
    given.abort();
    expect(await outcome(controlOf(board, id).setCharge(false, given.signal))).toMatchObject({ code: 'timeout' });
    expect(board.writes).toEqual([]);
  });
});

describe('the balancer switch of a Daly', () => {
  it('that reads neither 0 nor 1 is left alone', async () => {
    const board = daly();
    board.held.set(0xcf, 7);
    expect(await outcome(controlOf(board, 'daly-modbus').setBalancing(true))).toEqual({
      code: 'refused',
      detail: 'memory:test: the balancer switch reads 7, neither on nor off',
    });
    expect(board.writes).toEqual([]);
  });
});

describe('a bus that cannot write', () => {
  it('is not bound', () => {
    expect(() => bindControl(driverFor('daly-modbus'), 'd', {}, { allow })).toThrow('needs a Modbus bus');
    expect(() => bindControl(driverFor('seplos-v3'), 'd', {}, { allow })).toThrow('cannot switch its board');
  });
});

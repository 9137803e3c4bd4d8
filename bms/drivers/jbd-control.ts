import type { BalancingControl, ExchangeLook, ExchangeRead, Fields, MosfetControl } from './driver.ts';
import { acceptReply, acceptWrite, readRequest, writeRequest } from './jbd-frame.ts';
import { mosfetsOf } from './standing.ts';
import type { BoardWrite, Mode, Mosfets } from './switches.ts';

const FACTORY_ENTER = 0x00;
const FACTORY_EXIT = 0x01;
const MOSFETS = 0xe1;
const FUNCTIONS = 0x2d;
/** Only registers 0xE1 and 0x2D are ever written. */
const ENTER = [0x56, 0x78] as const;
const DISCARD = [0x00, 0x00] as const;
const SAVE = [0x28, 0x28] as const;

/** A bit that is set switches off: bit 0 the charging, bit 1 the discharging. */
function write(register: number, name: string, data: readonly number[]): BoardWrite {
  return { name, request: writeRequest(register, data), accept: acceptWrite(register) };
}

const enter = write(FACTORY_ENTER, 'enter factory mode', ENTER);
const discarding: Mode = { before: enter, after: write(FACTORY_EXIT, 'leave factory mode', DISCARD) };
const saving: Mode = { before: enter, after: write(FACTORY_EXIT, 'save and leave factory mode', SAVE) };

/**
 * Switching of a classic JBD board. Both bits are written, so the other one is that of before: what the board has opened by
 * itself is not locked by us, what somebody had locked stays so.
 */
export const jbdMosfets: MosfetControl = {
  state: 'basic',
  proof: 'state',
  read: mosfetsOf,
  // An open switch that a protection holds is not locked by anybody: writing the lock makes it stay open.
  pending: (which, on, fields) => !on && !isLocked(fields, which),
  write(which, on, fields) {
    const wanted = { charge: !isLocked(fields, 'charge'), discharge: !isLocked(fields, 'discharge'), [which]: on };
    const bits = (wanted.charge ? 0 : 1) | (wanted.discharge ? 0 : 2);
    return [
      {
        ...write(MOSFETS, `switch ${which} ${on ? 'on' : 'off'}`, [0, bits]),
        ifRefused: { code: 'not_allowed', ...discarding },
      },
    ];
  },
  heldOpen(_, { protections }) {
    const trips = Array.isArray(protections) ? protections.filter((name) => name !== LOCK) : [];
    return trips.length > 0 ? `${trips.join(', ')} holds it open` : undefined;
  },
};

const LOCK = 'mosfet_software_lock';

/** Open, and somebody has switched it off. The lock has one bit for both, so an open switch counts as locked with it. */
function isLocked(fields: Fields, which: keyof Mosfets): boolean {
  const locked = Array.isArray(fields.protections) && fields.protections.includes(LOCK);
  return locked && mosfetsOf(fields)?.[which] === false;
}

function setting(name: string, register: number): ExchangeRead {
  return { name, cadence: 'once', request: readRequest(register), accept: acceptReply(register) };
}

/**
 * The limits that matter, register by register, for firmware that does not tell them as a block. The mode is left without
 * saving, so nothing is changed.
 */
export const jbdSettings: ExchangeLook = {
  reads: [
    setting('charge undertemperature', 0x1a),
    setting('pack overvoltage', 0x20),
    setting('pack undervoltage', 0x22),
    setting('cell overvoltage', 0x24),
    setting('cell undervoltage', 0x26),
  ],
  inside: discarding,
};

const MAY_BALANCE = 1 << 2;

/**
 * One bit of the function register, which opens in factory mode only; the others are written as they were read. Saving it
 * clears the board's trip counters, and there is no other way to keep it.
 */
export const jbdBalancing: BalancingControl = {
  state: {
    reads: [setting('functions', FUNCTIONS)],
    inside: discarding,
  },
  proof: 'state',
  read: ({ functionBits }) =>
    typeof functionBits === 'number' ? { balancing: (functionBits & MAY_BALANCE) !== 0 } : undefined,
  write(_, on, { functionBits }) {
    if (typeof functionBits !== 'number') return [];
    const bits = on ? functionBits | MAY_BALANCE : functionBits & ~MAY_BALANCE;
    const name = `switch balancing ${on ? 'on' : 'off'}`;
    return [{ ...write(FUNCTIONS, name, [bits >>> 8, bits & 0xff]), inside: saving }];
  },
};

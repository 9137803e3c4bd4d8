import type { Fields, MosfetControl, Mosfets, MosfetWrite } from './driver.ts';
import { acceptWrite, writeRequest } from './jbd-frame.ts';

const FACTORY_ENTER = 0x00;
const FACTORY_EXIT = 0x01;
const MOSFETS = 0xe1;
/** Only register 0xE1 is ever written, and factory mode left without saving. */
const ENTER = [0x56, 0x78] as const;
const DISCARD = [0x00, 0x00] as const;

/** A bit that is set switches off: bit 0 the charging, bit 1 the discharging. */
function write(register: number, name: string, data: readonly number[]): MosfetWrite {
  return { name, request: writeRequest(register, data), accept: acceptWrite(register) };
}

/**
 * Switching of a classic JBD board. Both bits are written, so the other one is that of before: what the board has opened by
 * itself is not locked by us, what somebody had locked stays so.
 */
export const jbdMosfets: MosfetControl = {
  state: 'basic',
  proof: 'state',
  read({ chargeMosfet, dischargeMosfet }) {
    if (typeof chargeMosfet !== 'boolean' || typeof dischargeMosfet !== 'boolean') return undefined;
    return { charge: chargeMosfet, discharge: dischargeMosfet };
  },
  // An open switch that a protection holds is not locked by anybody: writing the lock makes it stay open.
  pending: (which, on, fields) => !on && !isLocked(fields, which),
  write(which, on, fields) {
    const wanted = { charge: !isLocked(fields, 'charge'), discharge: !isLocked(fields, 'discharge'), [which]: on };
    const bits = (wanted.charge ? 0 : 1) | (wanted.discharge ? 0 : 2);
    return [
      {
        ...write(MOSFETS, `switch ${which} ${on ? 'on' : 'off'}`, [0, bits]),
        ifRefused: {
          code: 'not_allowed',
          before: write(FACTORY_ENTER, 'enter factory mode', ENTER),
          after: write(FACTORY_EXIT, 'leave factory mode', DISCARD),
        },
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
  return locked && jbdMosfets.read(fields)?.[which] === false;
}

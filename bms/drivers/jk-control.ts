import { acceptRtuWrite, byteSum, withCrc16Modbus } from '#bridge';
import type { BalancingControl, MosfetControl, RegisterDriver } from './driver.ts';
import { balancingOf, mosfetsOf } from './standing.ts';
import type { BoardWrite, RegisterSetting } from './switches.ts';

/** Switching of JK boards. */

const WRITE = 0x02;
const AUTHENTICATE = 0x05;
const TAG = { charge: 0xab, discharge: 0xac, balancing: 0x9d } as const;
/** These boards answer no write, and want a pause after it, ms. */
const PAUSE_MS = 150;

/** BD and B series: an empty authentication, then one tag; what came of it shows in the next answer. */
function tagWrites(which: keyof typeof TAG, on: boolean): readonly BoardWrite[] {
  return [
    { name: 'authentication', request: frame(AUTHENTICATE, 0x02, 0, 0), pauseMs: PAUSE_MS },
    {
      name: `switch ${which} ${on ? 'on' : 'off'}`,
      request: frame(WRITE, 0x03, TAG[which], on ? 1 : 0),
      pauseMs: PAUSE_MS,
    },
  ];
}

export const jkMosfets: MosfetControl = { state: 'everything', proof: 'state', read: mosfetsOf, write: tagWrites };

/** Documented by the vendor; on the boards it was tried on, it changed nothing, which the reading back would tell. */
export const jkBalancing: BalancingControl = {
  state: 'everything',
  proof: 'state',
  read: balancingOf,
  write: tagWrites,
};

function frame(command: number, source: number, tag: number, value: number): Uint8Array {
  const head = [0x4e, 0x57, 0x00, 0x14, 0, 0, 0, 0, command, source, 0x00, tag, value, 0, 0, 0, 0, 0x68];
  const sum = byteSum(Uint8Array.from(head));
  return Uint8Array.of(...head, 0, 0, sum >>> 8, sum & 0xff);
}

/**
 * The only registers of the PB series that become a write here. Their neighbours are protection thresholds, and those at 16xx
 * commands that overwrite all of them.
 */
const REGISTER = { charge: 0x1070, discharge: 0x1074, balancing: 0x1078 } as const;
type PbSwitch = keyof typeof REGISTER;
const WRITE_MANY = 0x10;

/** PB series between its own frames: a write of two registers, acknowledged as in Modbus. */
export function jkPbMosfets(address: number): MosfetControl {
  return { state: 'status', proof: 'state', read: mosfetsOf, write: (which, on) => [pbWrite(address, which, on)] };
}

/** The balancer's switch, which is among the settings. */
export function jkPbBalancing(address: number): BalancingControl {
  return { state: 'settings', proof: 'state', read: balancingOf, write: (which, on) => [pbWrite(address, which, on)] };
}

function pbWrite(address: number, which: PbSwitch, on: boolean): BoardWrite {
  const register = REGISTER[which];
  const body = Uint8Array.of(address, WRITE_MANY, register >>> 8, register & 0xff, 0, 2, 4, 0, 0, 0, on ? 1 : 0);
  return {
    name: `switch ${which} ${on ? 'on' : 'off'}`,
    request: withCrc16Modbus(body),
    accept(received) {
      const acceptance = acceptRtuWrite(received, body);
      if (acceptance.kind !== 'take') return acceptance;
      const { exception } = acceptance.value;
      if (exception === undefined) return { ...acceptance, value: received.subarray(0, acceptance.length) };
      const message = `the board answers exception ${exception}`;
      return { kind: 'refuse', code: 'modbus_exception', message, retryable: false };
    },
  };
}

function registerWrite(which: PbSwitch, on: boolean): RegisterSetting {
  const name = `switch ${which} ${on ? 'on' : 'off'}`;
  return { name, functionCode: WRITE_MANY, address: REGISTER[which], values: [0, on ? 1 : 0] };
}

/** PB series as plain Modbus. */
export const jkModbusMosfets: NonNullable<RegisterDriver['mosfets']> = {
  state: 'status, pack',
  proof: 'state',
  read: mosfetsOf,
  write: (which, on) => [registerWrite(which, on)],
};

/** Its balancer's switch. */
export const jkModbusBalancing: NonNullable<RegisterDriver['balancing']> = {
  state: 'settings',
  proof: 'state',
  read: balancingOf,
  write: (which, on) => [registerWrite(which, on)],
};

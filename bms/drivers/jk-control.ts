import { acceptLengthPrefixed, byteSum, crc16Modbus } from '#bridge';
import type { Fields, MosfetControl, Mosfets } from './driver.ts';

/** Switching of JK boards. */

function standing({ chargeMosfet, dischargeMosfet }: Fields): Mosfets | undefined {
  if (typeof chargeMosfet !== 'boolean' || typeof dischargeMosfet !== 'boolean') return undefined;
  return { charge: chargeMosfet, discharge: dischargeMosfet };
}

const WRITE = 0x02;
const AUTHENTICATE = 0x05;
const TAG = { charge: 0xab, discharge: 0xac } as const;
/** These boards answer no write, and want a pause after it, ms. */
const PAUSE_MS = 150;

/** BD and B series: an empty authentication, then one tag; what came of it shows in the next answer. */
export const jkMosfets: MosfetControl = {
  state: 'everything',
  proof: 'state',
  read: standing,
  write: (which, on) => [
    { name: 'authentication', request: frame(AUTHENTICATE, 0x02, 0, 0), pauseMs: PAUSE_MS },
    {
      name: `switch ${which} ${on ? 'on' : 'off'}`,
      request: frame(WRITE, 0x03, TAG[which], on ? 1 : 0),
      pauseMs: PAUSE_MS,
    },
  ],
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
const REGISTER = { charge: 0x1070, discharge: 0x1074 } as const;
const WRITE_MANY = 0x10;
const ACK = 8;

/** PB series: a write of two registers, acknowledged as in Modbus. */
export function jkPbMosfets(address: number): MosfetControl {
  return {
    state: 'status',
    proof: 'state',
    read: standing,
    write(which, on) {
      const register = REGISTER[which];
      const head = [address, WRITE_MANY, register >>> 8, register & 0xff, 0, 2];
      const shape = {
        headerLength: 3,
        startsWith: (first: number) => first === address,
        measure: (header: Uint8Array) => {
          if (header[1] === (WRITE_MANY | 0x80)) return 5;
          // The request itself goes on with a count of bytes: its eighth byte is no CRC, so the check sees to that.
          return header[1] === WRITE_MANY && header[2] === register >>> 8 ? ACK : undefined;
        },
        check: (reply: Uint8Array) => (crc16Modbus(reply) === 0 ? undefined : 'checksum'),
      };
      return [
        {
          name: `switch ${which} ${on ? 'on' : 'off'}`,
          request: withCrc(...head, 4, 0, 0, 0, on ? 1 : 0),
          accept(received) {
            const acceptance = acceptLengthPrefixed(received, shape);
            if (acceptance.kind !== 'take') return acceptance;
            const { value } = acceptance;
            if (value[1] === WRITE_MANY && value[3] === (register & 0xff)) return acceptance;
            return {
              kind: 'refuse',
              code: 'modbus_exception',
              message: `the board answers exception ${value[2]}`,
              retryable: false,
            };
          },
        },
      ];
    },
  };
}

function withCrc(...bytes: number[]): Uint8Array {
  const crc = crc16Modbus(Uint8Array.from(bytes));
  return Uint8Array.of(...bytes, crc & 0xff, crc >>> 8);
}

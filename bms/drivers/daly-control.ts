import { type Acceptance, acceptLengthPrefixed, crc16Modbus, withCrc16Modbus } from '#bridge';
import { acceptFrame, request } from './daly-frame.ts';
import { decoded, refused } from './decoded.ts';
import type { MosfetControl, RegisterDriver } from './driver.ts';
import { balancingOf, mosfetsOf } from './standing.ts';
import type { RegisterSetting } from './switches.ts';

/** Switching of Daly boards; every switch has a command or a register of its own. */

const A5_COMMAND = { charge: 0xda, discharge: 0xd9 } as const;

/** Classic boards. The flags of their state do not follow on some firmware, so the answer to the write counts. */
export function dalyMosfets(board: number): MosfetControl {
  return {
    state: 'state',
    proof: 'acknowledgement',
    read: mosfetsOf,
    write(which, on) {
      const command = A5_COMMAND[which];
      const accept = acceptFrame(board, command);
      return [
        {
          name: `switch ${which} ${on ? 'on' : 'off'}`,
          request: request(board, command, [on ? 1 : 0]),
          accept(received): Acceptance<Uint8Array> {
            const acceptance = accept(received);
            if (acceptance.kind !== 'take' || acceptance.value[4] === (on ? 1 : 0)) return acceptance;
            const message = `the board answers that ${which} is ${on ? 'off' : 'on'}`;
            return { kind: 'refuse', code: 'not_switched', message, retryable: false };
          },
        },
      ];
    },
  };
}

const P81_REGISTER = { charge: 0x121, discharge: 0x122 } as const;
const WRITE_ONE = 0x06;
const REPLY = 8;

/** Boards of the 81/51 frames: one register for each switch, answered with its echo from the other address. */
export function dalyP81Mosfets(board: number): MosfetControl {
  return {
    state: 'state and faults',
    proof: 'state',
    read: mosfetsOf,
    write(which, on) {
      const register = P81_REGISTER[which];
      const body = [WRITE_ONE, register >>> 8, register & 0xff, 0, on ? 1 : 0];
      const answer = withCrc16Modbus(Uint8Array.of(0x50 + board, ...body));
      const shape = {
        headerLength: 2,
        startsWith: (first: number) => first === answer[0],
        measure: (header: Uint8Array) => {
          if (header[1] === WRITE_ONE) return REPLY;
          return header[1] === (WRITE_ONE | 0x80) ? 5 : undefined;
        },
        check: (frame: Uint8Array) => (crc16Modbus(frame) === 0 ? undefined : 'checksum'),
      };
      return [
        {
          name: `switch ${which} ${on ? 'on' : 'off'}`,
          request: withCrc16Modbus(Uint8Array.of(0x80 + board, ...body)),
          accept(received): Acceptance<Uint8Array> {
            const acceptance = acceptLengthPrefixed(received, shape);
            if (acceptance.kind !== 'take' || same(acceptance.value, answer)) return acceptance;
            const message = `the board does not repeat the write (${acceptance.value.join(' ')})`;
            return { kind: 'refuse', code: 'not_switched', message, retryable: false };
          },
        },
      ];
    },
  };
}

const D2_REGISTER = { charge: 0xa5, discharge: 0xa6, balancing: 0xcf } as const;

function d2Setting(which: keyof typeof D2_REGISTER, on: boolean): RegisterSetting {
  const name = `switch ${which} ${on ? 'on' : 'off'}`;
  return { name, functionCode: 6, address: D2_REGISTER[which], values: [on ? 1 : 0] };
}

/** Boards at unit 0xD2: one register for each switch. */
export const dalyD2Mosfets: NonNullable<RegisterDriver['mosfets']> = {
  state: 'status',
  proof: 'state',
  read: mosfetsOf,
  write: (which, on) => [d2Setting(which, on)],
};

/** Their balancer has one too, far behind the settings that are read at once. */
export const dalyD2Balancing: NonNullable<RegisterDriver['balancing']> = {
  state: {
    name: 'balancer switch',
    cadence: 'once',
    read: { table: 'holding', address: D2_REGISTER.balancing, count: 1 },
    decode(words) {
      const [word] = words;
      if (word === 0 || word === 1) return decoded({ balanceSwitch: word === 1 });
      return refused('range', `the balancer switch reads ${word}, neither on nor off`);
    },
  },
  proof: 'state',
  read: balancingOf,
  write: (which, on) => [d2Setting(which, on)],
};

function same(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

import type { World, WorldPort } from '../../model.ts';
import type { BoardFace } from '../boards/face.ts';
import { be16, sumOf } from '../boards/face.ts';
import { figuresOf } from './port-figures.ts';

/**
 * What the PSE microcontrollers of both dialects share: frames of twelve bytes with a sum at the end, ports from 0, states
 * in the low half of a byte. Written from poe-serial.md and the captures there.
 */

const FRAME = 12;
const UNUSED = 0xff;
const BAUD = 19_200;
/** Of the budget, what the daemon keeps free when nobody says otherwise. */
const GUARD_SHARE = 0.1;
/** Dynamic, by priority. */
export const MANAGEMENT_MODE = 2;
/** Limit 15.4 W by class, in steps of 0.2 W. */
export const CLASS_LIMIT = [1, 77] as const;

/** The data of an answer; `unknown` for a command this dialect has not. */
export type Answer = readonly number[] | 'unknown';

/** A face out of a dialect's commands. @param refusal first byte of the answer to an unknown command; its own when absent */
export function pseMcu(
  answer: (command: number, data: readonly number[], sequence: number) => Answer,
  refusal?: number,
): BoardFace {
  return {
    baud: BAUD,
    take(pending) {
      if (pending.length < FRAME) return { rest: pending };
      const request = [...pending.subarray(0, FRAME)];
      const [command = 0, sequence = 0] = request;
      // A request that lost a byte shifts all behind it: look for the next one that fits, and say that this one did not.
      if ((sumOf(request.slice(0, FRAME - 1)) & 0xff) !== request[FRAME - 1])
        return { rest: pending.subarray(1), ...(sumFits(pending) ? {} : { reply: frame([0xfe, UNUSED]) }) };
      const data = answer(command, request.slice(2, FRAME - 1), sequence);
      const rest = pending.subarray(FRAME);
      if (data === 'unknown') return { rest, reply: frame([refusal ?? command, sequence]) };
      return { rest, reply: frame([command, sequence, ...data]) };
    },
  };
}

/** Whether a whole request begins somewhere behind the first byte. */
function sumFits(pending: Uint8Array): boolean {
  for (let at = 1; at + FRAME <= pending.length; at += 1) {
    const bytes = pending.subarray(at, at + FRAME);
    if ((sumOf(bytes.subarray(0, FRAME - 1)) & 0xff) === bytes[FRAME - 1]) return true;
  }
  return false;
}

function frame(bytes: readonly number[]): Uint8Array {
  const whole = new Uint8Array(FRAME).fill(UNUSED);
  whole.set(bytes.slice(0, FRAME - 1));
  whole[FRAME - 1] = sumOf(whole.subarray(0, FRAME - 1)) & 0xff;
  return whole;
}

/** 0 disabled, 1 searching, 2 delivering, 4 fault, 6 found a load and has no power for it. */
export function stateCode(port: WorldPort): number {
  if (port.state === 'searching' && port.deniedCount > 0) return 6;
  return { disabled: 0, searching: 1, delivering: 2, fault: 4 }[port.state];
}

/** 0 low, 2 high, 3 critical. */
export const priorityCode = ({ priority }: WorldPort): number => ({ 1: 3, 2: 2, 3: 0 })[priority];

/** The port with a number of the controller's. */
export const portAt = ({ switch: { ports } }: World, number: number | undefined): WorldPort | undefined =>
  ports.find(({ index }) => index - 1 === number);

/** Voltage in steps of 64.45 mV, mA, temperature as 220 - n of 1.25 °C, power in 0.1 W. */
export function measured(port: WorldPort): readonly number[] {
  const { voltageV, currentA, powerW } = figuresOf(port) ?? { voltageV: 0, currentA: 0, powerW: 0 };
  return [
    port.index - 1,
    ...be16(voltageV / 0.06445),
    ...be16(currentA * 1000),
    ...be16(220 - 40 / 1.25),
    ...be16(powerW * 10),
  ];
}

/** Up to four pairs of port and 0 or 1; what is not a port is passed over. Answers the pairs with 0 where it was done. */
export function switched(world: World, data: readonly number[]): readonly number[] {
  const answer: number[] = [];
  for (let at = 0; at + 1 < data.length && answer.length < 8; at += 2) {
    const [number = UNUSED, value = UNUSED] = data.slice(at, at + 2);
    const port = portAt(world, number);
    const isLegal = port !== undefined && (value === 0 || value === 1);
    if (isLegal) world.switch.setEnabled(port.port, value === 1);
    answer.push(number, number === UNUSED ? UNUSED : isLegal ? 0 : 1);
  }
  return answer;
}

/** In 0.1 W, as two bytes. */
export const tenthsW = (watts: number): [number, number] => be16(watts * 10);

export const guardW = ({ switch: { budgetW } }: World): number => Math.round(budgetW * GUARD_SHARE);

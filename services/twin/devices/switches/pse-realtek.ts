import type { World } from '../../model.ts';
import type { BoardFace } from '../boards/face.ts';
import { be16 } from '../boards/face.ts';
import {
  type Answer,
  CLASS_LIMIT,
  guardW,
  MANAGEMENT_MODE,
  measured,
  portAt,
  priorityCode,
  pseMcu,
  stateCode,
  switched,
  tenthsW,
} from './pse-mcu.ts';

const RTL8238B = 0x0138;
const NOT_IMPLEMENTED = 0x61;
const GROUP = 4;
/** What class 0 is told as. */
const CLASS_0 = 0xc;
const PROMISED_W: readonly number[] = [15.4, 4, 7, 15.4, 30, 45, 60, 75, 90];
/** The only supply that is fitted. */
const SUPPLY = 1;

/** The microcontroller of a switch with Realtek PSE chips: the same frames, other numbers. */
export const pseRealtek = (world: World): BoardFace =>
  pseMcu((command, data, sequence) => answer(world, command, data, sequence), NOT_IMPLEMENTED);

function answer(world: World, command: number, data: readonly number[], sequence: number): Answer {
  const { ports, budgetW, drawnW } = world.switch;
  const usableW = budgetW - guardW(world);
  switch (command) {
    case 0x01:
      return switched(world, data);
    case 0x40:
      return [0, ports.length, 1, ...be16(RTL8238B), 18, 17, 0, 16];
    case 0x41: {
      const promisedW = ports
        .filter(({ state }) => state === 'delivering')
        .reduce((watts, { poeClass }) => watts + (PROMISED_W[poeClass] ?? 15.4), 0);
      return [...tenthsW(promisedW), ...tenthsW(Math.max(0, usableW - drawnW)), SUPPLY, ...tenthsW(drawnW)];
    }
    // the number of the supply stands where the sequence is
    case 0x4b: {
      const fitted = sequence === SUPPLY;
      return [MANAGEMENT_MODE, ...tenthsW(fitted ? budgetW : 0), ...tenthsW(fitted ? guardW(world) : 0)];
    }
    case 0x43:
      return groupOf(world, data[0] ?? 0);
    default:
      return ofPort(world, command, data);
  }
}

/** The group, then state and class of its four ports. */
function groupOf(world: World, group: number): Answer {
  const told = Array.from({ length: GROUP }, (_, at) => {
    const port = portAt(world, GROUP * group + at);
    return port === undefined ? [0, 0] : [0x40 | stateCode(port), classCode(port.poeClass)];
  });
  return [group, ...told.flat()];
}

const classCode = (poeClass: number): number => (poeClass === 0 ? CLASS_0 : poeClass);

function ofPort(world: World, command: number, [number]: readonly number[]): Answer {
  const port = portAt(world, number);
  if (port === undefined) return 'unknown';
  const own = port.index - 1;
  if (command === 0x42) return [own, stateCode(port), (classCode(port.poeClass) << 4) | 4, classCode(port.poeClass)];
  if (command === 0x49) return [own, 3, ...CLASS_LIMIT, priorityCode(port), 0x20, own];
  return command === 0x44 ? measured(port) : 'unknown';
}

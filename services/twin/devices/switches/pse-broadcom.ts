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

const BCM59121 = 0xe121;

/** The microcontroller of a switch with Broadcom PSE chips, as in a GS1900. */
export const pseBroadcom = (world: World): BoardFace => pseMcu((command, data) => answer(world, command, data));

function answer(world: World, command: number, data: readonly number[]): Answer {
  const { ports, budgetW, drawnW } = world.switch;
  const guard = guardW(world);
  switch (command) {
    case 0x00:
      return switched(world, data);
    // mode auto over UART, ports, no map, chip, version 65.1, a Nuvoton, saved
    case 0x20:
      return [3, ports.length, 0, ...be16(BCM59121), 65, 4, 0, 1];
    case 0x23:
      return [...tenthsW(drawnW), ...tenthsW(budgetW - guard), 0, MANAGEMENT_MODE];
    case 0x27:
      return [MANAGEMENT_MODE, ...tenthsW(budgetW), ...tenthsW(guard), ...tenthsW(budgetW), ...tenthsW(guard)];
    case 0x28:
      return [0, 2, 4, 6].flatMap((at) => {
        const port = portAt(world, data[at]);
        // only the low half is the state
        return port === undefined ? [0xff, 0xff] : [port.index - 1, 0x10 | stateCode(port)];
      });
    default:
      return ofPort(world, command, data);
  }
}

function ofPort(world: World, command: number, [number]: readonly number[]): Answer {
  const port = portAt(world, number);
  if (port === undefined) return 'unknown';
  if (command === 0x21) return [port.index - 1, stateCode(port), 0, port.poeClass, 1, 0];
  if (command === 0x26) return [port.index - 1, 3, ...CLASS_LIMIT, priorityCode(port), port.index - 1];
  return command === 0x30 ? measured(port) : 'unknown';
}

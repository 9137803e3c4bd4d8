import { readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

/** Names that stay the same however adapters are plugged in; Linux keeps them here. */
const BY_ID = 'serial/by-id';
/** USB adapters, CDC devices, on-board UARTs of single-board computers, macOS. Plain `ttyS` are mostly not there. */
const DEVICE = /^(ttyUSB|ttyACM|ttyAMA|ttySC|ttyXRUSB|ttymxc|cu\.(usb|wchusb|SLAB))/;

/**
 * Serial ports of this machine, by their lasting names where they have one, sorted. What cannot be read counts as empty.
 * @param folder where device files are, for tests
 */
export function serialPorts(folder = '/dev'): readonly string[] {
  const lasting = names(join(folder, BY_ID)).map((name) => join(folder, BY_ID, name));
  const named = new Set(lasting.map(real));
  const others = names(folder)
    .filter((name) => DEVICE.test(name))
    .map((name) => join(folder, name))
    .filter((path) => !named.has(real(path)));
  return [...lasting, ...others].sort();
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** A link that leads nowhere counts as itself. */
function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

import { readFileSync } from 'node:fs';
import { canSwitch } from '../../bms/control/pack-control.ts';
import type { Driver } from '../../bms/drivers/driver.ts';
import { aliasesOf, driverFor, driverIds } from '../../bms/drivers/registry.ts';
import { ASKED_BY_NAME } from '../../bms/probe/index.ts';
import { BOARDS } from '../../services/twin/devices/boards/index.ts';
import { DEVICE_NOTES, type DeviceNote } from './device-notes.ts';
import { mappingTable } from './mapping-table.ts';

const PAGE = 'docs/devices.md';
const HEAD = ['driver', 'device', 'line', 'reads', 'switches', 'options', 'emulated', 'proven by'];

/** Faces of the twin that are older than the boards, by driver. */
const OTHER_FACES: Readonly<Record<string, string>> = {
  jbd: '`emulate jbd`',
  sdm230: '`emulate sdm230`',
  'jk-modbus': '`emulate jk-pb`',
};

/**
 * The page of devices: prose as it stands in the file, tables between its marks from the registry and the notes.
 * @throws Error when a driver has no note, or two, or a mark is missing
 */
export function devicesPage(): string {
  const noted = DEVICE_NOTES.flatMap(({ ids }) => ids);
  const missing = driverIds().filter((id) => noted.filter((other) => other === id).length !== 1);
  if (missing.length > 0) throw new Error(`scripts/generate/device-notes.ts needs one note for ${missing.join(', ')}`);
  const ups = ({ ids: [id = ''] }: DeviceNote): boolean => driverFor(id).measures === 'ups';
  const page = between(
    readFileSync(PAGE, 'utf8'),
    'packs and meters',
    table(DEVICE_NOTES.filter((note) => !ups(note))),
  );
  return between(between(page, 'inverters', table(DEVICE_NOTES.filter(ups))), 'inputs', mappingTable());
}

function between(page: string, name: string, text: string): string {
  const [open, close] = [`<!-- generated: ${name} -->`, `<!-- end of ${name} -->`];
  const [from, to] = [page.indexOf(open), page.indexOf(close)];
  if (from < 0 || to < from) throw new Error(`${PAGE} lacks the marks ${open} and ${close}`);
  return `${page.slice(0, from + open.length)}\n${text}\n${page.slice(to)}`;
}

function table(notes: readonly DeviceNote[]): string {
  return [row(HEAD), row(HEAD.map(() => '---')), ...notes.map(noteRow)].join('\n');
}

function noteRow({ ids, device, line, reads, proven }: DeviceNote): string {
  const [id = ''] = ids;
  const driver = driverFor(id);
  const aliases = ids.flatMap(aliasesOf);
  const also = aliases.length === 0 ? '' : ` (also ${aliases.map(code).join(', ')})`;
  return row([
    // The chips of a pack without a BMS are told of in its row.
    `${(driver.id === 'i2c-sensors' ? ['i2c-sensors'] : ids).map(code).join(', ')}${also}`,
    device,
    [lineOf(driver), ...(line === undefined ? [] : [line])].join('; '),
    reads,
    switchesOf(driver),
    optionsOf(driver).map(code).join(' ') || '–',
    id in BOARDS ? code(`emulate ${id}`) : (OTHER_FACES[id] ?? (driver.shape === 'i2c' ? '–' : code('emulate replay'))),
    proven,
  ]);
}

function switchesOf(driver: Driver): string {
  const mosfets = canSwitch(driver, 'mosfets') ? ['charging', 'discharging'] : [];
  return [...mosfets, ...(canSwitch(driver, 'balancing') ? ['balancing'] : [])].join(', ') || '–';
}

/** How it is reached, and how its line is set from the factory. */
function lineOf(driver: Driver): string {
  if (!('line' in driver)) return 'I2C';
  const { baud, dataBits = 8, parity = 'none', stopBits = 1 } = driver.line;
  const setting = `${baud} baud ${dataBits}${parity.charAt(0).toUpperCase()}${stopBits}`;
  if (driver.shape !== 'registers') return `serial or TCP, ${setting}`;
  const unit = `unit ${driver.defaultUnit}`;
  return driver.id.startsWith('victron-gx') ? `Modbus TCP, ${unit}` : `Modbus RTU or TCP, ${setting}, ${unit}`;
}

function optionsOf(driver: Driver): string[] {
  const address = driver.shape === 'exchange' && driver.boards !== undefined ? [`address: ${driver.boards.usual}`] : [];
  return [
    ...address,
    ...(driver.shape === 'stream' ? ['hex'] : []),
    ...(driver.shape === 'registers' && Object.keys(driver.units ?? {}).length > 0 ? ['units'] : []),
    ...(driver.id in ASKED_BY_NAME ? [`probe --driver ${driver.id}`] : []),
  ];
}

const code = (text: string): string => `\`${text}\``;
const row = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;

import { z } from 'zod';
import { canSwitch, type Driver, driverAt, driverFor } from '#bms';
import type { Problem } from './inspect.ts';
import type { Config } from './schema.ts';

/** What a pack's entry says about its board besides the way to it, and what only its driver can tell about that. */

export const boardOptions = {
  address: z.int().min(0).max(255).optional().meta({
    description:
      'number of the board on its line, where several share one (Daly, JK PB, Pylontech, Seplos, Pace, JBD UP)',
  }),
  invertCurrent: z
    .boolean()
    .optional()
    .meta({ description: 'the board counts its current the other way round; with us, positive charges the pack' }),
  hex: z.boolean().optional().meta({
    description: 've-direct: ask now and then for registers that the text lacks; older devices pause their text for it',
  }),
  checksum: z
    .literal('ignore')
    .optional()
    .meta({
      description:
        've-direct: take blocks although their checksum is wrong, for chargers that always send wrong ones (some Phoenix ' +
        'IP43); damage on the line then passes for values',
    }),
  readSettings: z
    .boolean()
    .optional()
    .meta({
      description:
        'jbd with firmware that does not tell its limits otherwise: enter factory mode once after each connect to read them, ' +
        'and leave it without saving',
    }),
  control: z
    .strictObject({ mosfets: z.boolean().default(false), balancing: z.boolean().default(false) })
    .optional()
    .meta({
      description:
        'what may be switched in the board: mosfets: true lets charging and discharging be switched off and on, ' +
        'balancing: true the balancing',
    }),
};

/** Named units of a profile whose registers lie in several (a Victron GX), where they are not the usual ones. */
export const unitsOption = z.record(z.string().regex(/^[a-z][a-zA-Z0-9]{0,40}$/), z.int().min(0).max(255)).optional();

type Pack = Config['packs'][number];

/** Options that the driver does not know, and boards that answer for each other. */
export function boardProblems(config: Config, own: readonly Driver[]): Problem[] {
  const problems: Problem[] = [];
  const taken = new Map<string, string>();
  config.packs.forEach((pack, index) => {
    const driver = lookUp(pack.driver, own);
    if (driver === undefined) return;
    const error = (key: string, message: string, tryThis?: string): void => {
      const path = `packs[${index}].${key}`;
      problems.push({ severity: 'error', path, message, ...(tryThis === undefined ? {} : { tryThis }) });
    };
    const wrong = addressFault(driver, pack.address);
    if (wrong !== undefined) error('address', wrong.message, wrong.tryThis);
    if (pack.checksum === 'ignore' && driver.shape === 'stream') {
      const message = 'the checksums of this device are not looked at: damage on its line passes for values';
      const tryThis = 'leave it out unless the device sends wrong checksums all the time';
      problems.push({ severity: 'warning', path: `packs[${index}].checksum`, message, tryThis });
    }
    for (const { key, message } of unknownOptions(pack, driver)) error(key, message, 'leave it out');
    const place = placeOf(pack, driver);
    const other = place === undefined ? undefined : taken.get(place);
    if (place !== undefined && other !== undefined && wrong === undefined)
      error('via', `${other} is read here already`, several(driver));
    if (place !== undefined) taken.set(place, pack.id);
  });
  return problems;
}

/** Options that this driver cannot use. */
function unknownOptions(pack: Pack, driver: Driver): { key: string; message: string }[] {
  const wrong: { key: string; message: string }[] = [];
  const { id } = driver;
  if (pack.hex === true && driver.shape !== 'stream')
    wrong.push({ key: 'hex', message: `driver ${id} has no HEX registers; only ve-direct has them` });
  if (pack.checksum === 'ignore' && driver.shape !== 'stream')
    wrong.push({ key: 'checksum', message: `driver ${id} is never read without its checksum; only ve-direct can be` });
  if (pack.readSettings === true && (driver.shape !== 'exchange' || driver.settings === undefined))
    wrong.push({ key: 'readSettings', message: `driver ${id} needs no mode to read settings; only jbd does` });
  for (const what of ['mosfets', 'balancing'] as const) {
    if (pack.control?.[what] !== true || canSwitch(driver, what)) continue;
    const board = what === 'mosfets' ? 'its board' : 'the balancing of its board';
    wrong.push({ key: `control.${what}`, message: `driver ${id} cannot switch ${board}` });
  }
  return wrong;
}

function lookUp(id: string, own: readonly Driver[]): Driver | undefined {
  try {
    return driverFor(id, own);
  } catch {
    return undefined;
  }
}

function addressFault(driver: Driver, address: number | undefined): { message: string; tryThis: string } | undefined {
  if (address === undefined) return undefined;
  try {
    driverAt(driver, address);
    return undefined;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (driver.shape === 'registers') return { message, tryThis: `via: { …, unit: ${address} }` };
    const boards = driver.shape === 'exchange' ? driver.boards : undefined;
    if (boards === undefined) return { message, tryThis: 'a line of its own for each board' };
    return { message, tryThis: `the number that is set with ${boards.set}` };
  }
}

/** Line, driver and number: two packs with the same would be the same board. */
function placeOf({ via, address }: Pack, driver: Driver): string | undefined {
  if (driver.shape === 'exchange') {
    const line = 'serial' in via ? via.serial : 'tcp' in via ? via.tcp : undefined;
    return line === undefined ? undefined : `${driver.id} ${line} ${address ?? driver.boards?.usual ?? 0}`;
  }
  if (driver.shape !== 'registers') return undefined;
  const line = 'modbusRtu' in via ? via.modbusRtu : 'modbusTcp' in via ? via.modbusTcp : undefined;
  if (line === undefined || !('unit' in via || 'modbusRtu' in via || 'modbusTcp' in via)) return undefined;
  const unit = ('unit' in via ? via.unit : undefined) ?? driver.defaultUnit;
  return `${driver.id} ${line} ${unit}`;
}

function several(driver: Driver): string {
  if (driver.shape === 'registers') return 'another unit';
  return driver.shape === 'exchange' && driver.boards !== undefined
    ? `another address (set with ${driver.boards.set})`
    : 'a line of its own';
}

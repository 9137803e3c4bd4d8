import type { BankUps } from './bank-ups.ts';
import { COMMAND_NAMES, describeCommand, describeVariable } from './descriptions.ts';
import type { NutUser } from './users.ts';

/** The answers to GET and LIST. Names are repeated as the client wrote them; a list is one text, or one error. */

/** Longer names would make longer lines than clients can take. */
const NAME = /^[\w.-]{1,80}$/;

/** One line without its end. `GET TRACKING` is the session's own. */
export function get(ups: BankUps, args: readonly string[], user: NutUser | undefined, version: string): string {
  const [what = '', name, variable] = args;
  const kind = what.toUpperCase();
  if (name === undefined || !(ONE_NAME.has(kind) || TWO_NAMES.has(kind))) return 'ERR INVALID-ARGUMENT';
  if (TWO_NAMES.has(kind) && variable === undefined) return 'ERR INVALID-ARGUMENT';
  if (!ups.isCalled(name)) return 'ERR UNKNOWN-UPS';
  if (kind === 'UPSDESC') return `UPSDESC ${name} "${ups.description}"`;
  if (kind === 'NUMLOGINS') return troubleOf(ups) ?? `NUMLOGINS ${name} ${ups.logins().length}`;
  if (variable === undefined || !NAME.test(variable)) return 'ERR VAR-NOT-SUPPORTED';
  const wanted = variable.toLowerCase();
  const always = kind === 'VAR' ? evenWhenStale(ups, wanted, user, version) : undefined;
  if (always !== undefined) return `VAR ${name} ${variable} "${always}"`;
  return troubleOf(ups) ?? ofVariable(ups, kind, name, variable, user);
}

/** What does not come from the bank. An order to go down is no measurement: it is told when the figures are too old. */
function evenWhenStale(ups: BankUps, wanted: string, user: NutUser | undefined, version: string): string | undefined {
  if (wanted === 'server.info') return `holdover ${version}`;
  if (wanted === 'server.version') return version;
  return wanted === 'ups.status' && ups.health() === 'stale' && ups.isForced(user) ? 'FSD OB LB' : undefined;
}

function ofVariable(ups: BankUps, kind: string, name: string, variable: string, user: NutUser | undefined): string {
  const wanted = variable.toLowerCase();
  if (kind === 'DESC') return `DESC ${name} ${variable} "${describeVariable(wanted)}"`;
  if (kind === 'CMDDESC') return `CMDDESC ${name} ${variable} "${describeCommand(wanted)}"`;
  const value = ups.variable(wanted, user);
  if (value === undefined) return 'ERR VAR-NOT-SUPPORTED';
  return kind === 'TYPE'
    ? `TYPE ${name} ${variable} ${typeOf(ups, wanted, value)}`
    : `VAR ${name} ${variable} "${value}"`;
}

const ONE_NAME: ReadonlySet<string> = new Set(['UPSDESC', 'NUMLOGINS']);
const TWO_NAMES: ReadonlySet<string> = new Set(['VAR', 'TYPE', 'DESC', 'CMDDESC']);

/** A whole block with its line ends, or one line with an error. */
export function list(ups: BankUps, args: readonly string[], user: NutUser | undefined): string {
  const [what = '', name, variable] = args;
  const kind = what.toUpperCase();
  if (kind === 'UPS') return block('UPS', `UPS ${ups.name} "${ups.description}"\n`);
  const needed = OF_VARIABLE.has(kind) ? 3 : OF_UPS.has(kind) ? 2 : Number.POSITIVE_INFINITY;
  if (args.length < needed || name === undefined) return 'ERR INVALID-ARGUMENT\n';
  if (!ups.isCalled(name)) return 'ERR UNKNOWN-UPS\n';
  if (kind === 'CLIENT')
    return block(`CLIENT ${name}`, lines(ups.logins().map(({ address }) => `CLIENT ${name} ${address}`)));
  const trouble = troubleOf(ups);
  if (trouble !== undefined) return `${trouble}\n`;
  if (kind === 'VAR') return block(`VAR ${name}`, ups.block(name, user));
  if (kind === 'CMD') return block(`CMD ${name}`, lines(COMMAND_NAMES.map((command) => `CMD ${name} ${command}`)));
  if (kind === 'RW') {
    const own = ups.settings.entries().toSorted(([a], [b]) => (a < b ? -1 : 1));
    return block(`RW ${name}`, lines(own.map(([each, value]) => `RW ${name} ${each} "${value}"`)));
  }
  const wanted = variable?.toLowerCase() ?? '';
  if (variable === undefined || !NAME.test(variable) || ups.variable(wanted, user) === undefined)
    return 'ERR VAR-NOT-SUPPORTED\n';
  const kindOf = ups.settings.kindOf(wanted);
  const range =
    kind === 'RANGE' && kindOf?.kind === 'number' ? `RANGE ${name} ${variable} "${kindOf.min}" "${kindOf.max}"\n` : '';
  return block(`${kind} ${name} ${variable}`, range);
}

const OF_UPS: ReadonlySet<string> = new Set(['VAR', 'RW', 'CMD', 'CLIENT']);
const OF_VARIABLE: ReadonlySet<string> = new Set(['ENUM', 'RANGE']);

const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join('');
const block = (what: string, inner: string): string => `BEGIN LIST ${what}\n${inner}END LIST ${what}\n`;

function troubleOf(ups: BankUps): string | undefined {
  const health = ups.health();
  if (health === 'fresh') return undefined;
  return health === 'stale' ? 'ERR DATA-STALE' : 'ERR DRIVER-NOT-CONNECTED';
}

function typeOf(ups: BankUps, name: string, value: string): string {
  const kind = ups.settings.kindOf(name);
  if (kind !== undefined) return kind.kind === 'number' ? 'RW RANGE NUMBER' : `RW STRING:${kind.max}`;
  return /^-?\d+(\.\d+)?$/.test(value) ? 'NUMBER' : 'STRING:200';
}

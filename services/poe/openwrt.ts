import type { OpenwrtConfig } from '../config/switches.ts';
import type { PortPriority, PortSample, PortState } from '../rack/samples.ts';
import { WebError } from '../runtime/web-error.ts';
import { jsonOf, objectOf, WebLink } from '../runtime/web-link.ts';
import { amps, decimal, known, plausible, volts, watts } from './figures.ts';
import { type ControlReading, oneByOne, type PortControl } from './port-control.ts';

/**
 * OpenWrt with the realtek-poe daemon, over rpcd's JSON-RPC (`/ubus`). Ports by the names of their interfaces (`lan1`).
 * What is written lasts until the daemon starts again: then its own configuration counts.
 */

const STATES: Readonly<Record<string, PortState>> = {
  Disabled: 'disabled',
  Searching: 'searching',
  'Delivering power': 'delivering',
  'Requesting power': 'searching',
  Fault: 'fault',
  'Other fault': 'fault',
};

/** What `poe info` says. Pure; when no port has a state the daemon has lost its controller and no figure is valid. */
export function decodeOpenwrtInfo(info: unknown): ControlReading {
  const { budget, consumption, ports, mcu_comm: comm } = objectOf(info);
  const rows = Object.entries(objectOf(ports)).map(([port, row]) => [port, objectOf(row)] as const);
  const lost =
    objectOf(comm).stale === true || (rows.length > 0 && rows.every(([, { status }]) => stateOf(status) === 'unknown'));
  if (lost) return { ports: rows.map(([port]) => ({ port, state: 'unknown' })) };
  return {
    ports: rows.map(([port, row]) => decodePort(port, row)),
    ...known({
      budgetW: plausible('budgetW', decimal(budget)) || undefined,
      drawnW: plausible('budgetW', decimal(consumption)),
    }),
  };
}

const stateOf = (status: unknown): PortState =>
  typeof status === 'string' && Object.hasOwn(STATES, status) ? (STATES[status] ?? 'unknown') : 'unknown';

function decodePort(port: string, row: Readonly<Record<string, unknown>>): PortSample {
  const state = stateOf(row.status);
  return {
    port,
    state,
    ...(state === 'unknown' ? {} : { enabled: state !== 'disabled' }),
    ...priorityOf(row.priority),
    ...known({
      // The daemon leaves out a consumption of 0.
      powerW:
        row.consumption === undefined && state !== 'unknown' && state !== 'delivering' ? 0 : watts(row.consumption),
      voltageV: volts(row.voltage),
      currentA: amps(row.current),
    }),
  };
}

const PRIORITIES: readonly (PortPriority | undefined)[] = ['low', undefined, 'high', 'critical'];

/** 0 low to 3 critical; "normal" has no word of ours, only its place. */
function priorityOf(value: unknown): Pick<PortSample, 'priority' | 'priorityRank'> {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value >= PRIORITIES.length) return {};
  return { priorityRank: PRIORITIES.length - 1 - value, ...known({ priority: PRIORITIES[value] }) };
}

const NO_SESSION = '00000000000000000000000000000000';

/** Codes of ubus. */
const CODES = {
  2: 'invalid argument',
  3: 'method not found',
  4: 'object not found',
  5: 'no data',
  6: 'permission denied',
  7: 'timeout',
} as const;
const METHOD_NOT_FOUND = 3;
const OBJECT_NOT_FOUND = 4;
const PERMISSION_DENIED = 6;

/** The control of one OpenWrt device. */
export function openwrtControl(config: OpenwrtConfig, secrets: { password: string; ca?: string }): PortControl {
  const link = new WebLink('openwrt', config, secrets.ca);
  let session: string | undefined;
  let id = 0;

  /** One call: the code of ubus and its data. */
  const rpc = async (token: string, object: string, method: string, args: object, signal?: AbortSignal) => {
    const what = `${object} ${method}`;
    id += 1;
    const body = JSON.stringify({ jsonrpc: '2.0', id, method: 'call', params: [token, object, method, args] });
    const headers = { 'content-type': 'application/json' };
    const answer = await link.request({ method: 'POST', path: '/ubus', headers, body }, signal);
    if (answer.status === 403) return { code: PERMISSION_DENIED, data: undefined };
    if (answer.status === 404)
      throw new WebError('rejected', link.name, 'it has no /ubus: install uhttpd-mod-ubus and rpcd');
    if (answer.status >= 500) throw new WebError('restarting', link.name, `${what} was answered with ${answer.status}`);
    if (answer.status !== 200) throw new WebError('rejected', link.name, `${what} was answered with ${answer.status}`);
    const { result, error } = objectOf(jsonOf(answer, link.name, what));
    // rpcd refuses a call of an unknown or expired session with -32002.
    if (objectOf(error).code === -32002) return { code: PERMISSION_DENIED, data: undefined };
    if (!Array.isArray(result) || typeof result[0] !== 'number')
      throw new WebError('bad_answer', link.name, `the answer to ${what} has no result`);
    return { code: result[0], data: result[1] as unknown };
  };

  const login = async (signal?: AbortSignal): Promise<string> => {
    const { code, data } = await rpc(
      NO_SESSION,
      'session',
      'login',
      { username: config.user, password: secrets.password },
      signal,
    );
    const token = objectOf(data).ubus_rpc_session;
    if (code === PERMISSION_DENIED) throw new WebError('credentials', link.name, 'the login was turned down');
    if (code !== 0 || typeof token !== 'string' || !/^[0-9a-f]{32}$/i.test(token))
      throw new WebError('bad_answer', link.name, 'the login was answered without a session');
    return token;
  };

  const call = async (method: string, args: object, signal?: AbortSignal): Promise<unknown> => {
    const fresh = session === undefined;
    session ??= await login(signal);
    let { code, data } = await rpc(session, 'poe', method, args, signal);
    if (code === PERMISSION_DENIED && !fresh) {
      session = undefined;
      session = await login(signal);
      ({ code, data } = await rpc(session, 'poe', method, args, signal));
    }
    if (code === 0) return data;
    if (code === PERMISSION_DENIED) {
      session = undefined;
      throw new WebError(
        'forbidden',
        link.name,
        `poe ${method} is not allowed to ${config.user}: check /usr/share/rpcd/acl.d`,
      );
    }
    if (code === OBJECT_NOT_FOUND) throw new WebError('rejected', link.name, 'realtek-poe does not run on it');
    const word = CODES[code as keyof typeof CODES] ?? 'unknown code';
    // Some versions say so although they have done it: only the state tells.
    const reason = method === 'manage' && code === METHOD_NOT_FOUND ? 'bad_answer' : 'rejected';
    throw new WebError(reason, link.name, `poe ${method} was answered with ${code} (${word})`);
  };

  const read = async (signal?: AbortSignal): Promise<ControlReading> => {
    const info = await call('info', {}, signal);
    if (Object.keys(objectOf(objectOf(info).ports)).length === 0)
      throw new WebError('bad_answer', link.name, 'poe info tells of no port');
    return decodeOpenwrtInfo(info);
  };

  return {
    name: link.name,
    read,
    write: (ports, enabled, signal) =>
      oneByOne(
        ports,
        async (port) => {
          await call('manage', { port, enable: enabled }, signal);
        },
        (error) => (error instanceof WebError ? error : new WebError('bad_answer', link.name, String(error))),
      ),
    close: () => link.close(),
  };
}

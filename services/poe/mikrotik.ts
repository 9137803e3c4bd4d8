import type { MikrotikConfig } from '../config/switches.ts';
import type { PortSample, PortState } from '../rack/samples.ts';
import { quoted, WebError } from '../runtime/web-error.ts';
import { jsonOf, objectOf, WebLink, type WebRequest } from '../runtime/web-link.ts';
import { decimal, known, milliamps, volts, watts } from './figures.ts';
import { type ControlReading, oneByOne, type PortControl } from './port-control.ts';

/** MikroTik RouterOS 7 over REST: ports by the names of their interfaces (`ether5`). It knows no budget. */

const STATES: Readonly<Record<string, PortState>> = {
  'powered-on': 'delivering',
  'waiting-for-load': 'searching',
  'current-too-low': 'searching',
  'power-cycle': 'searching',
  'short-circuit': 'fault',
  overload: 'fault',
  'voltage-too-low': 'fault',
  'voltage-too-high': 'fault',
  'controller-error': 'fault',
  off: 'disabled',
  disabled: 'disabled',
};

type Row = Readonly<Record<string, unknown>>;

/** Of one port: its row of the list and, if there is one, its row of the monitor. Pure. */
export function decodeMikrotikPort(row: Row, live: Row = {}): PortSample {
  const mode = live['poe-out'] ?? row['poe-out'];
  const enabled = mode === 'off' ? false : mode === 'auto-on' || mode === 'forced-on' ? true : undefined;
  const status = live['poe-out-status'];
  const state =
    (typeof status === 'string' ? STATES[status] : undefined) ?? (enabled === false ? 'disabled' : 'unknown');
  return {
    port: String(row.name ?? live.name),
    state,
    ...known({
      enabled,
      priorityRank: priorityRank(row['poe-priority']),
      powerW: watts(live['poe-out-power']),
      voltageV: volts(live['poe-out-voltage']),
      currentA: milliamps(live['poe-out-current']),
    }),
  };
}

/** 0 keeps its power longest, 99 loses it first. */
function priorityRank(value: unknown): number | undefined {
  const rank = decimal(value);
  return rank !== undefined && Number.isInteger(rank) && rank <= 99 ? rank : undefined;
}

/** The control of one RouterOS device. */
export function mikrotikControl(config: MikrotikConfig, secrets: { password: string; ca?: string }): PortControl {
  const link = new WebLink('mikrotik', config, secrets.ca);
  const authorization = `Basic ${Buffer.from(`${config.user}:${secrets.password}`).toString('base64')}`;
  const call = async (method: WebRequest['method'], path: string, body?: unknown, signal?: AbortSignal) => {
    const answer = await link.request(
      {
        method,
        path: `/rest${path}`,
        headers: { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
      signal,
    );
    const what = `${method} ${path}`;
    if (answer.status === 401) throw new WebError('credentials', link.name, `${what} was turned down`);
    if (answer.status === 403) throw new WebError('forbidden', link.name, `${what} is not allowed`);
    if (answer.status >= 500) throw new WebError('restarting', link.name, `${what} was answered with ${answer.status}`);
    if (answer.status >= 300) throw new Refusal(answer.status, link.name, what, answer.text, secrets.password);
    return answer.text.trim() === '' ? undefined : jsonOf(answer, link.name, what);
  };
  const list = async (signal?: AbortSignal): Promise<Row[]> => {
    const rows = await call('GET', '/interface/ethernet/poe', undefined, signal);
    if (!Array.isArray(rows)) throw new WebError('bad_answer', link.name, 'the list of PoE ports is not a list');
    return rows.map(objectOf).filter((row) => typeof row.name === 'string' && typeof row['.id'] === 'string');
  };
  const read = async (wanted: ReadonlySet<string> | undefined, signal?: AbortSignal): Promise<ControlReading> => {
    const ports: PortSample[] = [];
    const refusals = new Map<string, string>();
    for (const row of await list(signal)) {
      const name = String(row.name);
      if (wanted !== undefined && !wanted.has(name)) continue;
      if (row['poe-out'] === 'forced-on')
        refusals.set(
          name,
          `port ${name} is forced-on, which must not be restored unseen: set it to auto-on, or protect it`,
        );
      // The monitor answers for one interface at a time.
      const live = await call('POST', '/interface/ethernet/poe/monitor', { numbers: row['.id'], once: 'true' }, signal);
      ports.push(decodeMikrotikPort(row, objectOf(Array.isArray(live) ? live[0] : live)));
    }
    return { ports, refusals };
  };
  const write = async (ports: readonly string[], enabled: boolean, signal?: AbortSignal) => {
    const ids = new Map((await list(signal)).map((row) => [String(row.name), String(row['.id'])]));
    const body = { 'poe-out': enabled ? 'auto-on' : 'off' };
    return oneByOne(
      ports,
      async (port) => {
        const id = ids.get(port);
        if (id === undefined) throw new WebError('rejected', link.name, `port ${port} is gone`);
        try {
          await call('PATCH', `/interface/ethernet/${id}`, body, signal);
        } catch (error) {
          // Which of the two menus takes the setting depends on the version.
          if (!(error instanceof Refusal) || (error.status !== 400 && error.status !== 404)) throw error;
          await call('PATCH', `/interface/ethernet/poe/${id}`, body, signal);
        }
      },
      (error) => (error instanceof WebError ? error : new WebError('bad_answer', link.name, String(error))),
    );
  };
  return {
    name: link.name,
    read: (signal) => read(undefined, signal),
    readSome: (ports, signal) => read(new Set(ports), signal),
    write,
    close: () => link.close(),
  };
}

/** RouterOS says no: `{"error":400,"message":…,"detail":…}`. */
class Refusal extends WebError {
  readonly status: number;

  constructor(status: number, device: string, what: string, text: string, password: string) {
    const words = (() => {
      try {
        const { message, detail } = objectOf(JSON.parse(text));
        return [message, detail].filter((each) => typeof each === 'string').join(': ');
      } catch {
        return '';
      }
    })();
    super('rejected', device, `${what} was answered with ${status} ${quoted(words, [password])}`.trimEnd());
    this.status = status;
  }
}

import type { PortSample, PortState } from '../rack/samples.ts';
import { objectOf } from '../runtime/web-link.ts';
import { decimal, known, milliamps, plausible, volts, watts } from './figures.ts';
import type { ControlReading } from './port-control.ts';
import { asSetOf } from './unifi-overrides.ts';

/** What a UniFi controller knows of one switch. */

type Row = Readonly<Record<string, unknown>>;

export interface UnifiWishes {
  /** The name a port must have to be switched, by its number. */
  readonly names: Readonly<Record<string, string>>;
  /** How a port is switched on, where that is not `auto`. */
  readonly modes: Readonly<Record<string, string>>;
}

/** The mode in which a port is on. */
export const onMode = (port: string, { modes }: Pick<UnifiWishes, 'modes'>): string =>
  Object.hasOwn(modes, port) ? (modes[port] ?? 'auto') : 'auto';

/** One entry of `stat/device`. Pure: its table is the truth, its overrides are only wishes. */
export function decodeUnifiDevice(device: unknown, wishes: UnifiWishes = { names: {}, modes: {} }): ControlReading {
  const { port_table: table, total_max_power: budget, total_used_power: used } = objectOf(device);
  const rows = (Array.isArray(table) ? table : []).map(objectOf).filter(isPoePort);
  const refusals = new Map<string, string>();
  for (const row of rows) {
    const refusal = refusalOf(row, wishes);
    if (refusal !== undefined) refusals.set(String(row.port_idx), refusal);
  }
  return {
    ports: rows.map((row) => portOf(row, device)),
    refusals,
    ...known({
      // 0: not reported.
      budgetW: plausible('budgetW', decimal(budget)) || undefined,
      drawnW: plausible('budgetW', decimal(used)),
    }),
  };
}

const isPoePort = ({ port_idx: port, port_poe: poe }: Row): boolean =>
  Number.isInteger(port) && Number(port) > 0 && poe === true;

function portOf(row: Row, device: unknown): PortSample {
  const state = stateOf(row);
  // A mode is a wish: without a word on whether it was followed, nobody knows whether the port is on.
  const enabled = typeof row.poe_mode === 'string' && state !== 'unknown' ? row.poe_mode !== 'off' : undefined;
  const asSet = enabled ? asSetOf(device, Number(row.port_idx)) : undefined;
  const poeClass = /^Class ([0-8])$/.exec(String(row.poe_class))?.[1];
  return {
    port: String(row.port_idx),
    state,
    ...known({
      enabled,
      powerW: watts(row.poe_power),
      voltageV: volts(row.poe_voltage),
      currentA: milliamps(row.poe_current),
      poeClass: state === 'delivering' && poeClass !== undefined ? Number(poeClass) : undefined,
      asSet,
    }),
  };
}

/** While there are watts there is power, whatever the controller has been told. */
function stateOf({ poe_enable: fed, poe_power: power, poe_mode: mode }: Row): PortState {
  if (fed === true || (watts(power) ?? 0) > 0) return 'delivering';
  if (fed !== false || typeof mode !== 'string') return 'unknown';
  return mode === 'off' ? 'disabled' : 'searching';
}

/** Why a port must not be switched, if so. What is not told counts as a reason. */
function refusalOf(row: Row, wishes: UnifiWishes): string | undefined {
  const port = String(row.port_idx);
  const { names } = wishes;
  if (row.is_uplink !== false)
    return row.is_uplink === true ? `port ${port} is the uplink` : `port ${port}: not told whether it is the uplink`;
  if (typeof row.poe_mode !== 'string') return `port ${port}: its PoE mode is not told`;
  if (Object.hasOwn(names, port) && names[port] !== row.name)
    return `port ${port} is called ${JSON.stringify(row.name)} and not ${JSON.stringify(names[port])}: check what is plugged in`;
  const mode = onMode(port, wishes);
  if (row.poe_mode !== 'off' && row.poe_mode !== mode)
    return `port ${port} is set to ${row.poe_mode}, which would come back as ${mode}: say modes: { ${port}: ${row.poe_mode} }`;
  if (typeof row.poe_enable !== 'boolean') return `port ${port}: not told whether it has power`;
  return undefined;
}

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;
const { parse, rawJSON } = JSON as unknown as {
  parse(text: string, reviver: Reviver): unknown;
  rawJSON(source: string): unknown;
};

/** JSON whose numbers go out again with every digit they came with. @throws SyntaxError */
export const parseFaithfully = (text: string): unknown =>
  parse(text, (_, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source ? rawJSON(source) : value,
  );

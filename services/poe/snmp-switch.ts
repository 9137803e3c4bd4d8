import type { SnmpSwitchConfig } from '../config/schema.ts';
import type { SwitchSample } from '../rack/samples.ts';
import { type Clock, systemClock } from '../runtime/clock.ts';
import { UserError } from '../runtime/errors.ts';
import type { PoeSwitch, PortOutcome } from '../shutdown/promises.ts';
import { type Column, decode } from './columns.ts';
import { known } from './figures.ts';
import { RFC3621_SWITCHING, rfc3621Columns, switchSample } from './rfc3621.ts';
import { SnmpError } from './snmp-error.ts';
import { BatchedGet, type SnmpLink, walk } from './snmp-link.ts';
import { type SnmpSecrets, snmpSession } from './snmp-session.ts';
import { snmpSwitching } from './snmp-switching.ts';
import { switchPorts } from './switching.ts';
import { isMissing, type Varbind } from './varbind.ts';
import { columnsWith, vendorTable } from './vendor-watts.ts';

export interface SnmpSwitchOptions {
  /** Stamps samples. */
  readonly clock?: Clock;
  /** Waits between reads of a settling port: real time, whatever the stamps are. */
  readonly wire?: Clock;
  /** Instead of a UDP session. */
  readonly link?: SnmpLink;
}

/** What is looked at while a port is switched. */
const SWITCHING_FIELDS: ReadonlySet<string> = new Set(['enabled', 'state', 'deniedCount']);
/** Ports and tables are looked for anew this often: a stack gets a member, a module is pushed in. */
const DISCOVER_EVERY_MS = 10 * 60_000;

/**
 * A PoE switch by RFC 3621 and, where configured, its vendor's table of port figures. Does nothing until asked.
 * @throws UserError when neither a community nor v3 keys were given
 */
export function snmpSwitch(config: SnmpSwitchConfig, secrets: SnmpSecrets, options: SnmpSwitchOptions = {}): PoeSwitch {
  if (options.link === undefined && !secrets.community && secrets.v3 === undefined)
    throw new UserError(`switch ${config.id}: neither community nor v3 is configured`, 'add community: { env: SNMP }');
  return new SnmpSwitch(config, options.link ?? snmpSession(config, secrets), options);
}

class SnmpSwitch implements PoeSwitch {
  readonly id: string;
  readonly #config: SnmpSwitchConfig;
  readonly #link: SnmpLink;
  readonly #gets: BatchedGet;
  readonly #clock: Clock;
  readonly #wire: Clock;
  readonly #columns: readonly Column[];
  #known: { readonly oids: readonly string[]; readonly untilMs: number } | undefined;

  constructor(
    config: SnmpSwitchConfig,
    link: SnmpLink,
    { clock = systemClock, wire = systemClock }: SnmpSwitchOptions,
  ) {
    this.id = config.id;
    this.#config = config;
    this.#link = link;
    this.#gets = new BatchedGet(link);
    this.#clock = clock;
    this.#wire = wire;
    const vendor = vendorTable(config.portWatts);
    const scales = { budget: config.budgetScale, consumption: config.consumptionScale };
    this.#columns = columnsWith(vendor, rfc3621Columns(scales));
  }

  async read(signal?: AbortSignal): Promise<SwitchSample> {
    const { group, budgetW, guardW, admission } = this.#config;
    const varbinds = await this.#varbinds(signal);
    return switchSample(decode(varbinds, this.#columns, group), {
      measuredAtMs: this.#clock.wallMs(),
      group,
      ...known({ budgetW, guardW, admission }),
    });
  }

  setPorts(ports: readonly string[], enabled: boolean, signal?: AbortSignal): Promise<readonly PortOutcome[]> {
    const { id, group, protect, settle, portWatts } = this.#config;
    const { switching: own } = vendorTable(portWatts);
    return switchPorts(
      snmpSwitching({
        switchId: id,
        group,
        protect,
        settleMs: settle * 1000,
        ways: [RFC3621_SWITCHING, ...(own === undefined ? [] : [own])],
        stateColumns: this.#columns.filter((column) => column.of === 'port' && SWITCHING_FIELDS.has(column.field)),
        link: this.#link,
        gets: this.#gets,
        wire: this.#wire,
      }),
      ports,
      enabled,
      signal,
    );
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  /** What was found at the first look, by its name; all tables again when something of it is gone. */
  async #varbinds(signal: AbortSignal | undefined): Promise<readonly Varbind[]> {
    if (this.#known === undefined || this.#wire.monoMs() >= this.#known.untilMs) return this.#discover(signal);
    const varbinds = await this.#gets.get(this.#known.oids, signal);
    return varbinds.some(isMissing) ? this.#discover(signal) : varbinds;
  }

  async #discover(signal: AbortSignal | undefined): Promise<readonly Varbind[]> {
    const found: Varbind[] = [];
    for (const { oid } of this.#columns) found.push(...(await walk(this.#link, oid, signal)));
    if (found.length === 0) throw new SnmpError('no_poe', this.#link.name, 'answers, but tells nothing of PoE');
    this.#known = { oids: found.map(({ oid }) => oid), untilMs: this.#wire.monoMs() + DISCOVER_EVERY_MS };
    return found;
  }
}

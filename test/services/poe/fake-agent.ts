import { ERROR_STATUS, type ErrorStatus, SnmpError } from '../../../services/poe/snmp-error.ts';
import type { SnmpLink } from '../../../services/poe/snmp-link.ts';
import { AsnType, follows, type Varbind } from '../../../services/poe/varbind.ts';
import type { Clock } from '../../../services/runtime/clock.ts';

const PORT = '1.3.6.1.2.1.105.1.1.1';
export const adminOf = (port: string) => `${PORT}.3.${port}`;
export const stateOf = (port: string) => `${PORT}.6.${port}`;

/** An agent in memory behind `SnmpLink`, with the accidents that matter. Ports are `group.port`. */
export class FakeAgent implements SnmpLink {
  readonly name = 'switch sw1 (snmp:fake)';
  readonly values = new Map<string, Varbind>();
  readonly sets: { readonly oid: string; readonly value: unknown }[][] = [];
  gets = 0;
  /** More variables in one request are tooBig. */
  most = 1000;
  /** Error state of a write to this port; the ports before it in the same request are written all the same. */
  readonly refuses = new Map<string, ErrorStatus>();
  /** Says yes and does nothing. */
  readonly ignores = new Set<string>();
  /** Looks until the detection state follows the admin state. */
  sluggish = 0;
  /** Nothing is answered any more, from this request on. */
  silentAfter = Number.POSITIVE_INFINITY;
  readonly #lagging = new Map<string, number>();
  #requests = 0;

  constructor(ports: readonly string[]) {
    for (const port of ports) {
      this.put(adminOf(port), 1);
      this.put(stateOf(port), 3);
    }
  }

  put(oid: string, value: unknown, type: number = AsnType.integer): void {
    this.values.set(oid, { oid, type, value });
  }

  async get(oids: readonly string[]): Promise<readonly Varbind[]> {
    this.#ask('GET', oids.length);
    this.gets += 1;
    for (const [port, left] of this.#lagging) {
      if (left > 0) this.#lagging.set(port, left - 1);
      else this.#follow(port);
    }
    return oids.map((oid) => this.values.get(oid) ?? { oid, type: AsnType.noSuchInstance, value: null });
  }

  async getBulk(oid: string, repetitions: number): Promise<readonly Varbind[]> {
    this.#ask('GETBULK', 1);
    const later = [...this.values.values()].filter((each) => follows(each.oid, oid));
    const sorted = later.sort((a, b) => (follows(a.oid, b.oid) ? 1 : -1)).slice(0, repetitions);
    return sorted.length > 0 ? sorted : [{ oid, type: AsnType.endOfMibView, value: null }];
  }

  async set(varbinds: readonly Varbind[]): Promise<void> {
    this.#ask('SET', varbinds.length);
    this.sets.push(varbinds.map(({ oid, value }) => ({ oid, value })));
    for (const { oid, value } of varbinds) {
      const port = oid.split('.').slice(-2).join('.');
      const status = this.refuses.get(port);
      if (status !== undefined) throw new SnmpError(status, this.name, `SET was answered with ${status}`, { oid });
      if (this.ignores.has(port)) continue;
      this.put(oid, value);
      this.#lagging.set(port, this.sluggish);
    }
  }

  async close(): Promise<void> {}

  #follow(port: string): void {
    this.#lagging.delete(port);
    this.put(stateOf(port), this.values.get(adminOf(port))?.value === 2 ? 1 : 2);
  }

  #ask(what: string, size: number): void {
    this.#requests += 1;
    if (this.#requests > this.silentAfter) throw new SnmpError('no_answer', this.name, `no answer to ${what}`);
    if (size > this.most) throw new SnmpError('tooBig', this.name, `${what} was answered with ${ERROR_STATUS[1]}`);
  }
}

/** Time that passes only by sleeping. */
export function sleepingClock(): Clock & { readonly sleptMs: () => number } {
  let nowMs = 1000;
  return {
    wallMs: () => nowMs,
    monoMs: () => nowMs,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      nowMs += ms;
    },
    sleptMs: () => nowMs - 1000,
  };
}

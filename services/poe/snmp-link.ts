import { SnmpError } from './snmp-error.ts';
import { follows, isMissing, isUnder, type Varbind } from './varbind.ts';

/** Single SNMP exchanges with one agent. Every call settles within its own deadline, failures are `SnmpError`. */
export interface SnmpLink {
  /** For messages: `snmp:10.0.0.2`. */
  readonly name: string;
  /** One GET; the answer holds as many variables, in the same order. */
  get(oids: readonly string[], signal?: AbortSignal): Promise<readonly Varbind[]>;
  /** One GETBULK of one variable: up to `repetitions` successors of `oid`. */
  getBulk(oid: string, repetitions: number, signal?: AbortSignal): Promise<readonly Varbind[]>;
  /** One SET. */
  set(varbinds: readonly Varbind[], signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Variables in one GET: such an answer still fits one Ethernet frame. */
const GET_BATCH = 48;
const BULK_REPETITIONS = 25;
/** No switch, and no stack, has more rows in one column. */
const MOST_ROWS = 2048;

/**
 * Gets any number of variables in as few requests as the agent allows: halves a request that is answered with tooBig
 * and stays with that size.
 */
export class BatchedGet {
  readonly #link: SnmpLink;
  #size = GET_BATCH;

  constructor(link: SnmpLink) {
    this.#link = link;
  }

  async get(oids: readonly string[], signal?: AbortSignal): Promise<Varbind[]> {
    const all: Varbind[] = [];
    while (all.length < oids.length) {
      const batch = oids.slice(all.length, all.length + this.#size);
      try {
        const answer = await this.#link.get(batch, signal);
        if (answer.length !== batch.length)
          throw new SnmpError(
            'bad_answer',
            this.#link.name,
            `GET of ${batch.length} was answered with ${answer.length}`,
          );
        all.push(...answer);
      } catch (error) {
        if (!isTooBig(error) || batch.length === 1) throw error;
        this.#size = Math.ceil(batch.length / 2);
      }
    }
    return all;
  }
}

export const isTooBig = (error: unknown): boolean => error instanceof SnmpError && error.reason === 'tooBig';

/**
 * Everything under `root`. Stops at the end of the subtree or of the MIB; an agent whose OIDs do not grow, or whose
 * table does not end, is an error and never a loop.
 */
export async function walk(link: SnmpLink, root: string, signal?: AbortSignal): Promise<Varbind[]> {
  const rows: Varbind[] = [];
  let last = root;
  for (;;) {
    const answer = await link.getBulk(last, BULK_REPETITIONS, signal);
    if (answer.length === 0) return rows;
    for (const varbind of answer) {
      if (isMissing(varbind) || !isUnder(varbind.oid, root)) return rows;
      if (!follows(varbind.oid, last))
        throw new SnmpError(
          'oid_not_increasing',
          link.name,
          `the walk of ${root} went back from ${last} to ${varbind.oid}`,
        );
      if (rows.length === MOST_ROWS)
        throw new SnmpError('too_many_rows', link.name, `more than ${MOST_ROWS} rows under ${root}`);
      rows.push(varbind);
      last = varbind.oid;
    }
  }
}

import type { LeaseMedium } from './lease-medium.ts';
import type { PairNode } from './pair-node.ts';

/** After the broker is back: connecting again (5 s at most), hearing of the other, and stepping down, s. */
const REUNION_S = 9;
/** Nobody may act for so many ttl after something changed, and a little. */
const VACANT_TTL = 4;
const VACANT_SPARE_S = 10;

/** What a lease on a network promises (docs/two-nodes.md), second by second: not two at once, and not nobody for long. */
export class Umpire {
  readonly violations: string[] = [];
  readonly #nodes: readonly PairNode[];
  readonly #medium: LeaseMedium;
  readonly #ttlS: number;
  /** They can ask each other directly. */
  readonly #asks: boolean;
  /** Both have acted while neither could tell that the other does: what came of it nobody answers for. */
  split = false;
  #splitUntilS = 0;
  #disturbedS = 0;
  #unheededS = 0;

  constructor(nodes: readonly PairNode[], medium: LeaseMedium, ttlS: number, asks: boolean) {
    this.#nodes = nodes;
    this.#medium = medium;
    this.#ttlS = ttlS;
    this.#asks = asks;
  }

  /** A node, or the way to the broker, came or went. */
  disturbed(atS: number): void {
    this.#disturbedS = atS;
  }

  looks(atS: number, mains: boolean): void {
    const acting = this.#nodes.filter((node) => node.runs && node.role === 'acting');
    const running = this.#nodes.filter(({ runs }) => runs);
    const carried = this.#nodes.every(({ name }) => this.#medium.carries(name));
    // Without a way to each other nobody can tell a dead one from a silent one.
    if (!carried && !(this.#asks && running.length === 2)) this.#splitUntilS = atS + REUNION_S;
    if (acting.length > 1 && atS > this.#splitUntilS) this.#blame(atS, 'both act');
    else if (acting.length > 1) this.split = true;
    const peaceful = carried && running.length > 0;
    if (!peaceful) this.#disturbedS = atS;
    const longS = VACANT_TTL * this.#ttlS + VACANT_SPARE_S;
    if (acting.length === 0 && atS - this.#disturbedS > longS) {
      this.#blame(atS, `nobody acts: ${this.#nodes.map(({ name, role }) => `${name} is ${role}`)}`);
      this.#disturbedS = atS;
    }
    // A role is not enough: who has it must see to the rack.
    if (mains || acting.some(({ state }) => state.phase !== 'mains')) this.#unheededS = atS;
    if (atS - Math.max(this.#unheededS, this.#disturbedS) > longS) {
      this.#blame(atS, 'an outage goes unheeded');
      this.#unheededS = atS;
    }
  }

  /** Something was begun by this node. */
  acted(node: PairNode, atS: number): void {
    if (node.role !== 'acting') this.#blame(atS, `${node.name} acts and is ${node.role}`);
    const other = this.#nodes.find((each) => each !== node && each.runs && each.role === 'acting');
    if (other !== undefined && atS > this.#splitUntilS) this.#blame(atS, `${node.name} acts while ${other.name} does`);
  }

  #blame(atS: number, what: string): void {
    if (this.violations.length < 20) this.violations.push(`${atS}: ${what}`);
  }
}

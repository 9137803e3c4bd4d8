import { type BankFigure, type BankMember, bankFigure } from '#bms/model';

/**
 * The bank at the load that flows from it now. Every snapshot asks, packs answer once a second: what was reckoned stands
 * until a member says something else.
 */
export class BankReckoner {
  #members: readonly BankMember[] | undefined;
  #figure: BankFigure | undefined;

  /** `bankFigure` of these members at what they deliver; the same object while they are the same. */
  figure(members: readonly BankMember[]): BankFigure {
    if (this.#figure !== undefined && this.#members !== undefined && same(this.#members, members)) return this.#figure;
    const idle = bankFigure(members, 0);
    const flowingW = idle.powerW ?? 0;
    this.#figure = flowingW < 0 ? bankFigure(members, -flowingW) : idle;
    this.#members = members;
    return this.#figure;
  }
}

/** Samples and counts are never changed, only replaced. */
const same = (some: readonly BankMember[], others: readonly BankMember[]): boolean =>
  some.length === others.length &&
  some.every((one, at) => {
    const other = others[at];
    return (
      one.spec === other?.spec &&
      one.sample === other.sample &&
      one.soc === other.soc &&
      one.reckoned === other.reckoned
    );
  });

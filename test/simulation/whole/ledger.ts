import type { Command, Effect, JournalEntry } from '../../../services/shutdown/state.ts';
import { type FakeDisk, SafeReader } from './fake-disk.ts';

/**
 * Keeps the books of one node: every call to the outside needs an intent of its own that was safe on the disk before
 * it, a call that is made again included, and whatever a person ordered needs a line with its author.
 */
export class Ledger {
  readonly violations: string[] = [];
  readonly #reader = new SafeReader('/state/journal.jsonl');
  /** By what is done to whom, since the present life began: intents less calls. */
  readonly #unused = new Map<string, number>();
  /** Kinds of orders that somebody has given. */
  readonly #given = new Set<Command['kind']>();
  /** Lines about orders that nobody has asked after yet. */
  #orders: readonly string[] = [];

  /** A new life asks for everything anew: what an earlier one meant to do explains nothing any more. */
  begins(disk: FakeDisk, timeS: number): void {
    this.#read(disk, timeS);
    this.#unused.clear();
  }

  /** Before a call gets out. Where the disk refuses, only power must not be switched; the lines come later. */
  called(disk: FakeDisk, kind: Effect['kind'], subjects: readonly string[], timeS: number): void {
    this.#read(disk, timeS);
    const deed = deedOf(kind, subjects);
    const left = (this.#unused.get(deed) ?? 0) - 1;
    this.#unused.set(deed, left);
    if (left < 0 && (SWITCHING.has(kind) || !disk.full)) this.#blame(timeS, `${deed} has no intent of its own`);
  }

  /** Right after an order was accepted. */
  ordered(disk: FakeDisk, command: Command, author: string, timeS: number): void {
    this.#read(disk, timeS);
    const at = this.#orders.indexOf(JSON.stringify({ kind: 'command', command, author }));
    this.#orders = this.#orders.slice(at + 1);
    if (at < 0 && !disk.full)
      this.#blame(timeS, `the order ${JSON.stringify(command)} of ${author} is not in the journal`);
  }

  #read(disk: FakeDisk, timeS: number): void {
    for (const { entry } of this.#reader.more(disk)) {
      if (entry.kind === 'intent') {
        const deed = deedOf(entry.effect.kind, subjectsOf(entry.effect));
        this.#unused.set(deed, (this.#unused.get(deed) ?? 0) + 1);
      } else if (entry.kind === 'command') {
        this.#orders = [...this.#orders, JSON.stringify(entry)];
        if (entry.author !== '') this.#given.add(entry.command.kind);
      }
      const orders = neededOrders(entry);
      if (orders.length > 0 && !orders.some((order) => this.#given.has(order)))
        this.#blame(timeS, `nobody gave the order behind ${JSON.stringify(entry)}`);
    }
  }

  #blame(timeS: number, what: string): void {
    if (this.violations.length < 20) this.violations.push(`${timeS}: ${what}`);
  }
}

const SWITCHING: ReadonlySet<Effect['kind']> = new Set<Effect['kind']>(['cut', 'power', 'output']);

const deedOf = (kind: Effect['kind'], subjects: readonly string[]): string => `${kind} of ${subjects.join('+')}`;

function subjectsOf(effect: Effect): readonly string[] {
  if ('targets' in effect) return effect.targets.map(({ host }) => host);
  return 'host' in effect ? [effect.host] : 'pack' in effect ? [effect.pack] : [];
}

/** What only a person can have brought about. */
function neededOrders(entry: JournalEntry): readonly Command['kind'][] {
  if (entry.kind === 'stage' && entry.began && entry.trigger === 'operator') return ['begin', 'unskip'];
  if (entry.kind === 'rehearsal' && entry.began) return ['rehearse'];
  if (entry.kind === 'host' && entry.change.skipped === true) return ['skip'];
  return [];
}

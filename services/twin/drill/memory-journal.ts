import type { JournalKeeper } from '../../shutdown/journal.ts';
import type { JournalEntry } from '../../shutdown/state.ts';
import type { JournalLine } from '../../shutdown/view.ts';

/** A record that lives as long as its drill. */
export class MemoryJournal implements JournalKeeper {
  readonly path = 'memory';
  readonly failure = undefined;
  readonly lines: JournalLine[] = [];
  readonly #wallMs: () => number;

  constructor(wallMs: () => number) {
    this.#wallMs = wallMs;
  }

  open(): { lines: readonly JournalLine[]; damage: readonly string[] } {
    return { lines: [...this.lines], damage: [] };
  }

  append(entries: readonly JournalEntry[]): boolean {
    for (const entry of entries)
      this.lines.push({ seq: this.lines.length + 1, wallMs: Math.round(this.#wallMs()), entry });
    return true;
  }

  tail(limit: number): readonly JournalLine[] {
    return this.lines.slice(-limit);
  }

  rotate(): void {}

  close(): void {}
}

import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { JournalEntry, Phase } from '../../services/shutdown/state.ts';
import type { JournalLine } from '../../services/shutdown/view.ts';
import { Stage, until } from './stage.ts';

/** What kind of record it is, as far as a death at it differs from a death at another. */
export function kindOf(phase: Phase, entry: JournalEntry): string {
  switch (entry.kind) {
    case 'intent':
      return `${phase} intent ${entry.effect.kind}`;
    case 'outcome':
      return `${phase} outcome ${entry.effectKind}`;
    case 'host':
      return `${phase} host ${entry.change.phase ?? 'change'}`;
    default:
      return `${phase} ${entry.kind}`;
  }
}

/**
 * Says of each kind once that it is new. Lines about hosts are let pass: they are flushed in one piece with the intent
 * they lead to or the outcome they follow from, and a death at those is the same.
 */
export function killPoints(): { isNew: (kind: string) => boolean } {
  const seen = new Set<string>();
  return {
    isNew: (kind) => {
      if (seen.has(kind) || kind.includes(' host ')) return false;
      seen.add(kind);
      return true;
    },
  };
}

const LOOK_EVERY_MS = 3;

/** A stage whose service is killed as soon as certain records appear in its journal, and started again. */
export class KillingStage extends Stage {
  readonly deaths: string[] = [];
  readonly phases: Phase[] = [];
  /** Records seen so far. */
  records = 0;
  #dies: (kind: string, record: number) => boolean = () => false;
  #phase: Phase = 'mains';
  #read = 0;
  #stopped = false;
  #watching: Promise<void> = Promise.resolve();

  /** From now on. Each record is looked at once, as it appears. */
  dieAt(dies: (kind: string, record: number) => boolean): void {
    this.#dies = dies;
  }

  /** Mains goes until everything is off, and comes back until everything is up. */
  async outage(): Promise<void> {
    this.#watching = this.#watch();
    await Promise.race([this.#comesAndGoes(), this.#watching]);
    this.#stopped = true;
    await this.#watching;
  }

  async #comesAndGoes(): Promise<void> {
    await this.mains(false);
    await until('everything is off', async () => (this.phases.includes('dark') ? true : undefined), 900_000);
    await this.mains(true);
    await until('mains again', async () => (this.#phase === 'mains' ? true : undefined), 900_000);
  }

  /** The service of this moment answers. */
  async alive(): Promise<void> {
    await until('the service answers', () => this.hosts());
  }

  override async close(): Promise<void> {
    this.#stopped = true;
    await this.#watching.catch(() => {});
    await super.close();
  }

  async #watch(): Promise<void> {
    while (!this.#stopped) {
      const death = this.#news();
      if (death !== undefined) {
        await this.killService();
        this.deaths.push(death);
        // What it wrote between the record and its end is no reason to die again.
        this.#skip();
        // A life takes its seconds to begin, and they must not be the rack's minutes.
        await this.hold(true);
        await this.startService();
        await this.hold(false);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  #skip(): void {
    const dies = this.#dies;
    this.#dies = () => false;
    this.#news();
    this.#dies = dies;
  }

  /** Reads what is new; the kind of the first record to die at. */
  #news(): string | undefined {
    let death: string | undefined;
    for (const line of this.#lines()) {
      this.records += 1;
      if (line.entry.kind === 'phase') {
        this.#phase = line.entry.phase;
        this.phases.push(this.#phase);
      }
      const kind = kindOf(this.#phase, line.entry);
      if (death === undefined && this.#dies(kind, this.records)) death = kind;
    }
    return death;
  }

  #lines(): JournalLine[] {
    const text = readFrom(join(this.dir, 'state', 'journal.jsonl'), this.#read);
    const end = text.lastIndexOf('\n') + 1;
    const sound = text.slice(0, end);
    this.#read += Buffer.byteLength(sound);
    return sound.split('\n').flatMap((row) => (row === '' ? [] : [JSON.parse(row) as JournalLine]));
  }
}

function readFrom(path: string, offset: number): string {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return '';
  }
  try {
    const buffer = Buffer.alloc(1_000_000);
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, offset));
  } finally {
    closeSync(fd);
  }
}

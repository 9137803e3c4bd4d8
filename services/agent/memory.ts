import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** What an agent must not forget when it is killed: the order it deals with. */
interface Note {
  readonly id: string;
  /** `taking`: about to say that it takes it. `obeyed`: the command was started; never again for this order. */
  readonly state: 'taking' | 'obeyed';
  /** Boot of the machine in which that was. */
  readonly bootId: string;
}

const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** One small file, replaced as a whole and flushed before anything is done. */
export class AgentMemory {
  readonly #file: string;
  readonly #dir: string;
  readonly #bootId: string;
  #note: Note | undefined;

  /** @param bootId the kernel's own when absent */
  constructor(stateDir: string, bootId = currentBootId()) {
    this.#dir = stateDir;
    this.#file = join(stateDir, 'order.json');
    this.#bootId = bootId;
  }

  /** Reads what an earlier life left; what is unreadable is nothing. */
  load(): void {
    try {
      const value: unknown = JSON.parse(readFileSync(this.#file, 'utf8'));
      const { id, state, bootId } = value as Partial<Note>;
      if (typeof id === 'string' && (state === 'taking' || state === 'obeyed') && typeof bootId === 'string')
        this.#note = { id, state, bootId };
    } catch {
      // nothing is left, or nothing that can be read
    }
  }

  /** The order that an earlier life in this boot began to take, and nobody knows how far it came. */
  get unfinished(): string | undefined {
    const note = this.#note;
    return note?.state === 'taking' && note.bootId === this.#bootId ? note.id : undefined;
  }

  hasObeyed(id: string): boolean {
    return this.#note?.id === id && this.#note.state === 'obeyed';
  }

  /** Why it could not be written; it is kept in memory all the same. */
  remember(id: string, state: Note['state']): string | undefined {
    this.#note = { id, state, bootId: this.#bootId };
    return this.#write();
  }

  /** The order does not stand any more, or could not be obeyed and may come again. */
  forget(): string | undefined {
    this.#note = undefined;
    return this.#write();
  }

  #write(): string | undefined {
    try {
      mkdirSync(this.#dir, { recursive: true, mode: 0o750 });
      const file = openSync(`${this.#file}.new`, 'w', 0o640);
      try {
        writeSync(file, `${JSON.stringify(this.#note ?? {})}\n`);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(`${this.#file}.new`, this.#file);
      return undefined;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? 'unknown reason';
    }
  }
}

function currentBootId(): string {
  try {
    return readFileSync(BOOT_ID, 'utf8').trim();
  } catch {
    return 'unknown';
  }
}

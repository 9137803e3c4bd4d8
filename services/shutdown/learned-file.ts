import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import { type Learned, nothingLearned } from './learned.ts';

/** Where what was learned is kept, beside the journal. A file that is missing or damaged costs precision only. */
export class LearnedFile {
  readonly #path: string;
  readonly #log: Log;

  constructor(stateDir: string, log: Log) {
    this.#path = join(stateDir, 'learned.json');
    this.#log = log;
  }

  read(): Learned {
    try {
      const parsed = JSON.parse(readFileSync(this.#path, 'utf8')) as Partial<Learned> | null;
      return {
        tookS: figures(parsed?.tookS),
        awakeW: figures(parsed?.awakeW),
        haltedW: figures(parsed?.haltedW),
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.#log.warn({ file: this.#path, error: messageOf(error) }, 'durations are learned anew');
      return nothingLearned;
    }
  }

  /** Replaces the file in one step; a failure is logged and changes nothing. */
  write(learned: Learned): void {
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      writeFileSync(`${this.#path}.new`, JSON.stringify(learned), { mode: 0o600 });
      renameSync(`${this.#path}.new`, this.#path);
    } catch (error) {
      this.#log.warn({ file: this.#path, error: messageOf(error) }, 'what was learned could not be kept');
    }
  }
}

/** Only lists of sane numbers: this file decides when machines are halted. */
function figures(value: unknown): Record<string, readonly number[]> {
  if (typeof value !== 'object' || value === null) return {};
  const sane = (each: unknown): each is number => typeof each === 'number' && each >= 0 && each < 1e6;
  return Object.fromEntries(
    Object.entries(value).filter(
      (entry): entry is [string, number[]] => Array.isArray(entry[1]) && entry[1].every(sane),
    ),
  );
}

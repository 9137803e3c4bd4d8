import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../runtime/clock.ts';
import type { ArchiveOptions, ArchiveState } from './archive.ts';
import type { SampleFrame, Save } from './records.ts';
import type { FromWorker, Questions, ToWorker } from './wire.ts';

/** Beside this file when run from the sources, beside the bundle otherwise. */
const WORKER_FILES = ['./worker.ts', './history-worker.js'];
const ANSWER_WITHIN_MS = 10_000;
const MOST_QUESTIONS = 32;

export type Saved = Extract<FromWorker, { kind: 'saved' }>;

export interface KeeperEvents {
  /** A save was written, or not. */
  saved(result: Saved): void;
  /** The thread ended by itself. */
  died(message: string): void;
}

/** Our side of the worker: sends, asks with a deadline, and says when the thread has died. Never waits by itself. */
export class Keeper {
  readonly #clock: Clock;
  readonly #events: KeeperEvents;
  readonly #waiting = new Map<number, (answer: Extract<FromWorker, { kind: 'answer' }>) => void>();
  #worker: Worker | undefined;
  #questions = 0;
  #opened: ((message: FromWorker) => void) | undefined;
  #closed: (() => void) | undefined;

  /** @param clock of the machine: deadlines of a thread are real time */
  constructor(clock: Clock, events: KeeperEvents) {
    this.#clock = clock;
    this.#events = events;
  }

  get alive(): boolean {
    return this.#worker !== undefined;
  }

  /**
   * Starts the thread and opens the file.
   * @throws when that fails or takes longer than `withinMs`
   */
  async open(options: ArchiveOptions, wallMs: number, withinMs: number): Promise<ArchiveState> {
    const file = WORKER_FILES.map((each) => new URL(each, import.meta.url)).find((each) =>
      existsSync(fileURLToPath(each)),
    );
    if (file === undefined) throw new Error('the program is not complete: the history worker is missing');
    const worker = new Worker(file, {
      name: 'history',
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 2, stackSizeMb: 2 },
    });
    this.#worker = worker;
    worker.unref();
    worker.on('message', (message: FromWorker) => this.#take(message));
    worker.on('error', (error: Error) => this.#died(worker, error.message));
    worker.on('exit', () => this.#died(worker, 'the thread ended'));
    const answer = new Promise<FromWorker>((resolve) => {
      this.#opened = resolve;
    });
    this.#post({ kind: 'open', options, wallMs });
    const message = await this.#within(answer, withinMs, 'the file was not opened in time');
    if (message.kind === 'opened') return message.state;
    throw new Error(message.kind === 'refused' ? message.message : 'the thread ended');
  }

  frames(frames: readonly SampleFrame[]): void {
    this.#post({ kind: 'frames', frames });
  }

  save(save: Save): void {
    this.#post({ kind: 'save', save });
  }

  /** @throws when the thread is not there, refuses, or does not answer in time */
  async ask<What extends keyof Questions>(what: What, ask: Questions[What]['ask']): Promise<Questions[What]['answer']> {
    if (this.#worker === undefined) throw new Error('the history is not open');
    if (this.#waiting.size >= MOST_QUESTIONS) throw new Error('too many questions to the history at once');
    this.#questions += 1;
    const id = this.#questions;
    const answered = new Promise<Extract<FromWorker, { kind: 'answer' }>>((resolve) => {
      this.#waiting.set(id, resolve);
    });
    this.#post({ kind: 'ask', id, what, ask });
    try {
      const { answer, failure } = await this.#within(answered, ANSWER_WITHIN_MS, 'the history did not answer in time');
      if (failure !== undefined) throw new Error(failure);
      return answer as Questions[What]['answer'];
    } finally {
      this.#waiting.delete(id);
    }
  }

  /** What was sent before is written first, as far as it gets in time. */
  async close(withinMs: number): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    const closed = new Promise<void>((resolve) => {
      this.#closed = resolve;
    });
    this.#post({ kind: 'close' });
    await this.#within(closed, withinMs, '').catch(() => {});
    this.#worker = undefined;
    await worker.terminate();
    for (const [id, answer] of this.#waiting) answer({ kind: 'answer', id, failure: 'the history is closing' });
  }

  #post(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  #take(message: FromWorker): void {
    switch (message.kind) {
      case 'opened':
      case 'refused':
        this.#opened?.(message);
        return;
      case 'saved':
        this.#events.saved(message);
        return;
      case 'answer':
        this.#waiting.get(message.id)?.(message);
        return;
      case 'closed':
        this.#closed?.();
    }
  }

  #died(worker: Worker, message: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#opened?.({ kind: 'refused', message });
    this.#closed?.();
    for (const [id, answer] of this.#waiting) answer({ kind: 'answer', id, failure: message });
    this.#events.died(message);
  }

  async #within<T>(answer: Promise<T>, withinMs: number, late: string): Promise<T> {
    const over = new AbortController();
    const tooLate = this.#clock.sleep(withinMs, over.signal).then(() => {
      throw new Error(late);
    });
    tooLate.catch(() => {});
    try {
      return await Promise.race([answer, tooLate]);
    } finally {
      over.abort();
    }
  }
}

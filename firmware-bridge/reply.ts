import type { ByteRequest } from './exchange.ts';

/** A question as the bus sees it. `onSend` runs just before the bytes go out: from then on an answer can come. */
export type Question<T> = Pick<ByteRequest<T>, 'label' | 'bytes' | 'accept' | 'timeoutMs'> & {
  readonly onSend?: () => void;
};

import type { Acceptance } from './acceptance.ts';
import { BridgeError } from './errors.ts';

/**
 * What has arrived for one try, and what the framing says of it. Settles once: with the value, a refusal, the loss of
 * the transport, the caller's abort, or the time-out.
 */
export class Reply<T> {
  readonly #name: string;
  readonly #question: Question<T>;
  readonly #limits: { readonly timeoutMs: number; readonly maxBytes: number };
  readonly #settled: Promise<T>;
  #resolve: (value: T) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #done = false;
  #received: Uint8Array = new Uint8Array();
  #skipped = 0;
  #skipReason: string | undefined;

  constructor(name: string, question: Question<T>, limits: { readonly timeoutMs: number; readonly maxBytes: number }) {
    this.#name = name;
    this.#question = question;
    this.#limits = limits;
    this.#settled = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // A loss during the write fails the reply before anybody waits for it.
    this.#settled.catch(() => {});
  }

  /** Bytes behind the answer, or undecided at the end. */
  get leftOver(): number {
    return this.#received.length;
  }

  get skipped(): number {
    return this.#skipped;
  }

  /** The bytes are out: waits for the answer, which may have come already. */
  async within(signal: AbortSignal): Promise<T> {
    const onAbort = () => this.fail(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    const timer = setTimeout(() => this.fail(this.#late()), this.#limits.timeoutMs);
    try {
      return await this.#settled;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  push(chunk: Uint8Array): void {
    const joined = new Uint8Array(this.#received.length + chunk.length);
    joined.set(this.#received);
    joined.set(chunk, this.#received.length);
    this.#received = joined;
    this.#look();
  }

  fail(error: unknown): void {
    this.#done = true;
    this.#reject(error);
  }

  #look(): void {
    while (!this.#done && this.#received.length > 0) {
      const verdict = this.#verdict();
      if (verdict.kind === 'more') break;
      this.#follow(verdict);
    }
    if (!this.#done && this.#received.length > this.#limits.maxBytes) {
      const text = `${this.#received.length} bytes came and made no answer to ${this.#question.label}`;
      this.fail(new BridgeError('refused', this.#name, text, { reason: 'overflow' }));
    }
  }

  #follow(verdict: Exclude<Acceptance<T>, { kind: 'more' }>): void {
    if (verdict.kind === 'refuse') {
      const { code: reason, retryable = true } = verdict;
      const text = `${this.#question.label} was refused: ${verdict.message}`;
      this.fail(new BridgeError('refused', this.#name, text, { reason, retryable }));
    } else if (!(verdict.length >= 1 && verdict.length <= this.#received.length)) {
      this.fail(this.#broken(`it counted ${verdict.length} of ${this.#received.length} bytes`));
    } else {
      this.#received = this.#received.subarray(verdict.length);
      if (verdict.kind === 'take') {
        this.#done = true;
        this.#resolve(verdict.value);
      } else {
        this.#skipped += verdict.length;
        this.#skipReason = verdict.reason;
      }
    }
  }

  #verdict(): Acceptance<T> {
    try {
      return this.#question.accept(this.#received);
    } catch (cause) {
      this.fail(this.#broken('it threw', cause));
      return { kind: 'more' };
    }
  }

  #broken(how: string, cause?: unknown): BridgeError {
    const text = `the framing of ${this.#question.label} is at fault: ${how}`;
    return new BridgeError('refused', this.#name, text, { reason: 'framing', retryable: false, cause });
  }

  #late(): BridgeError {
    const { label } = this.#question;
    const pending = this.#received.length;
    const heard = [
      ...(pending > 0 ? [`${pending} bytes of an unfinished answer`] : []),
      ...(this.#skipped > 0 ? [`${this.#skipped} bytes skipped: ${this.#skipReason}`] : []),
    ].join(', ');
    const text = `no ${heard ? 'complete ' : ''}answer to ${label} within ${this.#limits.timeoutMs} ms`;
    return new BridgeError('timeout', this.#name, heard ? `${text} (${heard})` : text, {
      reason: pending > 0 ? 'incomplete' : (this.#skipReason ?? 'silent'),
    });
  }
}

import type { AnswerShape } from './modbus-frames.ts';

/** One register more or less than another question asks for, so that the answers cannot be taken for each other. */
export interface Probe {
  readonly count: number;
  readonly byteCount: number;
}

/** An answer later than this is held to be impossible: slaves work on one request, and gateways give up after seconds. */
const forgetMs = 30_000;
const mostRemembered = 64;

/**
 * Which answers of one unit may still be under way. This is what keeps a late answer from being taken for the answer to the
 * next question, which would put one register block's numbers under another one's names, unnoticed and for ever.
 *
 * A Modbus RTU answer says unit, function and byte count, not the address. After a time-out the answer may still come, and if
 * the next question has the same three, nothing in the bytes tells them apart. But a slave answers in order. So before such
 * a question a probe is sent whose answer must have another length: when that has arrived, everything older has arrived too,
 * or never will, and the question can go out. (The byte exchange waits for silence after a time-out and throws away what comes;
 * that catches most late answers, and this catches those that are later still.)
 *
 * The list is worst case: when a frame could belong to several entries it counts as the oldest, because that leaves the most
 * that may still come. An exception says unit and function only, so it counts for the oldest entry of that function, whatever
 * its length; what it leaves behind cannot be confused with the question as long as no entry has the question's own shape.
 */
export class AnswersUnderWay {
  readonly #now: () => number;
  #entries: { readonly shape: AnswerShape; readonly sentMs: number }[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  /** A request with this shape of answer is on its way. */
  sent(shape: AnswerShape): void {
    this.#forget();
    this.#entries.push({ shape, sentMs: this.#now() });
    if (this.#entries.length > mostRemembered) this.#entries.shift();
  }

  /** An answer to `shape` was accepted, with data or as an exception. */
  arrived(shape: AnswerShape, exception: boolean): void {
    const oldest = this.#entries.findIndex(
      (entry) =>
        entry.shape.functionCode === shape.functionCode && (exception || entry.shape.byteCount === shape.byteCount),
    );
    this.#entries.splice(0, oldest + 1);
  }

  /** Could an answer that is still under way be taken for the answer to this question? */
  confusable(shape: AnswerShape): 'by its data' | 'as an exception' | 'no' {
    this.#forget();
    const same = this.#entries.filter((entry) => entry.shape.functionCode === shape.functionCode);
    if (same.length === 0) return 'no';
    return same.some((entry) => entry.shape.byteCount === shape.byteCount) ? 'by its data' : 'as an exception';
  }

  /** How much to ask for instead of `count` so that the answer has a length nothing under way has. */
  probe(shape: AnswerShape, count: number): Probe | undefined {
    const bits = shape.functionCode <= 2;
    const taken = new Set(this.#entries.map((entry) => entry.shape.byteCount)).add(shape.byteCount);
    // Rather less than more: a part of a legal block is legal, a longer one may be refused.
    const wanted = [...Array(mostRemembered + 2).keys()].flatMap((step) => {
      const away = (step + 1) * (bits ? 8 : 1);
      return [count - away, count + away];
    });
    return wanted
      .filter((candidate) => candidate >= 1 && candidate <= (bits ? 2000 : 125))
      .map((candidate) => ({ count: candidate, byteCount: bits ? Math.ceil(candidate / 8) : candidate * 2 }))
      .find((candidate) => !taken.has(candidate.byteCount));
  }

  #forget(): void {
    const oldestMs = this.#now() - forgetMs;
    this.#entries = this.#entries.filter((entry) => entry.sentMs > oldestMs);
  }
}

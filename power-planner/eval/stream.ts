import type { Writable } from 'node:stream';
import { evaluateCase, evaluateLine, type NotEvaluated, readableId } from './evaluate.ts';
import { linesOf } from './lines.ts';

/** A case is a few hundred characters; what is longer than this is no case. */
const LONGEST_LINE = 1_000_000;

/**
 * One case per line in, one answer per line out, in the same order; blank lines are passed over. A case that cannot be
 * answered is answered with its error. Waits for a slow reader; nobody reading any more (`| head`) ends it and is no error.
 */
export async function evalLines(input: AsyncIterable<Buffer | string>, output: Writable): Promise<void> {
  const out = new Answers(output);
  for await (const { text, tooLong } of linesOf(input, LONGEST_LINE)) {
    if (text.trim() === '') continue;
    if (!(await out.write(tooLong ? tooLongAnswer(text) : evaluateLine(text)))) break;
  }
  await out.flushed();
}

/** The same for one JSON document: `{"cases":[…]}`, a list of cases, or one case. False: it is none, and nothing was written. */
export async function evalDocument(text: string, output: Writable): Promise<boolean> {
  const cases = casesOf(text);
  if (cases === undefined) return false;
  const out = new Answers(output);
  for (const one of cases) if (!(await out.write(evaluateCase(one)))) break;
  await out.flushed();
  return true;
}

function casesOf(text: string): readonly unknown[] | undefined {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (Array.isArray(document)) return document;
  const { cases } = (document ?? {}) as { cases?: unknown };
  return Array.isArray(cases) ? cases : [document];
}

const tooLongAnswer = (beginning: string): NotEvaluated => ({
  id: readableId(beginning),
  error: { code: 'too-long', message: `a line is longer than ${LONGEST_LINE} characters` },
});

/** Lines of JSON to a stream that may be slow or gone. */
class Answers {
  readonly #output: Writable;
  #gone = false;

  constructor(output: Writable) {
    this.#output = output;
    output.on('error', () => {
      this.#gone = true;
    });
  }

  /** Resolves when there is room for the next; false when nobody reads any more. */
  async write(answer: unknown): Promise<boolean> {
    if (this.#gone || this.#output.destroyed) return false;
    if (!this.#output.write(`${JSON.stringify(answer)}\n`)) await this.#room();
    return !this.#gone;
  }

  /** Resolves when all is written: the program may end right after. */
  flushed(): Promise<void> {
    if (this.#gone || this.#output.destroyed) return Promise.resolve();
    return new Promise((resolve) => this.#output.write('', () => resolve()));
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        for (const event of ['drain', 'close', 'error'] as const) this.#output.off(event, done);
        resolve();
      };
      for (const event of ['drain', 'close', 'error'] as const) this.#output.on(event, done);
    });
  }
}

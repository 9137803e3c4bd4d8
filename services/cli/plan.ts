import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { evaluateCase, evaluateLine } from '#planner';
import { messageOf, UserError } from '../runtime/errors.ts';

/**
 * The command `plan eval`: one case per line in, one answer per line out, in the same order; blank lines are passed over.
 * Resolves with the exit status 0 when the input was read to its end: a case that cannot be answered is answered with its error.
 * Nobody reading the output any more (`| head`) is no error.
 */
export async function evalStream(input: Readable, output: Writable): Promise<number> {
  const out = new Answers(output);
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) {
    if (line.trim() === '') continue;
    if (!(await out.write(evaluateLine(line)))) break;
  }
  lines.close();
  await out.flushed();
  return 0;
}

/**
 * The same for a whole file: `{"cases":[…]}`, a list of cases, or one case per line.
 * @throws UserError when the file cannot be read.
 */
export async function evalFile(path: string, output: Writable): Promise<number> {
  const out = new Answers(output);
  for (const answer of answersTo(await textOf(path))) {
    if (!(await out.write(answer))) break;
  }
  await out.flushed();
  return 0;
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new UserError(`${path}: ${messageOf(error)}`, 'holdover plan eval cases.json, or cases on standard input');
  }
}

function* answersTo(text: string): Generator<unknown> {
  const cases = casesOf(text);
  if (cases !== undefined) for (const one of cases) yield evaluateCase(one);
  else for (const line of text.split('\n')) if (line.trim() !== '') yield evaluateLine(line);
}

/** The cases of a file that is one JSON document; undefined when it is lines. */
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

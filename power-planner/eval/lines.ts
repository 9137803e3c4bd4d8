import { StringDecoder } from 'node:string_decoder';

/** One line of text; of one that was too long only its beginning. */
export interface Line {
  readonly text: string;
  readonly tooLong: boolean;
}

/** What is kept of a line that is too long: enough to find its id. */
const KEPT = 4096;

/** Lines of a stream, in whatever pieces it comes. No more than one line of `mostCharacters` is ever held. */
export async function* linesOf(chunks: AsyncIterable<Buffer | string>, mostCharacters: number): AsyncGenerator<Line> {
  const decoder = new StringDecoder('utf8');
  let held = '';
  let tooLong = false;
  const add = (text: string): void => {
    if (tooLong) return;
    held += text;
    if (held.length <= mostCharacters) return;
    tooLong = true;
    held = held.slice(0, KEPT);
  };
  for await (const chunk of chunks) {
    const [first = '', ...rest] = (typeof chunk === 'string' ? chunk : decoder.write(chunk)).split('\n');
    add(first);
    for (const next of rest) {
      yield { text: held.replace(/\r$/, ''), tooLong };
      held = '';
      tooLong = false;
      add(next);
    }
  }
  add(decoder.end());
  if (held !== '') yield { text: held.replace(/\r$/, ''), tooLong };
}

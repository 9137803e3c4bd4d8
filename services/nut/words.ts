/** The lines of the NUT protocol: words, quotes and escapes (net-protocol.txt, RFC 9271). */

/** More words than any request or answer has. */
const MOST_WORDS = 64;

/** A word with its quotes and escapes, blanks, or a comment. */
const TOKEN = /((?:\\.|"(?:\\.|[^"\\])*"|[^ \t\r"\\#])+)|[ \t\r]+|#.*/sy;

/**
 * The words of a line; undefined when a quote is never closed. Quotes hold blanks together, a backslash takes the next
 * character literally, a number sign begins a comment.
 */
export function wordsOf(line: string): string[] | undefined {
  const words: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < line.length && words.length < MOST_WORDS) {
    const token = TOKEN.exec(line);
    if (token === null) return undefined;
    const word = token[1];
    if (word !== undefined) words.push(word.replace(/\\(.)|"/gs, '$1'));
  }
  return words;
}

/**
 * A word of a request: in quotes only where it must be, since some servers are particular. upsd 2.8.0 begins a comment
 * at a number sign even between quotes, unless it is escaped.
 */
export const asWord = (text: string): string =>
  /^[\w.@-]+$/.test(text) ? text : `"${text.replace(/["\\#]/g, '\\$&')}"`;

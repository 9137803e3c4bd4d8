/** Longest value that is sent, so that its line stays under the 512 bytes that clients can take. */
const MOST_VALUE = 200;

/** Printable ASCII without quotes and backslashes: some clients break on anything else, even where it is escaped. */
export const plain = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/["\\]/g, "'")
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, MOST_VALUE);

/** A number as NUT writes it: no exponent, no needless digits. */
export const decimal = (value: number, digits: number): string => {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? (0).toFixed(digits) : text;
};

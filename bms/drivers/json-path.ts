/** Finding and understanding a value in JSON that somebody else publishes: the language of every mapping of ours. */

/** Words for on and off that devices use. */
const ON_WORDS: readonly (string | number | boolean)[] = [
  true,
  1,
  'on',
  '1',
  'true',
  'yes',
  'enabled',
  'enable',
  'auto',
  'up',
];
const OFF_WORDS: readonly (string | number | boolean)[] = [
  false,
  0,
  'off',
  '0',
  'false',
  'no',
  'disabled',
  'disable',
  'down',
];

/**
 * The value at a path such as `ports.{port}.on`: own members only; undefined when it is not there.
 * @param fill what stands for a placeholder in one step; a value with a dot in it stays one step
 */
export function valueAt(value: unknown, path: string, fill: (step: string) => string = (step) => step): unknown {
  let here = value;
  for (const step of path.split('.')) {
    const key = fill(step);
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, key)) return undefined;
    here = (here as Readonly<Record<string, unknown>>)[key];
  }
  return here;
}

/** Whether a value means on or off, in whatever case it is written; undefined when it means neither. */
export function onOrOff(
  value: unknown,
  on: readonly unknown[] = ON_WORDS,
  off: readonly unknown[] = OFF_WORDS,
): boolean | undefined {
  const word = typeof value === 'string' ? value.trim().toLowerCase() : value;
  const isOne = (words: readonly unknown[]): boolean => words.includes(value) || words.includes(word);
  return isOne(on) ? true : isOne(off) ? false : undefined;
}

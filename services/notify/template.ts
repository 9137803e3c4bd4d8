/** Texts with holes: `{{name}}`, and nothing else. No code, no nesting, no paths: what is filled in is never read again. */

const HOLE = /\{\{\s*([a-z-]+)\s*\}\}/gi;

/** What a text may be filled with. */
export const PLACES = ['site', 'event', 'severity', 'title', 'text', 'time', 'id', 'count'] as const;
export type Place = (typeof PLACES)[number];

/** @param encode makes a value fit where it goes, such as into a JSON string */
export const fill = (
  template: string,
  values: Readonly<Record<Place, string>>,
  encode: (value: string) => string = (value) => value,
): string =>
  template.replaceAll(HOLE, (whole, name: string) =>
    Object.hasOwn(values, name) ? encode(values[name as Place]) : whole,
  );

/** Inside the quotes of a JSON string. */
export const inJson = (value: string): string => JSON.stringify(value).slice(1, -1);

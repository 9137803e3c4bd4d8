/** How text may look where it goes: colours only where somebody sees them. */
export interface Style {
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly good: (text: string) => string;
  readonly caution: (text: string) => string;
  readonly danger: (text: string) => string;
}

const same = (text: string): string => text;

export const PLAIN: Style = { strong: same, faint: same, good: same, caution: same, danger: same };

const painted = (code: number) => (text: string) => `\u001B[${code}m${text}\u001B[0m`;

const COLOURED: Style = {
  strong: painted(1),
  faint: painted(2),
  good: painted(32),
  caution: painted(33),
  danger: painted(31),
};

/** Colours on a terminal, unless NO_COLOR (no-color.org) or a dumb terminal asks for none. */
export function styleFor(isTerminal: boolean, environment: Readonly<Record<string, string | undefined>>): Style {
  const unwanted = (environment.NO_COLOR ?? '') !== '' || environment.TERM === 'dumb';
  return isTerminal && !unwanted ? COLOURED : PLAIN;
}

/** Columns a text takes on the screen. */
export function widthOf(text: string): number {
  const [first = '', ...rest] = text.split('\u001B[');
  return [first, ...rest.map((part) => part.slice(part.indexOf('m') + 1))].reduce(
    (sum, part) => sum + [...part].length,
    0,
  );
}

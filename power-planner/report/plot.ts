import { type Attributes, element, escapeHtml, written } from './markup.ts';

/** A frame with two axes: all pictures are drawn in it, narrow enough to be read on a phone. */
export const WIDTH = 400;
export const HEIGHT = 240;
const EDGE = { left: 40, right: 14, top: 16, bottom: 34 };

export interface Axis {
  readonly min: number;
  readonly max: number;
  readonly label: string;
}

export interface Frame {
  /** From a value to a place. */
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  /** Grid, figures and labels of both axes. */
  readonly drawn: string;
  readonly inside: { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number };
}

/** The frame for these two axes; a right one leaves room for a second scale. */
export function frame(across: Axis, up: Axis, right?: Axis): Frame {
  const inside = {
    left: EDGE.left,
    right: WIDTH - EDGE.right - (right === undefined ? 0 : 26),
    top: EDGE.top,
    bottom: HEIGHT - EDGE.bottom,
  };
  const x = (value: number): number =>
    inside.left + ((value - across.min) / (across.max - across.min || 1)) * (inside.right - inside.left);
  const place = ({ min, max }: Axis) => {
    return (value: number): number => inside.bottom - ((value - min) / (max - min || 1)) * (inside.bottom - inside.top);
  };
  const y = place(up);
  const parts = ticks(across).map(
    (value) =>
      line(x(value), inside.top, x(value), inside.bottom, 'grid') +
      text(x(value), inside.bottom + 13, tick(value), { class: 'tick', 'text-anchor': 'middle' }),
  );
  for (const value of ticks(up)) {
    parts.push(line(inside.left, y(value), inside.right, y(value), 'grid'));
    parts.push(text(inside.left - 5, y(value) + 3.5, tick(value), { class: 'tick', 'text-anchor': 'end' }));
  }
  if (right !== undefined) {
    const yRight = place(right);
    for (const value of ticks(right)) {
      parts.push(text(inside.right + 5, yRight(value) + 3.5, tick(value), { class: 'tick' }));
    }
    parts.push(text(WIDTH - 4, 9, right.label, { class: 'axis', 'text-anchor': 'end' }));
  }
  parts.push(text(4, 9, up.label, { class: 'axis' }));
  parts.push(text(inside.right, HEIGHT - 5, across.label, { class: 'axis', 'text-anchor': 'end' }));
  return { x, y, drawn: parts.join(''), inside };
}

/** Three to seven round values inside an axis. */
export function ticks({ min, max }: Pick<Axis, 'min' | 'max'>): readonly number[] {
  const span = max - min;
  if (!(span > 0) || !Number.isFinite(span)) return [min];
  const raw = span / 6;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((one) => one * power >= raw) ?? 10) * power;
  const found: number[] = [];
  for (let n = Math.ceil(min / step - 1e-9); n * step <= max + step * 1e-9; n++) found.push(n * step);
  return found;
}

const tick = (value: number): string => String(Number(value.toPrecision(6)));

export const line = (x1: number, y1: number, x2: number, y2: number, name: string): string =>
  element('line', { x1, y1, x2, y2, class: name });

export const text = (x: number, y: number, content: string, attributes: Attributes = {}): string =>
  element('text', { x, y, ...attributes }, escapeHtml(content));

/** A line through places, as the data of a path. */
export const pathThrough = (places: readonly (readonly [number, number])[]): string =>
  places.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${written(x)} ${written(y)}`).join('');

/** A whole picture with a title for who cannot see it. */
export function picture(title: string, height: number, ...parts: readonly string[]): string {
  return element(
    'svg',
    {
      viewBox: `0 0 ${WIDTH} ${written(height)}`,
      role: 'img',
      'aria-label': title,
      xmlns: 'http://www.w3.org/2000/svg',
    },
    element('title', {}, escapeHtml(title)),
    ...parts,
  );
}

/** Text that is cut when it is longer than so many characters. */
export const short = (content: string, most: number): string => {
  const characters = [...content];
  return characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : content;
};

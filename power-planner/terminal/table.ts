import { type Style, widthOf } from './style.ts';

/** A table in columns: the first is text on the left, the others stand on the right unless `left` names them. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  style: Style,
  left: readonly number[] = [0],
): string[] {
  const widths = head.map((title, i) => Math.max(widthOf(title), ...rows.map((row) => widthOf(row[i] ?? ''))));
  const line = (cells: readonly string[]): string =>
    `  ${head.map((_, i) => padded(cells[i] ?? '', widths[i] ?? 0, left.includes(i))).join('  ')}`.trimEnd();
  return [style.faint(line(head)), ...rows.map(line)];
}

function padded(text: string, width: number, left: boolean): string {
  const space = ' '.repeat(Math.max(width - widthOf(text), 0));
  return left ? text + space : space + text;
}

/** Names and what they are, one pair a line. */
export function pairs(rows: readonly (readonly [name: string, value: string])[], style: Style): string[] {
  const width = Math.max(0, ...rows.map(([name]) => widthOf(name)));
  return rows.map(([name, value]) => `  ${style.faint(padded(name, width, true))}  ${value}`);
}

/** Text in lines of at most so many columns; the first after `first`, the others indented as far. */
export function wrapped(first: string, text: string, columns: number): string[] {
  const indent = ' '.repeat(widthOf(first));
  const room = Math.max(columns - indent.length, 20);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > room) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines.map((each, i) => (i === 0 ? first + each : indent + each));
}

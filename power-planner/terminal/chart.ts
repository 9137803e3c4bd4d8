/** Small pictures of characters. */

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar of at most `columns` characters for a share; one above 1 ends in an arrow. */
export function bar(ratio: number, columns: number): string {
  if (!(ratio > 0)) return '';
  if (ratio > 1 + 1e-9) return `${'█'.repeat(Math.max(columns - 1, 0))}▶`;
  const eighths = Math.max(Math.round(ratio * columns * 8), 1);
  return '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface PlotOptions {
  readonly columns: number;
  readonly rows: number;
  readonly xLabel: (value: number) => string;
  readonly yLabel: (value: number) => string;
}

/** Bit of each dot in a braille character, by row and column (Unicode 28xx). */
const DOTS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;

/** A line through points of rising x, straight in between, in braille dots with the ends of both axes named. */
export function plot(points: readonly Point[], { columns, rows, xLabel, yLabel }: PlotOptions): string[] {
  const [first] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined || !(last.x > first.x)) return [];
  const ys = points.map(({ y }) => y);
  const high = Math.max(...ys);
  const low = Math.min(...ys);
  const span = high - low || 1;
  const cells = new Uint8Array(columns * rows);
  const dot = (column: number, row: number): void => {
    const cell = Math.floor(row / 4) * columns + Math.floor(column / 2);
    cells[cell] = (cells[cell] ?? 0) | (DOTS[row % 4]?.[column % 2] ?? 0);
  };
  let before: number | undefined;
  for (let column = 0; column < columns * 2; column++) {
    const y = at(points, first.x + ((last.x - first.x) * column) / (columns * 2 - 1));
    const row = Math.round(((high - y) / span) * (rows * 4 - 1));
    const from = Math.min(before ?? row, row);
    for (let each = from; each <= Math.max(before ?? row, row); each++) dot(column, each);
    before = row;
  }
  const labels = [yLabel(high), yLabel(low)];
  const margin = Math.max(...labels.map((label) => label.length));
  const lines = Array.from({ length: rows }, (_, row) => {
    const text = [...cells.subarray(row * columns, (row + 1) * columns)].map((bits) =>
      String.fromCodePoint(0x2800 + bits),
    );
    const label = row === 0 ? labels[0] : row === rows - 1 ? labels[1] : '';
    return `  ${(label ?? '').padStart(margin)} ┤${text.join('')}`;
  });
  const ends = [xLabel(first.x), xLabel(last.x)];
  const gap = ' '.repeat(Math.max(columns - (ends[0]?.length ?? 0) - (ends[1]?.length ?? 0), 1));
  return [...lines, `  ${' '.repeat(margin)}  ${ends[0]}${gap}${ends[1]}`];
}

function at(points: readonly Point[], x: number): number {
  let before = points[0];
  for (const point of points) {
    if (point.x >= x && before !== undefined) {
      const width = point.x - before.x;
      return width > 0 ? before.y + ((point.y - before.y) * (x - before.x)) / width : point.y;
    }
    before = point;
  }
  return before?.y ?? 0;
}

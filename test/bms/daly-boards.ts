/** Classic Daly boards on one line, written from the note: `A5 address command 08 data×8 sum`. */

export const CELLS = 4;

/** The answer of a board to a request; `undefined` where it is not meant, or knows no such command. Board n has 40 + n volts. */
export function dalyAnswer(board: number, request: Uint8Array): Uint8Array | undefined {
  const [start, host, command = 0] = request;
  if (request.length !== 13 || start !== 0xa5 || host !== 0x40 + board - 1) return undefined;
  if ((request.slice(0, 12).reduce((sum, byte) => sum + byte, 0) & 0xff) !== request[12]) return undefined;
  const data = ANSWERS[command]?.(board);
  return data === undefined ? undefined : frame(board, command, data);
}

const word = (value: number): number[] => [value >> 8, value & 0xff];

const ANSWERS: Readonly<Record<number, (board: number) => number[]>> = {
  // 0x90: voltage, gathered, current (30000 is none), charge
  144: (board) => [...word((40 + board) * 10), 0, 0, ...word(30_000), ...word(500)],
  147: () => [0, 1, 1, 0, 0, 0, 0xc3, 0x50],
  148: () => [CELLS, 1, 0, 0, 0, 0, 7],
  // 0x96: one sensor at 20 °C
  150: () => [1, 60],
  // 0x98: no fault
  152: () => [],
  // 0x59: cells too high and too low, two levels each
  89: () => [...word(3600), ...word(3650), ...word(2800), ...word(2700)],
  80: () => [0, 1, 0x86, 0xa0, 0, 0, 0x0c, 0xe4],
};

/** All frames of the cells; the note numbers them from 1. */
export function dalyCells(board: number): Uint8Array {
  const cell = word(Math.round(((40 + board) / CELLS) * 100));
  return Uint8Array.of(
    ...frame(board, 0x95, [1, ...cell, ...cell, ...cell]),
    ...frame(board, 0x95, [2, ...cell, 0, 0, 0, 0]),
  );
}

export function frame(board: number, command: number, data: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(13);
  bytes.set([0xa5, board, command, 8, ...data]);
  bytes[12] = bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
  return bytes;
}

/** What the line says to a request: of the boards that are there. */
export function dalyLine(boards: readonly number[], request: Uint8Array): Uint8Array | undefined {
  for (const board of boards) {
    if (request[1] === 0x40 + board - 1 && request[2] === 0x95) return dalyCells(board);
    const answer = dalyAnswer(board, request);
    if (answer !== undefined) return answer;
  }
  return undefined;
}

import { ApiError } from './api-error.ts';

const LF = 0x0a;

/** Cuts a byte stream into lines, whatever its chunks look like. A line beyond `maxBytes` is refused, not collected. */
export class LineCutter {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #size = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that `chunk` completes, without their line feed; empty lines are left out. Throws an ApiError `bad-answer`. */
  push(chunk: Buffer): readonly string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf(LF, from); end >= 0; end = chunk.indexOf(LF, from)) {
      this.#keep(chunk.subarray(from, end));
      const line = Buffer.concat(this.#parts, this.#size).toString('utf8').trim();
      if (line !== '') lines.push(line);
      this.#parts = [];
      this.#size = 0;
      from = end + 1;
    }
    this.#keep(chunk.subarray(from));
    return lines;
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return;
    this.#size += part.length;
    if (this.#size > this.#maxBytes) {
      throw new ApiError('bad-answer', `a line of the stream is longer than ${this.#maxBytes} bytes`);
    }
    this.#parts.push(part);
  }
}

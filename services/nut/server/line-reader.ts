/** Longest request line that is read, bytes. */
export const MOST_LINE_BYTES = 2048;

/** Cuts what a client sends into lines. A line that is too long is reported once, as undefined, and dropped to its end. */
export class LineReader {
  #rest = '';
  #dropping = false;

  push(chunk: Uint8Array): (string | undefined)[] {
    const parts = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1').split('\n');
    const open = parts.pop() ?? '';
    const lines: (string | undefined)[] = [];
    for (const part of parts) {
      const line = this.#rest + part;
      this.#rest = '';
      if (this.#dropping) this.#dropping = false;
      else lines.push(line.length > MOST_LINE_BYTES ? undefined : line);
    }
    if (!this.#dropping) this.#rest += open;
    if (this.#rest.length > MOST_LINE_BYTES) {
      lines.push(undefined);
      this.#rest = '';
      this.#dropping = true;
    }
    return lines;
  }
}

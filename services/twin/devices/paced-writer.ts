/**
 * Lets bytes leave as slowly as a serial line does: on a pty or a socket the line speed means nothing, so the time a
 * reply takes has to be made. Writes queue up behind each other.
 */
export class PacedWriter {
  readonly #send: (bytes: Uint8Array) => void;
  readonly #bytesPerS: number;
  readonly #queue: Uint8Array[] = [];
  #timer: NodeJS.Timeout | undefined;
  #startedMs = 0;
  #sent = 0;

  /** `bytesPerS` infinite: everything leaves at once. */
  constructor(send: (bytes: Uint8Array) => void, bytesPerS: number) {
    this.#send = send;
    this.#bytesPerS = bytesPerS;
  }

  write(bytes: Uint8Array): void {
    if (this.#bytesPerS === Number.POSITIVE_INFINITY) {
      this.#send(bytes);
      return;
    }
    this.#queue.push(bytes);
    if (this.#timer === undefined) {
      this.#startedMs = performance.now();
      this.#sent = 0;
      this.#timer = setInterval(() => this.#pump(), 8);
    }
  }

  /** Drops what has not left yet. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#queue.length = 0;
  }

  #pump(): void {
    const due = Math.floor(((performance.now() - this.#startedMs) / 1000) * this.#bytesPerS) - this.#sent;
    let left = due;
    while (left > 0) {
      const head = this.#queue.shift();
      if (head === undefined) {
        this.stop();
        return;
      }
      const part = head.subarray(0, left);
      if (part.length < head.length) this.#queue.unshift(head.subarray(part.length));
      left -= part.length;
      this.#sent += part.length;
      this.#send(part);
    }
  }
}

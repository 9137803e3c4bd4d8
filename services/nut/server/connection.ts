import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { LineReader } from './line-reader.ts';
import type { Reply, Session } from './session.ts';

const HANDSHAKE_MS = 10_000;
/** More than a few of our largest answers. */
const MOST_UNSENT_BYTES = 64 * 1024;

export interface ConnectionOptions {
  readonly session: Session;
  readonly idleMs: number;
  /** A client that does not read what it asked for is dropped after this, ms. */
  readonly patienceMs: number;
  readonly secure?: SecureContext | undefined;
  /** After every answer. */
  readonly onAnswer: () => void;
  /** Once: `slow` and `idle` are our doing, `gone` is the client's. */
  readonly onEnd: (why: 'gone' | 'slow' | 'idle' | 'stop') => void;
}

/**
 * One client: reads its lines, answers each with one write, and reads no further while it does not take the answers.
 * Nothing it does can hold up anybody else.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  #socket: Socket;
  #reader = new LineReader();
  readonly #waiting: (string | undefined)[] = [];
  #busy = false;
  #ended = false;
  #slow: NodeJS.Timeout | undefined;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#options = options;
    this.#socket = socket;
    socket.setNoDelay(true);
    this.#listen(socket);
  }

  close(why: 'gone' | 'slow' | 'idle' | 'stop'): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#slow);
    this.#waiting.length = 0;
    this.#socket.destroy();
    this.#options.session.ended(why === 'stop');
    this.#options.onEnd(why);
  }

  #listen(socket: Socket): void {
    socket.setTimeout(this.#options.idleMs, () => this.close('idle'));
    socket.on('data', (chunk: Buffer) => {
      this.#waiting.push(...this.#reader.push(chunk));
      void this.#work();
    });
    socket.on('error', () => this.close('gone'));
    socket.on('close', () => this.close('gone'));
    socket.on('end', () => this.close('gone'));
  }

  /** Answers what is waiting, one after the other. */
  async #work(): Promise<void> {
    if (this.#busy || this.#waiting.length === 0) return;
    this.#busy = true;
    const { session } = this.#options;
    while (this.#waiting.length > 0 && !this.#ended) {
      const answer = session.answer(this.#waiting.shift());
      if (answer instanceof Promise || answer.delayMs !== undefined || this.#socket.writableLength > MOST_UNSENT_BYTES)
        this.#socket.pause();
      const reply = await answer;
      if (reply.delayMs !== undefined) await pause(reply.delayMs);
      if (this.#ended) return;
      if (reply.next === 'tls') return this.#secure(reply);
      this.#write(reply);
      if (reply.next === 'close') return;
      await this.#roomToWrite();
    }
    this.#busy = false;
    if (!this.#ended) this.#socket.resume();
  }

  #write({ text, next }: Reply): void {
    this.#options.onAnswer();
    if (next !== 'close') {
      this.#socket.write(text, 'latin1');
      return;
    }
    // The client may be gone already: that is no error.
    this.#socket.end(text, 'latin1', () => this.close('gone'));
    this.#slow = setTimeout(() => this.close('slow'), this.#options.patienceMs);
  }

  async #roomToWrite(): Promise<void> {
    if (this.#socket.writableLength <= MOST_UNSENT_BYTES) return;
    this.#socket.pause();
    this.#slow = setTimeout(() => this.close('slow'), this.#options.patienceMs);
    await new Promise<void>((resolve) => {
      this.#socket.once('drain', resolve);
      this.#socket.once('close', () => resolve());
    });
    clearTimeout(this.#slow);
  }

  /** Everything that came in the clear behind STARTTLS is thrown away: nobody knows who wrote it. */
  #secure({ text }: Reply): void {
    const { secure, session, onAnswer } = this.#options;
    const plain = this.#socket;
    plain.pause();
    plain.removeAllListeners('data');
    plain.removeAllListeners('end');
    plain.removeAllListeners('close');
    plain.removeAllListeners('timeout');
    this.#waiting.length = 0;
    this.#reader = new LineReader();
    onAnswer();
    plain.write(text, 'latin1', () => {
      if (this.#ended) return;
      const socket = new TLSSocket(plain, {
        isServer: true,
        ...(secure === undefined ? {} : { secureContext: secure }),
      });
      this.#socket = socket;
      this.#slow = setTimeout(() => this.close('slow'), HANDSHAKE_MS);
      this.#listen(socket);
      socket.once('secure', () => {
        clearTimeout(this.#slow);
        session.secured();
        this.#busy = false;
        void this.#work();
      });
    });
  }
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });

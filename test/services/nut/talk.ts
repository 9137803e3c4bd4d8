import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { until } from '../telemetry/peers.ts';

/** A client that sends exactly what it is told, and shows exactly what comes back. */
export class Talk {
  #socket: Socket;
  readonly #news = new EventEmitter();
  #text = '';
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen();
  }

  static async to(port: number): Promise<Talk> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await once(socket, 'connect');
    return new Talk(socket);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Everything that has come and was not taken yet. */
  get pending(): string {
    return this.#text;
  }

  get socket(): Socket {
    return this.#socket;
  }

  send(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  /** One request, and its line or its whole block without the last line end. */
  async ask(request: string): Promise<string> {
    this.send(`${request}\n`);
    return await this.answer();
  }

  async asks(...requests: readonly string[]): Promise<string[]> {
    const answers: string[] = [];
    for (const request of requests) answers.push(await this.ask(request));
    return answers;
  }

  /** The next answer: one line, or a block up to its END. */
  async answer(): Promise<string> {
    for (;;) {
      const answer = this.#take();
      if (answer !== undefined) return answer;
      await Promise.race([once(this.#news, 'some'), late()]);
    }
  }

  async gone(): Promise<void> {
    await until('the connection is closed', () => this.#closed);
  }

  async secure(): Promise<void> {
    const plain = this.#socket;
    plain.removeAllListeners('data');
    plain.removeAllListeners('close');
    const socket = connectTls({ socket: plain, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    this.#socket = socket;
    this.#listen();
  }

  close(): void {
    this.#socket.destroy();
  }

  #listen(): void {
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (text: string) => {
      this.#text += text;
      this.#news.emit('some');
    });
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.#closed = true;
      this.#news.emit('some');
    });
  }

  #take(): string | undefined {
    const first = this.#text.indexOf('\n');
    if (first < 0) {
      if (this.#closed) throw new Error(`closed before an answer; left: ${JSON.stringify(this.#text)}`);
      return undefined;
    }
    const line = this.#text.slice(0, first);
    const end = line.startsWith('BEGIN ') ? `\nEND ${line.slice(6)}\n` : '\n';
    const at = this.#text.indexOf(end, first);
    if (at < 0) return undefined;
    const answer = this.#text.slice(0, at + end.length - 1);
    this.#text = this.#text.slice(at + end.length);
    return answer;
  }
}

const late = (): Promise<never> =>
  wait(20_000, undefined, { ref: false }).then(() => {
    throw new Error('waited in vain for an answer');
  });

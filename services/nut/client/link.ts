import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { NutError } from './nut-error.ts';

/** Longest a server may take to connect, to shake hands, or to answer one request, ms. */
const DEADLINE_MS = 3_000;
/** More than the largest LIST VAR of any UPS; a server that sends more is cut off. */
const MOST_BYTES = 256 * 1024;
/** upsd 2.8.0 cuts an answer's line after so many characters and forgets its end, so that the next one is glued to it. */
const CUT_AT = 511;
const NEXT_LINE = /^(VAR|END LIST|UPS|CMD|RW|CLIENT|TYPE|DESC) /;

export interface LinkAddress {
  readonly host: string;
  readonly port: number;
}

export interface LinkTls {
  readonly ca?: string;
  readonly insecure: boolean;
}

/** One connection to a NUT server, one request at a time. After an error it is closed and useless. */
export class NutLink {
  readonly #name: string;
  #socket: Socket | TLSSocket;
  #received = '';
  #failure: NutError | undefined;
  #wake: (() => void) | undefined;

  private constructor(name: string, socket: Socket) {
    this.#name = name;
    this.#socket = socket;
    this.#listen(socket);
  }

  /** @throws NutError `unreachable` or `timeout` */
  static async open({ host, port }: LinkAddress, signal: AbortSignal): Promise<NutLink> {
    const socket = connect({ host, port, noDelay: true });
    const name = `${host}:${port}`;
    await within(signal, socket, `no NUT server answers at ${name}`, (resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', (error: NodeJS.ErrnoException) =>
        reject(new NutError('unreachable', `no NUT server at ${name} (${error.code ?? error.message})`)),
      );
    });
    return new NutLink(name, socket);
  }

  get usable(): boolean {
    return this.#failure === undefined;
  }

  /** Changes to TLS. @throws NutError `tls` when the server has none, or its certificate is not trusted */
  async startTls({ ca, insecure }: LinkTls, host: string, signal: AbortSignal): Promise<void> {
    const answer = await this.ask('STARTTLS', signal);
    if (!answer.startsWith('OK')) throw this.#fail(new NutError('tls', `${this.#name} has no TLS: ${answer}`));
    if (this.#received !== '') throw this.#fail(new NutError('tls', `${this.#name} sent clear text behind STARTTLS`));
    const plain = this.#socket;
    plain.removeAllListeners('data');
    plain.removeAllListeners('close');
    const socket = connectTls({
      socket: plain,
      rejectUnauthorized: !insecure,
      ...(/^[\d.:]+$/.test(host) ? { host } : { servername: host }),
      ...(ca === undefined ? {} : { ca }),
    });
    this.#socket = socket;
    await within(signal, socket, `${this.#name} did not finish the TLS handshake`, (resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', (error) => reject(new NutError('tls', `${this.#name}: TLS failed: ${error.message}`)));
    });
    this.#listen(socket);
  }

  /** One request and its one line. @throws NutError when the server closes or does not answer in time */
  async ask(request: string, signal: AbortSignal): Promise<string> {
    this.#send(request);
    return await this.#line(signal);
  }

  /** One LIST request and the lines of its block. An `ERR …` is returned as the only line. */
  async list(
    what: string,
    signal: AbortSignal,
  ): Promise<{ readonly lines: readonly string[]; readonly error?: string }> {
    this.#send(`LIST ${what}`);
    const first = await this.#line(signal);
    if (first.startsWith('ERR')) return { lines: [], error: first };
    if (first !== `BEGIN LIST ${what}`) throw this.#unexpected(first);
    const lines: string[] = [];
    for (;;) {
      for (const line of unglued(await this.#line(signal))) {
        if (line === `END LIST ${what}`) return { lines };
        lines.push(line);
      }
    }
  }

  close(): void {
    this.#fail(new NutError('closed', `${this.#name}: closed by us`));
  }

  #send(request: string): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#received !== '')
      throw this.#fail(new NutError('protocol', `${this.#name} said something nobody asked for`));
    this.#socket.write(`${request}\n`);
  }

  async #line(signal: AbortSignal): Promise<string> {
    const timer = setTimeout(
      () => this.#fail(new NutError('timeout', `${this.#name} did not answer within ${DEADLINE_MS / 1000} s`)),
      DEADLINE_MS,
    );
    const aborted = (): void => {
      this.#fail(new NutError('closed', `${this.#name}: given up`));
    };
    signal.addEventListener('abort', aborted, { once: true });
    if (signal.aborted) aborted();
    try {
      for (;;) {
        const end = this.#received.indexOf('\n');
        if (end >= 0) {
          const line = this.#received.slice(0, end).replace(/\r$/, '');
          this.#received = this.#received.slice(end + 1);
          return line;
        }
        if (this.#failure !== undefined) throw this.#failure;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
    }
  }

  #listen(socket: Socket | TLSSocket): void {
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#received += text;
      if (this.#received.length > MOST_BYTES)
        this.#fail(new NutError('protocol', `${this.#name} sends without end; is this a NUT server?`));
      this.#wake?.();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#fail(new NutError('closed', `${this.#name}: connection lost (${error.code ?? error.message})`));
    });
    socket.on('close', () => {
      this.#fail(new NutError('closed', `${this.#name} closed the connection`));
    });
  }

  #unexpected(line: string): NutError {
    return this.#fail(
      new NutError('protocol', `${this.#name} answered "${line.slice(0, 60)}", which is no answer to that`),
    );
  }

  #fail(error: NutError): NutError {
    this.#failure ??= error;
    this.#socket.destroy();
    this.#wake?.();
    return error;
  }
}

/** Runs `begin` with a deadline; the socket is destroyed when it fails. */
async function within(
  signal: AbortSignal,
  socket: Socket,
  late: string,
  begin: (resolve: () => void, reject: (error: Error) => void) => void,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let abort = (): void => {};
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new NutError('timeout', `${late} within ${DEADLINE_MS / 1000} s`)), DEADLINE_MS);
      abort = () => reject(new NutError('closed', 'given up'));
      signal.addEventListener('abort', abort, { once: true });
      if (signal.aborted) abort();
      begin(resolve, reject);
    });
  } catch (error) {
    socket.on('error', () => {});
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

/** The lines in what arrived as one: lines that were cut without their end are told by where the next one begins. */
export function unglued(line: string): string[] {
  const lines: string[] = [];
  let rest = line;
  while (rest.length > CUT_AT && NEXT_LINE.test(rest.slice(CUT_AT))) {
    lines.push(rest.slice(0, CUT_AT));
    rest = rest.slice(CUT_AT);
  }
  return [...lines, rest];
}

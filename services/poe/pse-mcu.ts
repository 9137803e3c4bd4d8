import { BridgeError, type ByteExchange, pause } from '#bridge';
import { ImplausibleError } from './i2c-registers.ts';
import { broadcom, type PseDialect, realtek } from './pse-dialects.ts';
import { acceptPseFrame, pseFrame } from './pse-frame.ts';
import { decodeInfo, type PseInfo } from './pse-replies.ts';

/** Talks with a PSE microcontroller: finds out its dialect by reading, and asks again what was lost. */

/** Answers take 10 to 50 ms. */
const TIMEOUT_MS = 500;
const AFTER_ERROR_MS = 100;
const MOST_TRIES = 5;
const MOST_SILENCES = 2;

export interface KnownMcu {
  readonly dialect: PseDialect;
  readonly info: PseInfo;
}

interface Question<T> {
  readonly label: string;
  readonly command: number;
  readonly data?: readonly number[];
  /** In place of the next number. */
  readonly sequence?: number;
  /** @throws ImplausibleError */
  readonly decode: (frame: Uint8Array) => T;
}

const NEVER = new AbortController().signal;

export class PseMcu {
  readonly #exchange: ByteExchange;
  #known: KnownMcu | undefined;
  #sequence = 0;

  constructor(exchange: ByteExchange) {
    this.#exchange = exchange;
  }

  get name(): string {
    return this.#exchange.name;
  }

  /** Which dialect answers to a read; asked once, and again after a silence. @throws BridgeError */
  async known(signal?: AbortSignal): Promise<KnownMcu> {
    this.#known ??= await this.#probe(signal);
    return this.#known;
  }

  /** One answer. @throws BridgeError */
  async ask<T>(question: Question<T>, signal?: AbortSignal): Promise<T> {
    let silences = 0;
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#askOnce(question, signal);
      } catch (error) {
        const failure = this.#failure(error);
        if (failure.code === 'timeout') silences += 1;
        if (!failure.retryable || tries >= MOST_TRIES || silences >= MOST_SILENCES || failure.code === 'closed') {
          // Another controller may answer next time.
          if (failure.code !== 'refused') this.#known = undefined;
          throw failure;
        }
        await pause(AFTER_ERROR_MS, signal ?? NEVER).catch(() => undefined);
      }
    }
  }

  close(): Promise<void> {
    return this.#exchange.close();
  }

  async #askOnce<T>({ label, command, data, sequence, decode }: Question<T>, signal?: AbortSignal): Promise<T> {
    this.#sequence = (this.#sequence + 1) & 0xff;
    const number = sequence ?? this.#sequence;
    const frame = await this.#exchange.request({
      label: `poe-serial ${label}`,
      bytes: pseFrame(command, number, data),
      accept: (received) => acceptPseFrame(command, number, received),
      timeoutMs: TIMEOUT_MS,
      tries: 1,
      ...(signal === undefined ? {} : { signal }),
    });
    return decode(frame);
  }

  async #probe(signal?: AbortSignal): Promise<KnownMcu> {
    const found: KnownMcu[] = [];
    const failures: BridgeError[] = [];
    for (const dialect of [broadcom, realtek]) {
      const command = dialect.commands.info;
      try {
        const info = await this.ask({ label: `info ${dialect.id}`, command, decode: decodeInfo }, signal);
        if (dialect.knows(info)) found.push({ dialect, info });
        else failures.push(this.#strange(`0x${info.deviceId.toString(16)} is no ${dialect.id} controller`));
      } catch (error) {
        const failure = this.#failure(error);
        if (failure.code !== 'timeout' && failure.code !== 'refused') throw failure;
        failures.push(failure);
      }
    }
    const [only, another] = found;
    if (only !== undefined && another === undefined) return only;
    if (only !== undefined) throw this.#strange('both dialects answer, so neither is believed');
    const starting = failures.find(({ reason }) => reason === 'request_checksum' || reason === 'not_ready');
    const said = failures.map(({ message }) => message.replace(`${this.name}: `, '')).join('; ');
    if (starting !== undefined)
      throw new BridgeError('refused', this.name, `${said} (it takes 20 s after power-on)`, {
        reason: 'not_ready',
        retryable: true,
      });
    const hint = 'check wiring and baud rate, and that no other program such as realtek-poe has the line';
    const code = failures.every((each) => each.code === 'timeout') ? 'timeout' : 'refused';
    throw new BridgeError(code, this.name, `neither dialect answers, so nothing is written: ${said} (${hint})`, {
      reason: 'unknown_dialect',
      retryable: true,
    });
  }

  #strange(said: string): BridgeError {
    return new BridgeError('refused', this.name, said, { reason: 'unknown_dialect', retryable: true });
  }

  #failure(error: unknown): BridgeError {
    if (error instanceof BridgeError) return error;
    const said = error instanceof Error ? error.message : String(error);
    const reason = error instanceof ImplausibleError ? 'implausible' : 'bad_answer';
    return new BridgeError('refused', this.name, said, { reason, retryable: true, cause: error });
  }
}

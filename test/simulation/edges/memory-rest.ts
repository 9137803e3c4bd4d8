import { ApiError } from '../../../services/cluster/api-error.ts';
import { errorFromAnswer, type Rest, type RestRequest } from '../../../services/cluster/rest.ts';
import type { Clock } from '../../../services/runtime/clock.ts';
import type { ClusterWorld } from '../../../services/twin/cluster/words.ts';
import type { Handler } from '../../../services/twin/devices/kubernetes-api/handler.ts';
import type { Reply } from '../../../services/twin/devices/kubernetes-api/status.ts';
import { WatchStream } from '../../../services/twin/devices/kubernetes-api/watch.ts';

/** How the way to the server is at one moment. */
export interface Way {
  /** No connection at all. */
  readonly gone: boolean;
  /** The request is lost on its way, or its answer is. */
  readonly loses: 'request' | 'answer' | undefined;
  readonly delayMs: number;
}

interface MemoryApi {
  readonly handler: Handler;
  readonly cluster: ClusterWorld;
  /** The caller's: it stops when its process dies. */
  readonly clock: Clock;
  readonly wallMs: () => number;
  way(): Way;
}

const TIMEOUT_MS = 5_000;

/** The API server of the twin without a wire between, in virtual time. */
export class MemoryRest implements Rest {
  readonly server = 'memory';
  readonly timeoutMs = TIMEOUT_MS;
  readonly #api: MemoryApi;
  readonly #closed = new AbortController();

  constructor(api: MemoryApi) {
    this.#api = api;
  }

  async call(request: RestRequest): Promise<{ body: unknown; serverNowMs: number }> {
    const { loses } = await this.#reach(request);
    const answer = this.#ask(request);
    if ('watch' in answer) throw new ApiError('bad-answer', 'a watch is not a call');
    await this.#lost(loses === 'answer', request);
    if (answer.status > 299) throw refusal(request, answer);
    // Nothing that is changed on one side changes on the other.
    return { body: structuredClone(answer.body), serverNowMs: Math.floor(this.#api.wallMs() / 1000) * 1000 };
  }

  async stream(request: RestRequest & { readonly signal: AbortSignal }): Promise<AsyncIterable<Buffer>> {
    await this.#reach(request);
    const answer = this.#ask(request);
    if (!('watch' in answer)) throw refusal(request, answer);
    const pipe = new Pipe(AbortSignal.any([request.signal, this.#closed.signal]), () => this.#api.way().gone);
    const later = (ms: number, ring: () => void): (() => void) => {
      const { signal, disarm } = this.within(ms);
      signal.addEventListener('abort', ring, { once: true });
      return disarm;
    };
    new WatchStream(pipe, this.#api.cluster, answer.watch, () => false, later).start();
    return pipe.chunks();
  }

  within(ms: number): { signal: AbortSignal; disarm(): void } {
    const over = new AbortController();
    const stop = new AbortController();
    this.#api.clock.sleep(ms, stop.signal).then(
      () => over.abort(),
      () => undefined,
    );
    return { signal: over.signal, disarm: () => stop.abort() };
  }

  close(): void {
    this.#closed.abort();
  }

  async #reach(request: RestRequest): Promise<Way> {
    const signal = AbortSignal.any([this.#closed.signal, ...(request.signal === undefined ? [] : [request.signal])]);
    const way = this.#api.way();
    try {
      await this.#api.clock.sleep(Math.min(way.delayMs, TIMEOUT_MS), signal);
    } catch {
      throw new ApiError('aborted', `${request.method} ${request.path}: given up`);
    }
    if (this.#api.way().gone) throw new ApiError('unreachable', `${request.path}: connection refused`);
    await this.#lost(way.loses === 'request' || way.delayMs >= TIMEOUT_MS, request);
    return way;
  }

  async #lost(lost: boolean, { path }: RestRequest): Promise<void> {
    if (!lost) return;
    await this.#api.clock.sleep(TIMEOUT_MS);
    throw new ApiError('timeout', `${path}: no answer`);
  }

  #ask({ method, path, query = {}, body, contentType = 'application/json' }: RestRequest) {
    const pairs = Object.entries(query).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]]));
    return this.#api.handler.answer({
      method,
      target: `${path}?${new URLSearchParams(pairs)}`,
      contentType,
      accept: 'application/json',
      body: body === undefined ? '' : JSON.stringify(body),
    });
  }
}

const refusal = (request: RestRequest, { status, body }: Reply): ApiError =>
  errorFromAnswer(request, { statusCode: status, headers: {} }, JSON.stringify(body));

/** What a watch writes, read as it comes. */
class Pipe {
  readonly writableLength = 0;
  readonly #signal: AbortSignal;
  readonly #broken: () => boolean;
  readonly #listeners: (() => void)[] = [];
  #lines: string[] = [];
  #over = false;
  #wake: () => void = () => undefined;

  constructor(signal: AbortSignal, broken: () => boolean) {
    this.#signal = signal;
    this.#broken = broken;
    signal.addEventListener('abort', () => this.destroy(), { once: true });
  }

  write(line: string): void {
    // Nobody hears what is said into a broken connection, and what comes after a gap must not look whole.
    if (this.#broken()) this.destroy();
    if (!this.#over) this.#lines.push(line);
    this.#wake();
  }

  end(): void {
    this.destroy();
  }

  destroy(): void {
    if (this.#over) return;
    this.#over = true;
    for (const listener of this.#listeners) listener();
    this.#wake();
  }

  on(_event: 'close', listener: () => void): void {
    this.#listeners.push(listener);
  }

  async *chunks(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        const lines = this.#lines.join('');
        this.#lines = [];
        if (lines !== '') yield Buffer.from(lines);
        else if (this.#signal.aborted) throw new ApiError('aborted', 'the watch was given up');
        else if (this.#over) return;
        else
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
      }
    } finally {
      this.destroy();
    }
  }
}

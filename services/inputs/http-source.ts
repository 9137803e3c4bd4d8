import type { BoundMapping, MappingDriver, Sample } from '#bms';
import type { Clock } from '../runtime/clock.ts';
import type { Source } from '../runtime/poller.ts';
import { quoted, WebError } from '../runtime/web-error.ts';
import type { WebLink } from '../runtime/web-link.ts';
import { InputError } from './input-error.ts';
import { Memory } from './memory.ts';

export interface HttpSourceOptions {
  readonly id: string;
  readonly driver: MappingDriver;
  readonly bound: BoundMapping;
  readonly everyMs: number;
  readonly staleAfterMs: number;
  readonly invertCurrent?: boolean | undefined;
  /** Headers of every request, secrets among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** What no message may quote. */
  readonly secrets: readonly string[];
  readonly clock: Clock;
  readonly wire: Clock;
}

/** A device that answers requests with JSON. Every poll starts anew: what an answer lacks is absent. */
export function httpSource(link: WebLink, options: HttpSourceOptions): Source<Sample> {
  const { id, driver, bound, everyMs, staleAfterMs, invertCurrent, headers, secrets, clock, wire } = options;

  async function ask(request: string, signal: AbortSignal): Promise<string> {
    // A query may hold a key, so it stays out of messages.
    const [path = '/', ...query] = request.split('?');
    const answer = await link.request(
      { method: 'GET', path, ...(query.length === 0 ? {} : { secretQuery: query.join('?') }), headers },
      signal,
    );
    const { status } = answer;
    const what = `GET ${path}`;
    if (status >= 200 && status < 300) return answer.text;
    if (status === 401) throw new WebError('credentials', link.name, `${what} was turned down`);
    if (status === 403) throw new WebError('forbidden', link.name, `${what} is not allowed`);
    if (status >= 500) throw new WebError('restarting', link.name, `${what} was answered with ${status}`);
    throw new WebError(
      'rejected',
      link.name,
      `${what} was answered with ${status} ${quoted(answer.text, secrets)}`.trimEnd(),
    );
  }

  async function poll(signal: AbortSignal): Promise<Sample> {
    const memory = new Memory(driver, bound, staleAfterMs);
    for (const request of bound.requests) {
      const text = await ask(request, signal);
      memory.take(request, text, { monoMs: wire.monoMs(), wallMs: clock.wallMs(), retained: false });
      if (memory.refusal !== undefined)
        throw new InputError(
          'bad_answer',
          `the answer to ${request.split('?')[0]} cannot be read: ${memory.refusal.split(': ').pop()}`,
        );
    }
    if (memory.changes === 0 && !memory.away)
      throw new InputError('incomplete', `the answer holds nothing that mapping ${driver.id} knows`);
    return memory.sample(wire.monoMs(), clock.wallMs(), invertCurrent);
  }

  return { id, kind: driver.measures, everyMs, poll };
}

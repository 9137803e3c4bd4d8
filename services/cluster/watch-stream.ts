import { ApiError } from './api-error.ts';
import { LineCutter } from './lines.ts';
import { parseStatus, parseWatchEvent, resourceVersionOf } from './objects.ts';
import type { Rest } from './rest.ts';

/** The server ends the stream after this; a stream that is still open some seconds later belongs to a dead server. */
const STREAM_S = 25;
const OVERDUE_MS = 5_000;
const MAX_LINE_BYTES = 4 * 1024 * 1024;

/** How far the history of a collection was read. */
export class Place {
  resourceVersion: string;

  constructor(resourceVersion: string) {
    this.resourceVersion = resourceVersion;
  }
}

interface StreamOrder {
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** An object was added or changed (`gone` false), or deleted. */
  readonly onObject: (object: unknown, gone: boolean) => void;
}

/**
 * One watch request, from `place` on, which moves along. Resolves when the server ended the stream in peace; rejects with
 * an ApiError, `gone` when the server has forgotten that place.
 */
export async function followStream(rest: Rest, place: Place, order: StreamOrder): Promise<void> {
  const overdue = rest.within(STREAM_S * 1000 + OVERDUE_MS);
  try {
    const stream = await rest.stream({
      method: 'GET',
      path: order.path,
      query: {
        ...order.query,
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion: place.resourceVersion,
        timeoutSeconds: STREAM_S,
      },
      signal: AbortSignal.any([order.signal, overdue.signal]),
    });
    const cutter = new LineCutter(MAX_LINE_BYTES);
    for await (const chunk of stream) {
      for (const line of cutter.push(chunk)) take(line, place, order);
    }
  } catch (error) {
    if (overdue.signal.aborted)
      throw new ApiError('timeout', `${rest.server}: the watch went silent`, { cause: error });
    throw error;
  } finally {
    overdue.disarm();
  }
}

function take(line: string, place: Place, order: StreamOrder): void {
  const { type, object } = parseWatchEvent(parseLine(line));
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      order.onObject(object, type === 'DELETED');
      break;
    case 'BOOKMARK':
      break;
    default: {
      const status = parseStatus(object);
      const code = status?.code === 410 ? 'gone' : 'server';
      throw new ApiError(code, `the watch ended with ${type}: ${status?.message ?? 'no reason given'}`);
    }
  }
  place.resourceVersion = resourceVersionOf(object);
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new ApiError('bad-answer', 'a line of the watch is not JSON', { cause: error });
  }
}

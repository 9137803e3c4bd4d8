import type { Clock } from '../runtime/clock.ts';
import { ApiError, asApiError } from './api-error.ts';
import { LineCutter } from './lines.ts';
import type { Listed } from './lists.ts';
import { type Pod, parsePod, parseStatus, parseWatchEvent, resourceVersionOf } from './objects.ts';
import type { RestClient } from './rest.ts';

/** The server ends the stream after this; a stream that is still open some seconds later belongs to a dead server. */
const STREAM_S = 25;
const OVERDUE_MS = 5_000;
const RETRY_MS = 1_000;
const MAX_LINE_BYTES = 4 * 1024 * 1024;

export interface PodWatcher {
  /** Where the watch begins: `resourceVersion` of the list the watcher has seen. */
  readonly from: string;
  readonly signal: AbortSignal;
  /** A pod was added or changed. */
  readonly onPod: (pod: Pod) => void;
  readonly onGone: (pod: Pod) => void;
  /** Everything there is, after a gap in which events may have been lost. */
  readonly onRelist: (pods: readonly Pod[]) => void;
  /** The server could not be watched; the watch goes on trying. */
  readonly onTrouble: (error: ApiError) => void;
  readonly list: (signal: AbortSignal) => Promise<Listed<Pod>>;
}

/**
 * Follows all pods until the signal aborts: resumes where a stream ended, lists again when the server has forgotten that
 * place (410). Settles when aborted, never rejects.
 */
export async function watchPods(rest: RestClient, clock: Clock, watcher: PodWatcher): Promise<void> {
  let from: string | undefined = watcher.from;
  while (!watcher.signal.aborted) {
    try {
      if (from === undefined) {
        const listed = await watcher.list(watcher.signal);
        from = listed.resourceVersion;
        watcher.onRelist(listed.items);
      }
      const place = new Place(from);
      try {
        await followStream(rest, place, watcher);
      } finally {
        from = place.resourceVersion;
      }
    } catch (error) {
      const problem = asApiError(error);
      if (watcher.signal.aborted) return;
      // Anything but a lost connection may mean that we have missed something: begin with a list.
      if (!problem.away) from = undefined;
      if (problem.code === 'gone') continue;
      watcher.onTrouble(problem);
      await clock.sleep(RETRY_MS, watcher.signal).catch(() => undefined);
    }
  }
}

/** How far the history of the pods was read. */
class Place {
  resourceVersion: string;

  constructor(resourceVersion: string) {
    this.resourceVersion = resourceVersion;
  }
}

async function followStream(rest: RestClient, place: Place, watcher: PodWatcher): Promise<void> {
  const overdue = new AbortController();
  const timer = setTimeout(() => overdue.abort(), STREAM_S * 1000 + OVERDUE_MS);
  try {
    const stream = await rest.stream({
      method: 'GET',
      path: '/api/v1/pods',
      query: {
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion: place.resourceVersion,
        timeoutSeconds: STREAM_S,
      },
      signal: AbortSignal.any([watcher.signal, overdue.signal]),
    });
    const cutter = new LineCutter(MAX_LINE_BYTES);
    for await (const chunk of stream) {
      for (const line of cutter.push(chunk)) take(line, place, watcher);
    }
  } catch (error) {
    if (overdue.signal.aborted)
      throw new ApiError('timeout', `${rest.server}: the watch went silent`, { cause: error });
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function take(line: string, place: Place, watcher: PodWatcher): void {
  const { type, object } = parseWatchEvent(parseLine(line));
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
      watcher.onPod(parsePod(object));
      break;
    case 'DELETED':
      watcher.onGone(parsePod(object));
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

import type { Clock } from '../runtime/clock.ts';
import { type ApiError, asApiError } from './api-error.ts';
import type { Listed } from './lists.ts';
import { type Pod, parsePod } from './objects.ts';
import type { Rest } from './rest.ts';
import { followStream, Place } from './watch-stream.ts';

const RETRY_MS = 1_000;

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
export async function watchPods(rest: Rest, clock: Clock, watcher: PodWatcher): Promise<void> {
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
        await followStream(rest, place, {
          path: '/api/v1/pods',
          signal: watcher.signal,
          onObject: (object, gone) => (gone ? watcher.onGone : watcher.onPod)(parsePod(object)),
        });
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

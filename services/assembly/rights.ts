import type { Clock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Part } from '../runtime/lifecycle.ts';
import type { Log } from '../runtime/log.ts';

const DAILY_MS = 86_400_000;
const RETRY_MS = 600_000;

/** Asks for missing rights in the cluster now and every day, so that none is missed in the dark. */
export function rightsWatch(
  cluster: { missingRights(): Promise<readonly string[]> } | undefined,
  clock: Clock,
  log: Log,
): Part {
  const stopped = new AbortController();
  let loop: Promise<void> = Promise.resolve();

  async function once(): Promise<number> {
    try {
      for (const missing of (await cluster?.missingRights()) ?? []) {
        if (missing.includes('optional:')) log.warn({ cluster: 'rights' }, missing);
        else log.error({ cluster: 'rights' }, missing);
      }
      return DAILY_MS;
    } catch (error) {
      if (!stopped.signal.aborted) log.warn({ error: messageOf(error) }, 'rights in the cluster could not be checked');
      return RETRY_MS;
    }
  }

  async function run(): Promise<void> {
    while (!stopped.signal.aborted) {
      const pauseMs = await once();
      await clock.sleep(pauseMs, stopped.signal).catch(() => {});
    }
  }

  return {
    name: 'rights in the cluster',
    start: () => {
      if (cluster !== undefined) loop = run();
    },
    stop: async () => {
      stopped.abort();
      await loop;
    },
  };
}

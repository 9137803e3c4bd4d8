import type { SnapshotEvent } from './schemas/answers.ts';
import type { DrillAnswer, DrillBody } from './schemas/drill.ts';

/** Who can play an outage; given to the face from above, for the twin is not ours to import. */
export interface DrillDesk {
  /**
   * Plays it from what the service sees now.
   * @throws UserError when a fault or the configuration cannot be played, and the reason of `signal` when that ends it
   */
  run(ask: DrillBody, live: Pick<SnapshotEvent, 'rack' | 'coordinator'>, signal: AbortSignal): Promise<DrillAnswer>;
}

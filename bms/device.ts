import type { Sample } from './model/sample.ts';

/**
 * A driver bound to a bus: what the poller calls. `poll` asks everything that is due and resolves with one whole sample,
 * or rejects with a `BridgeError`; it never resolves with half of one.
 */
export interface Device<S extends Sample = Sample> {
  readonly id: string;
  readonly driver: string;
  poll(signal?: AbortSignal): Promise<S>;
  close(): Promise<void>;
}

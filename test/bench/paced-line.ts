import { setTimeout as sleep } from 'node:timers/promises';
import type { ByteTransport } from '../../firmware-bridge/index.ts';

/** What went by. */
export interface LineCount {
  /** Bytes in either direction. */
  bytes: number;
  /** From the last byte heard to the next request, and the time to hand that over, all together, ms. */
  pausesMs: number;
}

/** Passes the time that bytes take on a line, to the fraction of a millisecond that timers do not know. */
export async function lineTime(bytes: number, bytesPerS: number): Promise<void> {
  const untilMs = performance.now() + (bytes / bytesPerS) * 1000;
  await sleep(Math.max(0, untilMs - performance.now() - 1.5));
  while (performance.now() < untilMs) await new Promise((resolve) => setImmediate(resolve));
}

/**
 * Makes what is written take the time it takes on a line of `bytesPerS`: a pty has no baud rate, and the far end must not
 * have a request before its last bit would have been there.
 */
export function pacedLine(wire: ByteTransport, bytesPerS: number, count: LineCount): ByteTransport {
  let heardMs: number | undefined;
  wire.onData((chunk) => {
    count.bytes += chunk.length;
    heardMs = performance.now();
  });
  return {
    get name() {
      return wire.name;
    },
    get isOpen() {
      return wire.isOpen;
    },
    open: (signal) => wire.open(signal),
    close: () => wire.close(),
    flush: () => wire.flush(),
    onData: (listener) => wire.onData(listener),
    onClosed: (listener) => wire.onClosed(listener),
    write: async (bytes) => {
      count.bytes += bytes.length;
      if (heardMs !== undefined) count.pausesMs += performance.now() - heardMs;
      await lineTime(bytes.length, bytesPerS);
      const startedMs = performance.now();
      await wire.write(bytes);
      count.pausesMs += performance.now() - startedMs;
    },
  };
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { ByteTransport } from '../../firmware-bridge/index.ts';

/** Bytes that went by in either direction. */
export interface LineCount {
  bytes: number;
}

/**
 * Makes what is written take the time it takes on a line of `bytesPerS`: a pty has no baud rate, and the far end must not
 * have a request before its last bit would have been there. Counts bytes both ways.
 */
export function pacedLine(wire: ByteTransport, bytesPerS: number, count: LineCount): ByteTransport {
  wire.onData((chunk) => {
    count.bytes += chunk.length;
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
      await sleep((bytes.length / bytesPerS) * 1000);
      await wire.write(bytes);
    },
  };
}

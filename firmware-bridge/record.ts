import { bytesToHex } from './framing/ascii-hex.ts';
import type { ByteTransport } from './transport.ts';

/** First line of a recording: what it is a recording of. */
export interface RecordingHeader {
  readonly format: 'holdover-recording';
  readonly version: 1;
  /** What the user calls the device, with firmware where known. */
  readonly device: string;
  /** Id of the driver that asked, or `none`. */
  readonly driver: string;
  /** Name of the transport. */
  readonly transport: string;
  /** Wall time of the start, ISO 8601. */
  readonly startedAt: string;
}

/** One chunk as it went over the wire; `tMs` counts from the start of the recording. */
export interface RecordedChunk {
  readonly tMs: number;
  readonly dir: 'tx' | 'rx';
  readonly hex: string;
}

export interface RecordOptions {
  readonly device: string;
  readonly driver: string;
  /** Wall time of the start, ms since 1970. */
  readonly startedAtMs: number;
  /** Takes one line, without its end. Must not throw. */
  readonly writeLine: (line: string) => void;
  /** Chunks after which nothing more is written; the traffic goes on. Default 100000. */
  readonly maxChunks?: number;
  /** Monotonic time; for tests. */
  readonly now?: () => number;
}

/** The transport, with its traffic written down as JSON lines: a header, then one line per chunk. */
export function recordTransport(transport: ByteTransport, options: RecordOptions): ByteTransport {
  const { device, driver, writeLine, maxChunks = 100_000, now = () => performance.now() } = options;
  const header: RecordingHeader = {
    format: 'holdover-recording',
    version: 1,
    device,
    driver,
    transport: transport.name,
    startedAt: new Date(options.startedAtMs).toISOString(),
  };
  let startMs: number | undefined;
  let chunks = 0;
  const begin = () => {
    if (startMs !== undefined) return startMs;
    writeLine(JSON.stringify(header));
    startMs = now();
    return startMs;
  };
  const note = (dir: RecordedChunk['dir'], bytes: Uint8Array) => {
    const fromMs = begin();
    if (chunks >= maxChunks) return;
    chunks += 1;
    const chunk: RecordedChunk = { tMs: Math.round(now() - fromMs), dir, hex: bytesToHex(bytes) };
    writeLine(JSON.stringify(chunk));
  };
  transport.onData((chunk) => note('rx', chunk));
  return {
    name: transport.name,
    get isOpen() {
      return transport.isOpen;
    },
    open(signal) {
      begin();
      return transport.open(signal);
    },
    close: () => transport.close(),
    write(bytes) {
      // Before the write: an answer may come before it returns.
      note('tx', bytes);
      return transport.write(bytes);
    },
    flush: () => transport.flush(),
    onData: (listener) => transport.onData(listener),
    onClosed: (listener) => transport.onClosed(listener),
  };
}

import { BridgeError } from './errors.ts';
import { bytesToHex, hexToBytes } from './framing/ascii-hex.ts';
import { Malformed } from './framing/malformed.ts';
import { Listeners } from './listeners.ts';
import type { RecordedChunk, RecordingHeader } from './record.ts';
import type { ByteTransport, Unsubscribe } from './transport.ts';

/** A recording read back. `lines[i]` is the line of `chunks[i]` in the file, for messages. */
export interface Recording {
  readonly header: RecordingHeader;
  readonly chunks: readonly RecordedChunk[];
  readonly lines: readonly number[];
}

/**
 * Reads what `recordTransport` wrote. A last line that was cut off (the recorder was killed) is left out.
 * @throws Malformed with the number of the line
 */
export function parseRecording(text: string): Recording {
  const rows = text.split('\n').map((content, at) => ({ content, line: at + 1 }));
  const cutOff = rows.at(-1)?.content.trim() !== '';
  const filled = (cutOff && rows.length > 1 ? rows.slice(0, -1) : rows).filter(({ content }) => content.trim() !== '');
  const [first, ...rest] = filled;
  const header = first ? parseLine(first.content, first.line) : {};
  if (header.format !== 'holdover-recording' || header.version !== 1) {
    throw new Malformed('line 1: this is not a recording (its header is missing, or of another version)');
  }
  for (const key of ['device', 'driver', 'transport', 'startedAt']) {
    if (typeof header[key] !== 'string') throw new Malformed(`line 1: the header has no ${key}`);
  }
  return {
    header: header as unknown as RecordingHeader,
    chunks: rest.map(({ content, line }) => parseChunk(parseLine(content, line), line)),
    lines: rest.map(({ line }) => line),
  };
}

function parseLine(content: string, line: number): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(content);
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch {
    // said below
  }
  throw new Malformed(`line ${line}: not a JSON object`);
}

function parseChunk({ tMs, dir, hex }: Record<string, unknown>, line: number): RecordedChunk {
  if (typeof tMs !== 'number' || (dir !== 'tx' && dir !== 'rx') || typeof hex !== 'string') {
    throw new Malformed(`line ${line}: expected {"tMs":…,"dir":"tx"|"rx","hex":…}`);
  }
  try {
    hexToBytes(hex);
  } catch (error) {
    throw new Malformed(`line ${line}: ${error instanceof Error ? error.message : error}`);
  }
  return { tMs, dir, hex };
}

/**
 * A device made of a recording. What was received before the first request comes on opening; a request is answered with what
 * followed the same request in the recording, searched from where the last one was found and round again, so that a poller can
 * go on for ever. A request that was never recorded fails as `write` with reason `deviation`. Chunks come without their pauses.
 */
export function replayTransport(recording: Recording): ByteTransport {
  return new ReplayTransport(recording);
}

class ReplayTransport implements ByteTransport {
  readonly name: string;
  readonly #recording: Recording;
  readonly #data = new Listeners<Uint8Array>();
  readonly #closed = new Listeners<BridgeError | undefined>();
  #at = 0;
  #session = 0;
  #open = false;

  constructor(recording: Recording) {
    this.name = `replay:${recording.header.device}`;
    this.#recording = recording;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  async open(): Promise<void> {
    this.#open = true;
    this.#session += 1;
    this.#at = 0;
    this.#play();
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    this.#session += 1;
    this.#closed.emit(undefined);
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (!this.#open) throw new BridgeError('closed', this.name, 'is not open');
    const { chunks, lines } = this.#recording;
    const hex = bytesToHex(bytes);
    const asked = (from: number, to: number) =>
      chunks.slice(from, to).findIndex((chunk) => chunk.dir === 'tx' && chunk.hex.toLowerCase() === hex);
    const ahead = asked(this.#at, chunks.length);
    const found = ahead >= 0 ? this.#at + ahead : asked(0, this.#at);
    if (found < 0) {
      const next = chunks.findIndex((chunk, at) => at >= this.#at && chunk.dir === 'tx');
      const expected = next >= 0 ? `; line ${lines[next]} would have been ${chunks[next]?.hex}` : '';
      throw new BridgeError('write', this.name, `the recording has no request ${hex}${expected}`, {
        reason: 'deviation',
        retryable: false,
      });
    }
    this.#at = found + 1;
    this.#play();
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  onData(listener: (chunk: Uint8Array) => void): Unsubscribe {
    return this.#data.add(listener);
  }

  onClosed(listener: (reason: BridgeError | undefined) => void): Unsubscribe {
    return this.#closed.add(listener);
  }

  /** Hands out what was received from here to the next request, one chunk a turn as a port would. */
  #play(): void {
    const session = this.#session;
    const step = () => {
      const chunk = this.#recording.chunks[this.#at];
      if (session !== this.#session || chunk?.dir !== 'rx') return;
      this.#at += 1;
      this.#data.emit(hexToBytes(chunk.hex));
      setImmediate(step);
    };
    setImmediate(step);
  }
}

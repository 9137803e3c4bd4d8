import type { HttpFaceOptions } from '../../../services/http/index.ts';
import type { Clock } from '../../../services/runtime/clock.ts';
import type { Command } from '../../../services/shutdown/state.ts';
import type { Desk, JournalLine, Snapshot, SnapshotFeed } from '../../../services/shutdown/view.ts';

/** A feed and a desk that a test moves by hand. */
export class FakeService implements SnapshotFeed, Desk {
  readonly commands: { readonly command: Command; readonly author: string }[] = [];
  lines: readonly JournalLine[] = [];
  answer: () => Promise<{ accepted: boolean; because: string }> = async () => ({
    accepted: true,
    because: 'as you wish',
  });
  #latest: Snapshot | undefined;
  readonly #listeners = new Set<(snapshot: Snapshot) => void>();

  constructor(latest?: Snapshot, lines: readonly JournalLine[] = []) {
    this.#latest = latest;
    this.lines = lines;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  latest(): Snapshot | undefined {
    return this.#latest;
  }

  subscribe(listener: (snapshot: Snapshot) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tick(snapshot: Snapshot, lines: readonly JournalLine[] = this.lines): void {
    this.#latest = snapshot;
    this.lines = lines;
    for (const listener of this.#listeners) listener(snapshot);
  }

  command(command: Command, author: string): Promise<{ accepted: boolean; because: string }> {
    this.commands.push({ command, author });
    return this.answer();
  }

  journal(limit: number): readonly JournalLine[] {
    return this.lines.slice(-limit);
  }
}

/** A clock that stands still until told otherwise. */
export class HandClock implements Clock {
  nowMs = 1_000_000;
  wallMs(): number {
    return this.nowMs;
  }
  monoMs(): number {
    return this.nowMs;
  }
  sleep(): Promise<void> {
    return Promise.resolve();
  }
}

/** One line of the log as the face wrote it. */
export interface Logged {
  readonly level: 'info' | 'warn' | 'error';
  readonly fields: object;
  readonly message: string;
}

/** Options for a face over a fake service, on a free port of loopback. */
export function faceOptions(
  service: FakeService,
  more: Partial<HttpFaceOptions> = {},
  logged: Logged[] = [],
): HttpFaceOptions {
  const at = (level: Logged['level']) => (fields: object, message: string) => {
    logged.push({ level, fields, message });
  };
  return {
    config: { listen: '127.0.0.1:0', tokens: [], readToken: false },
    tokens: [],
    feed: service,
    desk: service,
    metrics: () => '# HELP holdover_up 1 when the service runs\n# TYPE holdover_up gauge\nholdover_up 1\n',
    log: { info: at('info'), warn: at('warn'), error: at('error') },
    ...more,
  };
}

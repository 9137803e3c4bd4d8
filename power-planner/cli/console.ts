import type { Readable, Writable } from 'node:stream';

/** Where a command reads and writes. */
export interface Console {
  readonly stdin: Readable;
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What the user typed was wrong: the command ends with status 2. */
export class UsageError extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** Writes all lines; resolves when there is room again, also when nobody reads any more (`| head`). */
export function print(output: Writable, lines: readonly string[]): Promise<void> {
  output.once('error', () => undefined);
  if (output.write(`${lines.join('\n')}\n`)) return Promise.resolve();
  return new Promise((resolve) => {
    for (const event of ['drain', 'close', 'error'] as const) output.once(event, () => resolve());
  });
}

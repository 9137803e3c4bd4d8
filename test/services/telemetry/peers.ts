import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** Foreign programs for the sink tests, each with its own folder and a port of its own. */

/** Waits until `condition` gives something truthy; fails with `what` when it does not. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  withinMs = 60_000,
): Promise<Exclude<NonNullable<T>, false>> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== null && value !== false) return value as Exclude<NonNullable<T>, false>;
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await wait(25);
  }
}

export interface Running {
  readonly child: ChildProcess;
  /** What it has written to standard output and error so far. */
  output(): string;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

function run(path: string, args: readonly string[]): Running {
  const child = spawn(path, [...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    output += String(chunk);
  });
  return {
    child,
    output: () => output,
    stop: async (signal = 'SIGKILL') => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill(signal);
      await gone;
    },
  };
}

/** Folders and processes of one test file; `clean` ends and removes all of them. */
export class Workshop {
  readonly #folders: string[] = [];
  readonly #running: Running[] = [];

  folder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'holdover-telemetry-'));
    this.#folders.push(folder);
    return folder;
  }

  run(path: string, args: readonly string[]): Running {
    const running = run(path, args);
    this.#running.push(running);
    return running;
  }

  async clean(): Promise<void> {
    for (const running of this.#running.splice(0)) await running.stop();
    for (const folder of this.#folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  }
}

import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { systemClock } from '../runtime/clock.ts';

/** Another holdover process that printed one JSON line when it was ready. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  /** The line it printed. */
  readonly ready: Readonly<Record<string, unknown>>;
  /** How it ended, once it has. */
  readonly exited: string | undefined;
  /** The end of what it logged. */
  log(): string;
  stop(): Promise<void>;
}

const READY_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 8000;

/** Starts this very program with other arguments and waits until it says it is ready. Its log goes to a file. */
export async function spawnHoldover(args: readonly string[], logPath: string): Promise<Child> {
  const [, entry = ''] = process.argv;
  const logFd = openSync(logPath, 'a', 0o600);
  const child = spawn(process.execPath, [entry, ...args], { stdio: ['ignore', 'pipe', logFd] });
  closeSync(logFd);
  const name = args.slice(0, 2).join(' ');
  let exited: string | undefined;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      exited = signal ?? `status ${code ?? '?'}`;
      resolve();
    });
    child.once('error', (error) => {
      exited = error.message;
      resolve();
    });
  });
  const log = (): string => readFileSync(logPath, 'utf8').trim().split('\n').slice(-5).join('\n');
  if (child.stdout === null) throw new Error(`holdover ${name} has no output to wait for`);
  const lines = createInterface({ input: child.stdout });
  const firstLine = new Promise<string>((resolve) => lines.once('line', resolve));
  const line = await orNothing([firstLine, ended.then(() => undefined)], READY_DEADLINE_MS);
  if (line === undefined) {
    child.kill('SIGKILL');
    throw new Error(`holdover ${name} did not start (${exited ?? 'not ready in time'}):\n${log()}`);
  }
  return {
    name,
    pid: child.pid ?? 0,
    ready: JSON.parse(line) as Record<string, unknown>,
    get exited() {
      return exited;
    },
    log,
    stop: async () => {
      if (exited !== undefined) return;
      child.kill('SIGTERM');
      await orNothing([ended], STOP_DEADLINE_MS);
      if (exited === undefined) child.kill('SIGKILL');
    },
  };
}

/** The first of them, or nothing when the time is over; no timer is left behind. */
async function orNothing<T>(waits: readonly Promise<T>[], ms: number): Promise<T | undefined> {
  const over = new AbortController();
  const late = systemClock.sleep(ms, over.signal).then(
    () => undefined,
    () => undefined,
  );
  try {
    return await Promise.race([...waits, late]);
  } finally {
    over.abort();
  }
}

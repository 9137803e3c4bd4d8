import { spawn } from 'node:child_process';
import { messageOf } from './errors.ts';

/** What became of a program. `how` says it in words, without its output. */
export interface CommandEnd {
  readonly end: 'status' | 'signal' | 'timeout' | 'not-started';
  /** Its exit status, when it ended by itself. */
  readonly status?: number;
  readonly how: string;
  /** First line it wrote on standard error; printable, at most 200 characters. */
  readonly complaint: string;
}

export interface CommandOptions {
  /** It and all it started are killed then, ms. */
  readonly timeoutMs: number;
  /** Variables besides PATH and LANG. */
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

const ERROR_BYTES = 4096;
const COMPLAINT_CHARACTERS = 200;
/** For what is left of standard error after the exit, ms. */
const LAST_WORDS_MS = 300;

/**
 * Runs a program without a shell, in a group of its own and with few variables. Its output is not kept, apart from the
 * beginning of standard error. It has ended when this resolves, or was killed with all it started. Never rejects.
 */
export function runCommand(argv: readonly string[], options: CommandOptions): Promise<CommandEnd> {
  const { timeoutMs, env = {}, signal } = options;
  const [program = '', ...rest] = argv;
  const deadline = AbortSignal.timeout(Math.ceil(timeoutMs));
  const over = signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
  return new Promise((resolve) => {
    if (over.aborted) {
      resolve({ end: 'timeout', how: `${program} was not started in time`, complaint: '' });
      return;
    }
    let child: ReturnType<typeof start>;
    try {
      child = start(program, rest, env);
    } catch (error) {
      resolve({ end: 'not-started', how: `${program} could not be started: ${messageOf(error)}`, complaint: '' });
      return;
    }
    const errors: Buffer[] = [];
    let bytes = 0;
    child.stderr.on('data', (chunk: Buffer) => {
      if (bytes < ERROR_BYTES) errors.push(chunk);
      bytes += chunk.length;
    });
    const settle = (end: Omit<CommandEnd, 'complaint'>): void => {
      over.removeEventListener('abort', giveUp);
      if (end.end === 'timeout') killGroup(child.pid);
      child.stderr.destroy();
      resolve({ ...end, complaint: firstLine(Buffer.concat(errors).toString('utf8')) });
    };
    const giveUp = (): void =>
      settle({
        end: 'timeout',
        how: deadline.aborted ? `${program} did not end within ${timeoutMs / 1000} s` : `${program} was given up`,
      });
    over.addEventListener('abort', giveUp);
    child.on('error', ({ code = 'unknown reason' }: NodeJS.ErrnoException) =>
      settle({ end: 'not-started', how: `${program} could not be started: ${code}` }),
    );
    child.on('exit', (status, name) => {
      const ended: Omit<CommandEnd, 'complaint'> =
        status === null
          ? { end: 'signal', how: `${program} was ended by ${name}` }
          : { end: 'status', status, how: `${program} ended with status ${status}` };
      // What it left in the background may hold standard error open, and may be what halts the machine.
      AbortSignal.timeout(LAST_WORDS_MS).addEventListener('abort', () => settle(ended));
      child.on('close', () => settle(ended));
    });
  });
}

const start = (program: string, argv: readonly string[], env: Readonly<Record<string, string>>) =>
  spawn(program, argv, {
    shell: false,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C', ...env },
  });

/** The program and all it started. It is gone already where it ended by itself. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // nothing is left of it
  }
}

function firstLine(text: string): string {
  const [first = ''] = text.trim().split('\n');
  return first
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, COMPLAINT_CHARACTERS);
}

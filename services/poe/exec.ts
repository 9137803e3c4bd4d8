import { spawn } from 'node:child_process';
import type { ExecConfig } from '../config/switches.ts';
import { quoted, WebError } from '../runtime/web-error.ts';
import { customControl } from './custom-control.ts';
import { withPort } from './mapping.ts';
import type { PortControl } from './port-control.ts';

/** Ports switched by a user's own commands: started without a shell, with few variables, and killed at their deadline. */

const MAX_OUTPUT_BYTES = 256 * 1024;
const MAX_ERROR_BYTES = 4096;

/** @param variables the secrets for the commands, by the names of their environment variables */
export function execControl(config: ExecConfig, variables: Readonly<Record<string, string>>): PortControl {
  const name = `exec:${config.id}`;
  const closed = new AbortController();
  const how = { name, timeoutMs: config.timeout * 1000, variables };
  const run = (command: readonly string[], port: string, signal?: AbortSignal): Promise<string> => {
    const [program = '', ...rest] = command;
    const argv = rest.map((each) => withPort(each, port));
    return runCommand(program, argv, how, closed.signal, signal);
  };
  return customControl({
    name,
    ports: config.ports,
    read: config.status.read,
    perPort: config.status.command.some((each) => each.includes('{port}')),
    status: (port, signal) => run(config.status.command, port, signal),
    switch: async (port, enabled, signal) => {
      await run((enabled ? config.on : config.off).command, port, signal);
    },
    close: () => {
      closed.abort();
      return Promise.resolve();
    },
  });
}

interface How {
  readonly name: string;
  readonly timeoutMs: number;
  readonly variables: Readonly<Record<string, string>>;
}

/** Runs one program. Resolves with what it wrote, rejects with a WebError; it has ended, or was killed, by then. */
function runCommand(
  program: string,
  argv: readonly string[],
  { name, timeoutMs, variables }: How,
  closed: AbortSignal,
  signal?: AbortSignal,
): Promise<string> {
  const secrets = Object.values(variables);
  return new Promise((resolve, reject) => {
    const outer = signal === undefined ? closed : AbortSignal.any([closed, signal]);
    if (outer.aborted) {
      reject(new WebError(closed.aborted ? 'closed' : 'aborted', name, `${program}: given up`));
      return;
    }
    // A group of its own, so that what it starts ends with it.
    const child = spawn(program, argv, {
      shell: false,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C', ...variables },
    });
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    let length = 0;
    let settled = false;
    const end = (failure?: WebError): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      outer.removeEventListener('abort', giveUp);
      killGroup(child.pid);
      child.stdout.destroy();
      child.stderr.destroy();
      if (failure === undefined) resolve(Buffer.concat(output).toString('utf8'));
      else reject(failure);
    };
    const giveUp = (): void => end(new WebError(closed.aborted ? 'closed' : 'aborted', name, `${program}: given up`));
    const timer = setTimeout(
      () => end(new WebError('no_answer', name, `${program} did not end within ${timeoutMs} ms`)),
      timeoutMs,
    );
    outer.addEventListener('abort', giveUp);
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_OUTPUT_BYTES) end(new WebError('bad_answer', name, `${program} does not stop writing`));
      else output.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (Buffer.concat(errors).length < MAX_ERROR_BYTES) errors.push(chunk);
    });
    child.on('error', ({ code = 'unknown reason' }: NodeJS.ErrnoException) =>
      end(new WebError('rejected', name, `${program} could not be started: ${code}`)),
    );
    child.on('close', (status, killedBy) => {
      if (status === 0) return end();
      const [first = ''] = Buffer.concat(errors).toString('utf8').trim().split('\n');
      const said = quoted(first, secrets);
      const how = status === null ? `was ended by ${killedBy}` : `ended with ${status}`;
      end(new WebError('rejected', name, `${program} ${how}${said === '' ? '' : `: ${said}`}`));
    });
  });
}

/** The program and all it started. It is gone already where it ended by itself. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // nothing is left of it
  }
}

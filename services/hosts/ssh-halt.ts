import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Client, ClientChannel } from 'ssh2';
import type { Outcome } from '../shutdown/promises.ts';
import { connected } from './tcp-connect.ts';

export interface SshHalt {
  /** For messages: `host pi1`. */
  readonly label: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Private key, PEM or OpenSSH text. */
  readonly key: string;
  /** Pinned fingerprint, `SHA256:…`. */
  readonly hostKey: string;
  readonly command: string;
  /** For the connection, and again for handshake and login, ms. */
  readonly connectTimeoutMs: number;
  /** From the command to its exit status, ms; 15 s when absent. */
  readonly commandTimeoutMs?: number;
}

const COMMAND_TIMEOUT_MS = 15_000;
const FAREWELL_MS = 1000;
const STDERR_BYTES = 200;
/** For what is left of stderr after the exit status. */
const LAST_WORDS_MS = 500;
/** 128 + HUP, INT, KILL, TERM: the shell was taken down with the machine. */
const KILLED_BY_HALT: ReadonlySet<number> = new Set([129, 130, 137, 143]);

/** `SHA256:…` of a public key in wire form, as ssh-keygen -l prints it. */
export const fingerprint = (key: Uint8Array): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;

/**
 * Runs the halt command. `done`: it was accepted, by exit status 0 or by the machine going away before it gave one.
 * Wrong host key, wrong client key and any other exit status are `refused`. Never rejects.
 */
export async function haltOverSsh(target: SshHalt, signal?: AbortSignal): Promise<Outcome> {
  const { label, host, port, connectTimeoutMs } = target;
  const at = `${label} (ssh ${target.user}@${host}:${port})`;
  let socket: Socket;
  try {
    socket = await connected({ host, port }, { timeoutMs: connectTimeoutMs, ...(signal ? { signal } : {}) });
  } catch (error) {
    if (signal?.aborted) return { code: 'timeout', detail: `${at}: given up` };
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    return { code: 'unreachable', detail: `${at}: no connection: ${code}` };
  }
  const { Client: SshClient } = (await import('ssh2')).default;
  const client = new SshClient();
  const { code, detail } = await dialogue(client, socket, target, signal);
  hangUp(client, socket, code === 'done');
  return detail === undefined ? { code } : { code, detail: `${at}: ${detail}` };
}

/** Politely when all went well; a peer that hangs or talks nonsense gets no chance to keep the line open. */
function hangUp(client: Client, socket: Socket, politely: boolean): void {
  // errors after the end interest nobody, but must not end the process
  client.on('error', () => undefined);
  if (!politely) {
    socket.destroy();
    return;
  }
  client.end();
  setTimeout(() => socket.destroy(), FAREWELL_MS).unref();
}

function dialogue(client: Client, socket: Socket, target: SshHalt, signal?: AbortSignal): Promise<Outcome> {
  const { connectTimeoutMs, commandTimeoutMs = COMMAND_TIMEOUT_MS } = target;
  return new Promise((resolve) => {
    let shown: { readonly type: string; readonly fingerprint: string } | undefined;
    let timer: NodeJS.Timeout | undefined;
    const within = (timeoutMs: number, detail: string) => {
      clearTimeout(timer);
      timer = setTimeout(() => settle({ code: 'timeout', detail }), timeoutMs);
    };
    const abort = () => settle({ code: 'timeout', detail: 'given up' });
    const settle = (outcome: Outcome) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      resolve(outcome);
    };
    signal?.addEventListener('abort', abort, { once: true });
    within(connectTimeoutMs, 'connected, but no SSH login in time');
    client.on('error', (error: Error & { level?: string }) => {
      if (shown !== undefined && shown.fingerprint !== pinned(target)) settle(wrongHostKey(target, shown));
      else settle(loginFailure(error));
    });
    client.on('close', () =>
      settle({ code: 'unreachable', detail: 'the connection was lost before the command was taken' }),
    );
    client.on('ready', () => {
      within(commandTimeoutMs, `"${target.command}" was sent and gave no exit status in time`);
      client.exec(target.command, (error, channel) => {
        if (error) settle({ code: 'refused', detail: 'the machine did not let the command be run' });
        else follow(client, channel, target.command, settle);
      });
    });
    try {
      client.connect({
        sock: socket,
        username: target.user,
        privateKey: target.key,
        authHandler: ['publickey'],
        hostVerifier: (key: Buffer) => {
          shown = { type: keyType(key), fingerprint: fingerprint(key) };
          return shown.fingerprint === pinned(target);
        },
        readyTimeout: 0, // ours covers it
      });
    } catch {
      // the library's message is about the key, so it stays here
      settle({
        code: 'refused',
        detail: 'the private key cannot be used: PEM or OpenSSH format without passphrase is needed',
      });
    }
  });
}

/** From here on the command is running: a connection that goes away is the machine going down. */
function follow(client: Client, channel: ClientChannel, command: string, settle: (outcome: Outcome) => void): void {
  const stderr: Buffer[] = [];
  let bytes = 0;
  let exit: { readonly code: number | null; readonly signal?: string } | undefined;
  channel.stderr.on('data', (chunk: Buffer) => {
    if (bytes < STDERR_BYTES) stderr.push(chunk);
    bytes += chunk.length;
  });
  channel.stdout.resume();
  channel.on('error', () => undefined);
  channel.on('exit', (code: number | null, name?: string) => {
    exit = name === undefined ? { code } : { code, signal: name };
    // something left in the background can hold the channel open
    setTimeout(ended, code === 0 ? 0 : LAST_WORDS_MS).unref();
  });
  const ended = () => {
    if (exit === undefined) settle({ code: 'done', detail: 'the connection dropped while it ran' });
    else if (exit.code === 0) settle({ code: 'done' });
    else if (exit.code === null || KILLED_BY_HALT.has(exit.code))
      settle({ code: 'done', detail: `ended by signal ${exit.signal ?? (exit.code ?? 0) - 128}` });
    else settle({ code: 'refused', detail: `"${command}" ended with status ${exit.code}${quoted(stderr)}` });
  };
  channel.on('close', ended);
  client.removeAllListeners('close');
  client.removeAllListeners('error');
  client.on('error', ended);
  client.on('close', ended);
}

function quoted(chunks: readonly Buffer[]): string {
  const text = Buffer.concat(chunks).subarray(0, STDERR_BYTES).toString('utf8');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a machine's error text must not steer a terminal
  const clean = text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
  return clean === '' ? '' : `: ${clean}`;
}

const pinned = ({ hostKey }: SshHalt): string => hostKey.replace(/=+$/, '');

/** The name at the beginning of a public key in wire form. */
function keyType(key: Buffer): string {
  if (key.length < 4) return 'unknown';
  return key.subarray(4, 4 + Math.min(64, key.readUInt32BE(0))).toString('latin1');
}

const wrongHostKey = (target: SshHalt, shown: { type: string; fingerprint: string }): Outcome => ({
  code: 'refused',
  detail:
    `host key is not the pinned one: expected ${pinned(target)}, the machine showed ${shown.fingerprint} (${shown.type}); ` +
    'if it was set up anew, compare with ssh-keygen -lf on the machine and change hostKey',
});

function loginFailure({ level, code }: Error & { level?: string; code?: string }): Outcome {
  if (level === 'client-authentication')
    return { code: 'refused', detail: 'the key was not accepted; check the user and its authorized_keys' };
  if (level === 'client-socket')
    return { code: 'unreachable', detail: `the connection was lost before login: ${code ?? 'closed'}` };
  if (level === 'handshake')
    return { code: 'refused', detail: 'no SSH algorithm in common, or the handshake was broken' };
  return { code: 'refused', detail: 'what answered there does not speak SSH as expected' };
}

import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import type { AuthContext, Connection, ParsedKey, ServerChannel } from 'ssh2';
import type { DeviceHandle, World, WorldHost } from '../model.ts';
import { TcpServer } from './tcp-server.ts';

type Ssh = typeof import('ssh2');

export interface SshHostsOptions {
  readonly host?: string;
  /** TCP port by host id; a free one for all others. */
  readonly ports?: ReadonlyMap<string, number>;
}

/** The SSH face of one machine. */
export interface SshHostHandle extends DeviceHandle {
  readonly hostId: string;
  readonly host: string;
  /** Stays the same however often the machine goes down and comes up. */
  readonly port: number;
  /** The user that may log in. */
  readonly user: string;
  /** Of the host key: `SHA256:…`, as ssh-keygen -l prints it. */
  readonly fingerprint: string;
}

/** The SSH faces of all machines. */
export interface SshHosts {
  readonly hosts: readonly SshHostHandle[];
  /** Private key that every machine lets in, OpenSSH text. A secret: keep it in a file only its owner can read. */
  readonly clientKey: string;
  close(): Promise<void>;
}

const USER = 'ops';

/**
 * One SSH server per machine, with keys made for this run. It listens while its machine runs and takes any command
 * that ends in `poweroff`; every other command is not found.
 */
export async function serveSshHosts(world: World, options: SshHostsOptions = {}): Promise<SshHosts> {
  const { host = '127.0.0.1', ports } = options;
  const ssh = (await import('ssh2')).default;
  const client = soundKeyPair(ssh);
  const authorized = publicKey(ssh, client.public);
  const hosts: SshHostHandle[] = [];
  const close = async () => {
    await Promise.all(hosts.map((each) => each.close()));
  };
  try {
    for (const machine of world.hosts.values())
      hosts.push(await serveMachine(ssh, world, machine, { host, port: ports?.get(machine.id) ?? 0, authorized }));
  } catch (error) {
    await close();
    throw error;
  }
  return { hosts, clientKey: client.private, close };
}

const KEY_TRIES = 10;

/**
 * A key pair ssh2 can read back. ssh2 1.17.0 drops the first byte of an ed25519 key when it is zero (its issue 1513),
 * and then cannot parse what it made: one key in 256, so one rack in twelve.
 */
function soundKeyPair(ssh: Ssh): { readonly private: string; readonly public: string } {
  for (let tries = 0; tries < KEY_TRIES; tries += 1) {
    const pair = ssh.utils.generateKeyPairSync('ed25519');
    const readable = [pair.private, pair.public].every((text) => !(ssh.utils.parseKey(text) instanceof Error));
    if (readable) return pair;
  }
  throw new Error('ssh2 makes no key it can read');
}

function publicKey(ssh: Ssh, text: string): ParsedKey {
  const parsed = ssh.utils.parseKey(text);
  if (parsed instanceof Error) throw parsed;
  return parsed;
}

interface MachineSite {
  readonly host: string;
  readonly port: number;
  readonly authorized: ParsedKey;
}

async function serveMachine(ssh: Ssh, world: World, machine: WorldHost, site: MachineSite): Promise<SshHostHandle> {
  const key = soundKeyPair(ssh);
  const name = `ssh:${machine.id}`;
  // never listens itself: sockets are handed in by a server that can vanish and come back
  const daemon = new ssh.Server({ hostKeys: [key.private] }, (connection) =>
    login(connection, machine, site.authorized),
  );
  const listener = new TcpServer(site.host, site.port, (socket: Socket) => {
    if (!world.faults.silent.has(name)) daemon.injectSocket(socket);
  });
  await listener.listen();
  let up = true;
  const follow = () => {
    const running = machine.state === 'running';
    if (running === up) return;
    up = running;
    // a port that somebody took meanwhile is tried again at the next change
    const moved = running ? listener.listen() : listener.close();
    moved.catch(() => {
      up = !running;
    });
  };
  const unsubscribe = world.onChange(follow);
  follow();
  return {
    name,
    hostId: machine.id,
    host: site.host,
    port: listener.port,
    address: `${site.host}:${listener.port}`,
    user: USER,
    fingerprint: fingerprintOf(publicKey(ssh, key.public)),
    close: () => {
      unsubscribe();
      return listener.close();
    },
  };
}

const fingerprintOf = (key: ParsedKey): string =>
  `SHA256:${createHash('sha256').update(key.getPublicSSH()).digest('base64').replace(/=+$/, '')}`;

function login(connection: Connection, machine: WorldHost, authorized: ParsedKey): void {
  connection.on('error', () => undefined); // a peer that goes away is an ordinary end
  connection.on('authentication', (context) => {
    if (mayEnter(context, authorized)) context.accept();
    else context.reject(['publickey']);
  });
  connection.on('session', (accept) => {
    accept().on('exec', (acceptExec, _reject, { command }) => run(acceptExec(), command, machine));
  });
}

function mayEnter(context: AuthContext, authorized: ParsedKey): boolean {
  if (context.method !== 'publickey' || context.username !== USER) return false;
  if (context.key.algo !== authorized.type || !context.key.data.equals(authorized.getPublicSSH())) return false;
  // the first question comes without a signature: would this key do?
  if (context.signature === undefined || context.blob === undefined) return true;
  return authorized.verify(context.blob, context.signature, context.hashAlgo) === true;
}

function run(channel: ServerChannel, command: string, machine: WorldHost): void {
  channel.on('error', () => undefined);
  if (!/(^|\s|\/)poweroff$/.test(command.trim())) {
    channel.stderr.write(`sh: 1: ${command.split(' ')[0] ?? ''}: command not found\n`);
    channel.exit(127);
    channel.end();
    return;
  }
  channel.exit(0);
  channel.end();
  // as on a real machine, the answer usually gets out before the service is stopped; hanging up is the client's part
  setImmediate(() => machine.halt());
}

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { peer } from '../../peers.ts';
import { freePort } from '../../ports.ts';
import { type Running, until, type Workshop } from '../telemetry/peers.ts';

/** NUT's own programs, each on a folder and a port of its own. */

const run = promisify(execFile);

export interface Ran {
  readonly out: string;
  readonly err: string;
  readonly status: number;
}

/** Runs one of upsc, upscmd and upsrw to its end. */
export async function runs(program: 'upsc' | 'upscmd' | 'upsrw', args: readonly string[]): Promise<Ran> {
  try {
    const { stdout, stderr } = await run(peer(program).path, [...args], { timeout: 60_000 });
    return { out: stdout, err: stderr, status: 0 };
  } catch (error) {
    const { stdout = '', stderr = '', code } = error as { stdout?: string; stderr?: string; code?: number };
    return { out: stdout, err: stderr, status: Number(code ?? -1) };
  }
}

export interface Upsmon {
  readonly running: Running;
  /** It has told its machine to shut down. */
  isDown(): boolean;
}

export interface MonitorOptions {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly role: 'primary' | 'secondary';
  /** Lines of upsmon.conf that go before ours. */
  readonly more?: string;
}

/**
 * upsmon in a place of its own, for it keeps its process id in a folder that only one at a time may use. It looks every
 * second, does not dawdle before it shuts down, and takes a server that starts slowly for no dead one.
 */
export function upsmon(workshop: Workshop, { port, user, password, role, more = '' }: MonitorOptions): Upsmon {
  const folder = workshop.folder();
  const down = join(folder, 'down');
  writeFileSync(
    join(folder, 'upsmon.conf'),
    `${more}
MONITOR ups@127.0.0.1:${port} 1 ${user} "${password}" ${role}
SHUTDOWNCMD "touch ${down}"
POWERDOWNFLAG ${join(folder, 'killpower')}
POLLFREQ 1
POLLFREQALERT 1
DEADTIME 600
FINALDELAY 0
RUN_AS_USER root
`,
    { mode: 0o600 },
  );
  const here = `mount -t tmpfs none /run && mkdir /run/nut && exec env NUT_CONFPATH=${folder} ${peer('upsmon').path} -F -p`;
  const namespaces = process.getuid?.() === 0 ? '-m' : '-rm';
  const running = workshop.run(peer('unshare').path, [namespaces, 'sh', '-c', here]);
  return { running, isDown: () => existsSync(down) };
}

/** upsd over dummy-ups. `say` replaces what the device tells. */
export class Upsd {
  readonly port: number;
  readonly #workshop: Workshop;
  readonly #folder: string;
  #driver: Running | undefined;
  #server: Running | undefined;

  private constructor(workshop: Workshop, port: number) {
    this.#workshop = workshop;
    this.port = port;
    this.#folder = workshop.folder();
  }

  static async start(workshop: Workshop, variables: Readonly<Record<string, string>>): Promise<Upsd> {
    const upsd = new Upsd(workshop, await freePort());
    upsd.#write(variables);
    await upsd.plugIn();
    await upsd.serve();
    return upsd;
  }

  get pid(): number {
    return this.#server?.child.pid ?? 0;
  }

  say(variables: Readonly<Record<string, string>>): void {
    writeFileSync(join(this.#folder, 'apc.dev'), `${lines(variables)}TIMER 1\n`);
  }

  async plugIn(): Promise<void> {
    this.#driver = this.#start(peer('dummy-ups').path, ['-a', 'apc', '-u', 'root', '-F']);
    await until('dummy-ups runs', () => existsSync(join(this.#folder, 'run', 'dummy-ups-apc')));
  }

  async unplug(): Promise<void> {
    await this.#driver?.stop('SIGTERM');
  }

  /** The driver is there and says nothing more. */
  freeze(): void {
    this.#driver?.child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#driver?.child.kill('SIGCONT');
  }

  async serve(): Promise<void> {
    this.#server = this.#start(peer('upsd').path, ['-u', 'root', '-F']);
    await until(
      'upsd answers',
      async () => (await runs('upsc', [`apc@127.0.0.1:${this.port}`, 'ups.status'])).status === 0,
    );
  }

  async hangUp(): Promise<void> {
    await this.#server?.stop('SIGTERM');
  }

  #start(path: string, args: readonly string[]): Running {
    const state = join(this.#folder, 'run');
    mkdirSync(state, { recursive: true });
    const places = [`NUT_CONFPATH=${this.#folder}`, `NUT_STATEPATH=${state}`, `NUT_ALTPIDPATH=${state}`];
    return this.#workshop.run('/usr/bin/env', [...places, path, ...args]);
  }

  #write(variables: Readonly<Record<string, string>>): void {
    const put = (name: string, text: string): void => writeFileSync(join(this.#folder, name), text, { mode: 0o640 });
    put(
      'ups.conf',
      `[apc]\ndriver = dummy-ups\nport = ${join(this.#folder, 'apc.dev')}\nmode = dummy-loop\ndesc = "a UPS"\npollinterval = 1\n`,
    );
    put('upsd.conf', `LISTEN 127.0.0.1 ${this.port}\nMAXAGE 3\n`);
    put(
      'upsd.users',
      '[holdover]\npassword = "a b\\#c"\nupsmon primary\nactions = SET\nactions = FSD\ninstcmds = ALL\n',
    );
    this.say(variables);
  }
}

const lines = (variables: Readonly<Record<string, string>>): string =>
  Object.entries(variables)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('');

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parse, stringify } from 'yaml';
import type { CoordinatorView, JournalLine, Snapshot } from '../../services/shutdown/view.ts';
import { freePort } from '../ports.ts';

/**
 * The demo's rack and the real service as processes of their own, watched from outside. The service can be killed and
 * started again on the same state; the world goes on meanwhile.
 */

const ENTRY = join(import.meta.dirname, '../../services/cli/holdover.ts');

export interface WorldState {
  readonly timeS: number;
  readonly wallMs: number;
  readonly mainsPresent: boolean;
  readonly pack: { readonly socRatio: number };
  readonly hosts: readonly { readonly id: string; readonly node?: string; readonly state: string }[];
  readonly switch: {
    readonly ports: readonly { readonly port: string; readonly enabled: boolean; readonly hostId?: string }[];
  };
  readonly cluster: {
    readonly nodes: readonly {
      readonly name: string;
      readonly unschedulable: boolean;
      readonly ready: boolean;
      readonly pods: number;
    }[];
    readonly pods: number;
    readonly pendingPods: number;
  };
  readonly violations: readonly { readonly atS: number; readonly rule: string; readonly detail: string }[];
}

/** One thing that really happened in the world. */
export interface WorldEvent {
  readonly seq: number;
  readonly atS: number;
  readonly kind: string;
  readonly subject: string;
  readonly detail: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ready: Readonly<Record<string, unknown>>;
}

export interface StageOptions {
  readonly fast: number;
  /** Arguments for `emulate rack`, e.g. `--soc`. */
  readonly rackArgs?: readonly string[];
  /** Changes the configuration before the service is started. */
  readonly configure?: (config: Record<string, unknown>) => void;
}

export class Stage {
  readonly dir = mkdtempSync(join(tmpdir(), 'holdover-e2e-'));
  readonly #options: StageOptions;
  #world: Running | undefined;
  #service: Running | undefined;
  #control = '';
  #phaseSinceMs = 0;
  address = '';

  constructor(options: StageOptions) {
    this.#options = options;
  }

  get configPath(): string {
    return join(this.dir, 'holdover.yaml');
  }

  async open(): Promise<void> {
    const { fast, rackArgs = [], configure } = this.#options;
    const port = await freePort();
    const args = [
      'emulate',
      'rack',
      '--dir',
      this.dir,
      '--fast',
      String(fast),
      '--http-port',
      String(port),
      ...rackArgs,
    ];
    this.#world = await start(args, join(this.dir, 'world.log'));
    this.#control = String(this.#world.ready.control);
    if (configure !== undefined) {
      const config = parse(readFileSync(this.configPath, 'utf8')) as Record<string, unknown>;
      configure(config);
      writeFileSync(this.configPath, stringify(config));
    }
    await this.startService();
  }

  async startService(): Promise<void> {
    const args = ['run', '--config', this.configPath, '--clock-speed', String(this.#options.fast)];
    this.#service = await start(args, join(this.dir, 'service.log'));
    this.address = String(this.#service.ready.address);
  }

  /** As a power cut would: no signal handler, no goodbye. */
  async killService(): Promise<void> {
    const service = this.#service;
    this.#service = undefined;
    if (service === undefined) return;
    const gone = new Promise((resolve) => service.child.once('exit', resolve));
    service.child.kill('SIGKILL');
    await gone;
  }

  async close(): Promise<void> {
    for (const running of [this.#service, this.#world]) {
      if (running === undefined || running.child.exitCode !== null) continue;
      const gone = new Promise((resolve) => running.child.once('exit', resolve));
      running.child.kill('SIGTERM');
      const late = setTimeout(() => running.child.kill('SIGKILL'), 8000);
      await gone;
      clearTimeout(late);
    }
    rmSync(this.dir, { recursive: true, force: true });
  }

  serviceLog(): string {
    return readFileSync(join(this.dir, 'service.log'), 'utf8');
  }

  world(): Promise<WorldState> {
    return getJson(`${this.#control}/state`);
  }

  async events(): Promise<readonly WorldEvent[]> {
    const { events } = await getJson<{ events: readonly WorldEvent[] }>(`${this.#control}/events`);
    return events;
  }

  async rack(): Promise<Snapshot['rack']> {
    const { rack } = await getJson<{ rack: Snapshot['rack'] }>(`${this.address}/api/v1/rack`);
    return rack;
  }

  hosts(): Promise<Pick<CoordinatorView, 'phase' | 'hosts' | 'runId'>> {
    return getJson(`${this.address}/api/v1/hosts`);
  }

  async schedule(): Promise<CoordinatorView['schedule']> {
    const { schedule } = await getJson<Pick<CoordinatorView, 'schedule'>>(`${this.address}/api/v1/schedule`);
    return schedule;
  }

  async journal(): Promise<readonly JournalLine[]> {
    const { entries } = await getJson<{ entries: readonly JournalLine[] }>(`${this.address}/api/v1/journal?limit=1000`);
    return entries;
  }

  mains(present: boolean): Promise<unknown> {
    return this.#post('/mains', { present });
  }

  fault(name: string, value: unknown): Promise<unknown> {
    return this.#post('/fault', { name, value });
  }

  /** The world stands still, or goes on. */
  hold(held: boolean): Promise<unknown> {
    return this.#post('/hold', { held });
  }

  unplug(device: string): Promise<unknown> {
    return this.#post('/unplug', { device });
  }

  replug(device: string): Promise<unknown> {
    return this.#post('/replug', { device });
  }

  /** Waits until the service knows its rack: every host answers, the pack is heard, mains is seen. */
  settled(): Promise<void> {
    return until('the service knows its rack', async () => {
      const [{ hosts, phase }, rack] = await Promise.all([this.hosts(), this.rack()]);
      const known = hosts.every((host) => host.stage === undefined || host.reachable === true);
      const heard = rack.bank.freshness === 'fresh' && rack.cluster?.freshness === 'fresh';
      return phase === 'mains' && known && heard && rack.mains.verdict === 'present' ? true : undefined;
    }).then(() => undefined);
  }

  /**
   * Waits until the service is in a phase, or was since the phase waited for before: on a busy machine it may be over
   * before anybody looks.
   */
  async phase(wanted: CoordinatorView['phase']): Promise<void> {
    const begins = async (): Promise<number | undefined> =>
      (await this.journal()).find(
        ({ wallMs, entry }) => entry.kind === 'phase' && entry.phase === wanted && wallMs >= this.#phaseSinceMs,
      )?.wallMs;
    await until(`phase ${wanted}`, async () => {
      if ((await this.hosts()).phase === wanted) return true;
      return (await begins()) === undefined ? undefined : true;
    });
    this.#phaseSinceMs = (await begins()) ?? this.#phaseSinceMs;
  }

  async #post(path: string, body: unknown): Promise<unknown> {
    const response = await fetch(`${this.#control}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }
}

/** Asks until there is an answer; an error on the way is an answer that is not there yet. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>, withinMs = 240_000): Promise<T> {
  const end = performance.now() + withinMs;
  let last: unknown;
  while (performance.now() < end) {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`did not come true: ${what}${last === undefined ? '' : ` (${String(last)})`}`);
}

export async function getJson<T>(url: string): Promise<T> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return (await response.json()) as T;
}

/** Starts the program with `args` and waits for its first line. */
export async function start(args: readonly string[], logPath: string): Promise<Running> {
  const log = openSync(logPath, 'a');
  const child = spawn(process.execPath, [ENTRY, ...args], { stdio: ['ignore', 'pipe', log] });
  closeSync(log);
  const { stdout } = child;
  if (stdout === null) throw new Error('no output to wait for');
  const line = await Promise.race([
    new Promise<string>((resolve) => createInterface({ input: stdout }).once('line', resolve)),
    new Promise<undefined>((resolve) => child.once('exit', () => resolve(undefined))),
  ]);
  if (line === undefined)
    throw new Error(`${args.slice(0, 2).join(' ')} ended: ${readFileSync(logPath, 'utf8').slice(-2000)}`);
  return { child, ready: JSON.parse(line) as Record<string, unknown> };
}

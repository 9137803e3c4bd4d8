import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { LeaseView } from '../../services/shutdown/leadership.ts';
import type { JournalLine } from '../../services/shutdown/view.ts';
import { peer } from '../peers.ts';
import { freePort } from '../ports.ts';
import { expectEverythingAsBefore } from './expectations.ts';
import { getJson, type Running, Stage, start, until } from './stage.ts';

/** Two services as processes of their own on one rack, with a real broker between them. */

const mosquitto = peer('mosquitto');
const FAST = 6;

class Pair {
  readonly stage: Stage;
  brokerPort = 0;
  #broker: ChildProcess | undefined;
  #second: Running | undefined;
  first = '';
  second = '';

  constructor() {
    this.stage = new Stage({
      fast: FAST,
      rackArgs: ['--bms', 'tcp'],
      configure: (config) => Object.assign(config, { lease: this.#lease('node-a') }),
    });
  }

  #lease(holder: string): object {
    return { holder, ttl: '2s', mqtt: { url: `mqtt://127.0.0.1:${this.brokerPort}` } };
  }

  async open(): Promise<void> {
    this.brokerPort = await freePort();
    await this.startBroker();
    await this.stage.open();
    this.first = this.stage.address;
    await until('node-a acts', async () => ((await leaseOf(this.first))?.role === 'acting' ? true : undefined));
    const config = parse(readFileSync(this.stage.configPath, 'utf8')) as Record<string, Record<string, unknown>>;
    const other = {
      ...config,
      lease: this.#lease('node-b'),
      http: { ...config.http, listen: '127.0.0.1:0' },
      shutdown: { ...config.shutdown, stateDir: join(this.stage.dir, 'state-b') },
    };
    const path = join(this.stage.dir, 'node-b.yaml');
    writeFileSync(path, stringify(other));
    const args = ['run', '--config', path, '--clock-speed', String(FAST)];
    this.#second = await start(args, join(this.stage.dir, 'node-b.log'));
    this.second = String(this.#second.ready.address);
    await until('node-b watches', async () => {
      const lease = await leaseOf(this.second);
      return lease?.role === 'watching' && lease.holder === 'node-a' ? true : undefined;
    });
  }

  async startBroker(): Promise<void> {
    const child = spawn(mosquitto.path, ['-p', String(this.brokerPort)], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#broker = child;
    await new Promise<void>((resolve) => {
      child.stderr.on('data', (text) => {
        if (String(text).includes('running')) resolve();
      });
    });
  }

  async killBroker(): Promise<void> {
    await killed(this.#broker);
    this.#broker = undefined;
  }

  async close(): Promise<void> {
    await killed(this.#second?.child);
    await this.stage.close();
    await this.killBroker();
  }
}

async function killed(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

async function leaseOf(address: string): Promise<LeaseView | undefined> {
  return (await getJson<{ lease?: LeaseView }>(`${address}/api/v1/hosts`)).lease;
}

async function entriesOf(address: string): Promise<readonly JournalLine['entry'][]> {
  const { entries } = await getJson<{ entries: readonly JournalLine[] }>(`${address}/api/v1/journal?limit=1000`);
  return entries.map(({ entry }) => entry);
}

let pair: Pair | undefined;
afterEach(async () => {
  await pair?.close();
  pair = undefined;
});

describe.skipIf(mosquitto.skip)(`two nodes with ${mosquitto.title}`, { timeout: 600_000 }, () => {
  it('the holder is killed in the middle of a shutdown: the watcher finishes it and brings everything back', async () => {
    pair = new Pair();
    const { stage } = pair;
    await pair.open();
    await stage.settled();
    const before = await stage.world();
    await stage.mains(false);
    await until('some hosts are halting', async () =>
      (await stage.hosts()).hosts.some(({ phase }) => phase === 'halting') ? true : undefined,
    );
    const { runId } = await stage.hosts();
    await stage.killService();
    stage.address = pair.second;
    await until('node-b acts', async () => ((await leaseOf(stage.address))?.role === 'acting' ? true : undefined));
    await stage.phase('dark');
    expect((await stage.hosts()).runId).toBe(runId);
    await stage.mains(true);
    await stage.phase('mains');
    await expectEverythingAsBefore(stage, before);
    const entries = await entriesOf(stage.address);
    expect(entries.filter(({ kind }) => kind === 'adopted')).toHaveLength(1);
    // Back again, the first one finds that it was replaced.
    await stage.startService();
    await until('node-a watches', async () => {
      const lease = await leaseOf(stage.address);
      return lease?.role === 'watching' && lease.holder === 'node-b' ? true : undefined;
    });
    expect(await getJson(`${stage.address}/healthz`)).toMatchObject({ role: 'watching' });
  });

  it('the broker is killed in an outage: the holder goes on, the watcher watches, also when it is back', async () => {
    pair = new Pair();
    await pair.open();
    const { stage, second } = pair;
    await stage.settled();
    const before = await stage.world();
    await stage.mains(false);
    await stage.phase('on-battery');
    await pair.killBroker();
    await stage.phase('dark');
    expect((await leaseOf(second))?.medium).toBe('gone');
    await stage.mains(true);
    await stage.phase('mains');
    await pair.startBroker();
    await until('node-b hears again', async () => {
      const lease = await leaseOf(second);
      return lease?.medium === 'alive' && lease.holder === 'node-a' ? true : undefined;
    });
    await expectEverythingAsBefore(stage, before);
    expect((await leaseOf(stage.address))?.role).toBe('acting');
    expect((await entriesOf(second)).filter(({ kind }) => kind === 'intent' || kind === 'lease')).toEqual([]);
  });
});

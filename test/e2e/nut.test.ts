import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { JournalEntry } from '../../services/shutdown/state.ts';
import type { Snapshot } from '../../services/shutdown/view.ts';
import { peer } from '../peers.ts';
import { freePort } from '../ports.ts';
import { runs, Upsd, upsmon } from '../services/nut/nut-peers.ts';
import { Talk } from '../services/nut/talk.ts';
import { Workshop } from '../services/telemetry/peers.ts';
import { getJson, Stage, until } from './stage.ts';

/** The real service between NUT's own programs: below it upsd, above it upsc and upsmon. */

const missing = (['upsd', 'dummy-ups', 'upsc', 'upsmon', 'unshare'] as const).map(peer).find((each) => each.skip);
const title = missing?.title ?? 'NUT';
const workshop = new Workshop();
let stage: Stage | undefined;
let service: ChildProcess | undefined;
let folder: string | undefined;

afterEach(async () => {
  if (service !== undefined && service.exitCode === null) {
    const gone = new Promise((resolve) => service?.once('exit', resolve));
    service.kill('SIGTERM');
    await gone;
  }
  service = undefined;
  await stage?.close();
  stage = undefined;
  await workshop.clean();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(missing !== undefined)(`with ${title}`, () => {
  it('a machine that upsmon looks after goes through an outage and a crash of the service', async () => {
    const port = await freePort();
    const secret = join(workshop.folder(), 'password');
    writeFileSync(secret, 'pw');
    stage = new Stage({
      fast: 12,
      configure: (config) => {
        const user = { user: 'mon', password: { file: secret }, upsmon: 'secondary', needs: '30s' };
        config.nut = { listen: `127.0.0.1:${port}`, users: [user] };
      },
    });
    await stage.open();
    await stage.settled();
    const ask = async (what: string): Promise<string> =>
      (await runs('upsc', [`ups@127.0.0.1:${port}`, what])).out.trim();
    const monitored = upsmon(workshop, { port, user: 'mon', password: 'pw', role: 'secondary' });
    const loggedIn = () =>
      until(
        'upsmon is logged in',
        async () => (await runs('upsc', ['-c', `ups@127.0.0.1:${port}`])).out === '127.0.0.1\n' || undefined,
      );
    await loggedIn();
    await until('it is on mains', async () => /^OL( CHRG)?$/.test(await ask('ups.status')) || undefined);
    await until('its charge is told', async () => Number(await ask('battery.charge')) > 10 || undefined);
    expect(Number(await ask('outlet.count'))).toBeGreaterThan(1);
    await stage.mains(false);
    await until('it is on battery', async () => /^OB/.test(await ask('ups.status')) || undefined);
    expect(monitored.isDown()).toBe(false);
    await stage.killService();
    await stage.hold(true);
    await stage.startService();
    await stage.hold(false);
    await loggedIn();
    await until('the machine is told to go', async () => monitored.isDown() || undefined);
    expect((await stage.hosts()).phase).not.toBe('mains');
    await stage.phase('dark');
    await until('the order is told', async () => /^FSD OB LB/.test(await ask('ups.status')) || undefined);
    await until('the first stage is told to be off', async () => (await ask('outlet.1.status')) === 'off' || undefined);
    await stage.mains(true);
    await stage.phase('restoring');
    await until('nothing of the order is left', async () => /^OL/.test(await ask('ups.status')) || undefined);
  }, 600_000);

  it('a UPS that upsd reads is evidence, bank and commander, and is passed on', async () => {
    const line = {
      'ups.status': 'OL',
      'battery.charge': '90',
      'battery.runtime': '1800',
      'ups.realpower': '200',
      'device.serial': 'AS1',
    };
    const below = await Upsd.start(workshop, line);
    const [nutPort, httpPort] = [await freePort(), await freePort()];
    folder = mkdtempSync(join(tmpdir(), 'holdover-e2e-nut-'));
    const path = join(folder, 'holdover.yaml');
    const ups = {
      id: 'apc',
      driver: 'nut',
      host: '127.0.0.1',
      port: below.port,
      ups: 'apc',
      every: '250ms',
      capacityWh: 500,
    };
    const state = join(folder, 'state');
    writeFileSync(
      path,
      stringify({
        ups: [ups],
        nut: { listen: `127.0.0.1:${nutPort}` },
        http: { listen: `127.0.0.1:${httpPort}` },
        shutdown: { stateDir: state, confirmLoss: 0.5, confirmReturn: 0.5 },
      }),
    );
    await started(path);
    const rack = async (): Promise<Snapshot['rack']> =>
      (await getJson<{ rack: Snapshot['rack'] }>(`http://127.0.0.1:${httpPort}/api/v1/rack`)).rack;
    const above = async (what: string): Promise<string> => {
      const { out, err } = await runs('upsc', [`ups@127.0.0.1:${nutPort}`, what]);
      return (out === '' ? err : out).trim();
    };
    await until('mains is there', async () => (await rack()).mains.verdict === 'present' || undefined);
    // 200 W for half an hour is less than 90 % of 500 Wh.
    expect((await rack()).bank).toMatchObject({ freshness: 'fresh', usableWh: 100, fullWh: 500 });
    await until('it is passed on', async () => (await above('ups.status')) === 'OL' || undefined);
    expect(await above('device.serial')).toBe('AS1');

    below.say({ ...line, 'ups.status': 'OB DISCHRG' });
    await until('mains is away', async () => (await rack()).mains.verdict === 'absent' || undefined);
    await until('that is passed on', async () => (await above('ups.status')) === 'OB DISCHRG' || undefined);
    expect((await rack()).bank).toMatchObject({ powerW: -200, runtimeS: 1800 });

    const primary = await Talk.to(below.port);
    expect(await primary.asks('USERNAME holdover', 'PASSWORD "a b\\#c"', 'LOGIN apc', 'FSD apc')).toEqual([
      'OK',
      'OK',
      'OK',
      'OK FSD-SET',
    ]);
    await until('the order is heard', async () => (await rack()).forcedShutdown?.ups === 'apc' || undefined);
    await until('the order is passed on', async () => (await above('ups.status')) === 'FSD OB LB DISCHRG' || undefined);
    primary.close();

    below.freeze();
    await until(
      'nothing old is shown',
      async () => (await above('battery.charge')).includes('Data stale') || undefined,
    );
    expect((await rack()).ups?.apc).toMatchObject({ freshness: 'stale', failure: { code: 'data-stale' } });
    expect((await rack()).mains.verdict).toBe('absent');
    below.thaw();
    await until('it is heard again', async () => (await above('battery.charge')) === '90' || undefined);
  });

  it('an order to go down is followed on mains, and ends when upsd has forgotten it', async () => {
    const below = await Upsd.start(workshop, { 'ups.status': 'OL', 'battery.charge': '90' });
    const [httpPort, nobody] = [await freePort(), await freePort()];
    folder = mkdtempSync(join(tmpdir(), 'holdover-e2e-nut-'));
    const [path, halted] = [join(folder, 'holdover.yaml'), join(folder, 'halted')];
    const host = {
      id: 'pi1',
      address: '127.0.0.1',
      probePort: nobody,
      halt: { command: { argv: ['/usr/bin/touch', halted] } },
    };
    const settings = {
      ups: [{ id: 'apc', driver: 'nut', host: '127.0.0.1', port: below.port, ups: 'apc', every: '250ms' }],
      hosts: [host],
      http: { listen: `127.0.0.1:${httpPort}` },
      shutdown: { stateDir: join(folder, 'state'), stages: [{ name: 'all', hosts: ['pi1'] }] },
    };
    writeFileSync(path, stringify(settings));
    await started(path);
    const journal = async (): Promise<readonly JournalEntry[]> =>
      (
        await getJson<{ entries: { entry: JournalEntry }[] }>(`http://127.0.0.1:${httpPort}/api/v1/journal`)
      ).entries.map(({ entry }) => entry);
    const shown = () => getJson<{ rack: Snapshot['rack'] }>(`http://127.0.0.1:${httpPort}/api/v1/rack`);
    await until('mains is there', async () => (await shown()).rack.mains.verdict === 'present' || undefined);
    expect(existsSync(halted)).toBe(false);
    const primary = await Talk.to(below.port);
    await primary.asks('USERNAME holdover', 'PASSWORD "a b\\#c"', 'LOGIN apc', 'FSD apc');
    primary.close();
    await until('the machine is told to halt', async () => existsSync(halted) || undefined);
    expect(await journal()).toContainEqual(expect.objectContaining({ kind: 'ordered-down', ups: 'apc', began: true }));
    expect((await shown()).rack.mains.verdict).toBe('present');
    // upsd is silent for a while, as when its machine is down: the order stands.
    await below.hangUp();
    await until('it is not heard', async () => (await shown()).rack.ups?.apc?.freshness === 'stale' || undefined);
    expect(await journal()).not.toContainEqual(expect.objectContaining({ kind: 'ordered-down', began: false }));
    await below.serve();
    await until(
      'the order is over',
      async () => (await journal()).some((entry) => entry.kind === 'ordered-down' && !entry.began) || undefined,
    );
  });
});

/** The service over a configuration; resolves when it says that it is ready. */
async function started(config: string): Promise<void> {
  const entry = join(import.meta.dirname, '../../services/cli/holdover.ts');
  const child = spawn(process.execPath, [entry, 'run', '--config', config, '--log-level', 'silent'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  service = child;
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', () => resolve());
    child.once('exit', (code) => reject(new Error(`the service ended with ${code}`)));
  });
}

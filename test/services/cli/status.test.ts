import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { status } from '../../../services/cli/status.ts';
import type { Rack } from '../../../services/rack/rack.ts';
import { UserError } from '../../../services/runtime/errors.ts';
import type { CoordinatorView } from '../../../services/shutdown/view.ts';
import { captured } from './captured.ts';

const rack = {
  wallMs: 0,
  monoMs: 0,
  packs: {},
  bank: { complete: true, freshness: 'fresh', socRatio: 0.664, voltageV: 52.84, currentA: -9.96, usableWh: 2999.6 },
  meters: {},
  ups: {
    apc: {
      freshness: 'fresh',
      sample: { kind: 'ups', measuredAtMs: 0, mode: 'battery', socRatio: 0.418, runtimeS: 1380 },
    },
    old: { freshness: 'stale', sample: { kind: 'ups', measuredAtMs: 0, mode: 'line', socRatio: 0.99 } },
  },
  switches: {},
  hosts: {},
  mains: { verdict: 'absent', sinceMs: 0, votes: [], disputed: false },
  circuit: { limitA: 16, currentA: 3.14, freshness: 'fresh' },
  alarms: [{ code: 'pack-stale', subject: 'a', severity: 'critical', message: 'pack a last answered 9 s ago' }],
} satisfies Rack;

const host = (id: string, phase: CoordinatorView['hosts'][number]['phase'], trouble?: string) => ({
  id,
  phase,
  sinceWallMs: 0,
  protected: false,
  forced: false,
  ...(trouble === undefined ? {} : { trouble }),
});
const hosts = [host('a', 'up'), host('b', 'up'), host('c', 'cut', 'did not come up')];
const schedule: CoordinatorView['schedule'] = {
  basis: 'live',
  reserveWh: 100,
  loadW: 200,
  feasible: true,
  stages: [
    { name: 'batch', hosts: [], state: 'down', mustBeginBelowWh: 1, durationS: 1, loadAfterW: 1 },
    { name: 'middle', hosts: [], state: 'going-down', mustBeginBelowWh: 1, durationS: 1, loadAfterW: 1 },
    { name: 'workers', hosts: [], state: 'waiting', beginsInS: 1380, mustBeginBelowWh: 1, durationS: 1, loadAfterW: 1 },
  ],
};

const GOOD = {
  '/api/v1/rack': { rack },
  '/api/v1/schedule': { schedule },
  '/api/v1/hosts': { phase: 'shutting-down', hosts },
};

let server: Server | undefined;
const seen: (string | undefined)[] = [];
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  seen.length = 0;
  vi.unstubAllEnvs();
});

/** A service that answers every path with a status, or with what it is given. */
async function serve(answers: Readonly<Record<string, unknown>>, code = 200): Promise<string> {
  const made = createServer((request, response) => {
    seen.push(request.headers.authorization);
    const answer = answers[request.url ?? ''];
    response.writeHead(answer === undefined && code === 200 ? 404 : code, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? {}));
  });
  server = made;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}`;
}

describe('status', () => {
  it('tells everything on one screen', async () => {
    const url = await serve(GOOD);
    const { value, out, err } = await captured(() => status({ url }));
    expect([value, err]).toEqual([0, '']);
    expect(out.trimEnd().split('\n')).toEqual([
      'phase     shutting-down',
      'mains     absent',
      'battery   66 %  52.8 V  -10.0 A  usable 3000 Wh',
      'circuit   3.1 A of 16 A',
      'ups       apc: battery, 42 %, 23 min left',
      'ups       old: stale',
      'stage     batch: down',
      'stage     middle: going down',
      'stage     workers: begins in 23 min',
      'hosts     2 up, 1 cut',
      'trouble   c: did not come up',
      'alarm     pack a last answered 9 s ago',
    ]);
  });

  it('says when a figure is old, or is none, and when mains is disputed', async () => {
    const url = await serve({
      ...GOOD,
      '/api/v1/rack': {
        rack: {
          ...rack,
          bank: { complete: false, freshness: 'stale', socRatio: 0.5 },
          circuit: { limitA: 16, freshness: 'absent' },
          mains: { ...rack.mains, disputed: true },
        },
      },
      '/api/v1/schedule': { schedule: { ...schedule, basis: 'if-mains-failed' } },
    });
    const { out } = await captured(() => status({ url }));
    expect(out).toContain('battery   50 % (stale)  –  –  usable –');
    expect(out).toContain('circuit   – of 16 A');
    expect(out).toContain('mains     absent, disputed');
    expect(out).toContain('workers: begins in 23 min if mains failed now');
  });

  it('says which meters the circuit goes by, where there are several', async () => {
    const meters = { m1: { freshness: 'fresh' }, m2: { freshness: 'fresh' }, m3: { freshness: 'fresh' } };
    const circuit = { limitA: 16, currentA: 7, freshness: 'fresh', meters: ['m1', 'm2'] };
    const url = await serve({ ...GOOD, '/api/v1/rack': { rack: { ...rack, meters, circuit } } });
    const { out } = await captured(() => status({ url }));
    expect(out).toContain('circuit   7.0 A of 16 A (m1 + m2)');
  });

  it('says of each switch what is left, and which port would lose power first', async () => {
    const sample = {
      kind: 'switch' as const,
      measuredAtMs: 0,
      budgetW: 120,
      drawnW: 111.2,
      headroomW: 8.8,
      dropOrder: ['4', '2'],
      totalTrusted: true,
      ports: [],
    };
    const { dropOrder: _, headroomW: __, budgetW: ___, ...bare } = sample;
    const switches = {
      sw1: { freshness: 'fresh', sample },
      sw2: { freshness: 'fresh', sample: { ...sample, dropOrder: ['9'] } },
      sw3: { freshness: 'fresh', sample: bare },
      sw4: { freshness: 'stale', sample },
      sw5: { freshness: 'absent' },
    };
    const on = (id: string, port: string) => ({ ...host(id, 'up'), switchId: 'sw1', port });
    const fed = [...hosts, on('pi6', '2'), on('pi7', '4')];
    const url = await serve({
      ...GOOD,
      '/api/v1/rack': { rack: { ...rack, switches } },
      '/api/v1/hosts': { phase: 'mains', hosts: fed },
    });
    const { out } = await captured(() => status({ url }));
    expect(out.split('\n').filter((line) => line.startsWith('switch'))).toEqual([
      'switch    sw1: 111 W of 120 W, 8.8 W left, port 4 (pi7) would lose power first',
      'switch    sw2: 111 W of 120 W, 8.8 W left, port 9 would lose power first',
      'switch    sw3: 111 W',
      'switch    sw4: stale',
      'switch    sw5: absent',
    ]);
  });

  it('has it all as one line of JSON', async () => {
    const url = await serve(GOOD);
    const { value, out } = await captured(() => status({ url, json: true }));
    expect(value).toBe(0);
    expect(out.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(out)).toEqual({ rack, coordinator: { phase: 'shutting-down', schedule, hosts } });
  });

  it('shows its token with every question, and none when it has none', async () => {
    const url = await serve(GOOD);
    vi.stubEnv('HOLDOVER_TEST_TOKEN', 'abc');
    await captured(() => status({ url, tokenEnv: 'HOLDOVER_TEST_TOKEN' }));
    expect(seen).toEqual(['Bearer abc', 'Bearer abc', 'Bearer abc']);
    seen.length = 0;
    await captured(() => status({ url }));
    expect(seen).toEqual([undefined, undefined, undefined]);
  });

  it.each([401, 403])('says how to give a token when it is asked for one (%d), and shows none', async (code) => {
    const url = await serve({}, code);
    vi.stubEnv('HOLDOVER_TEST_TOKEN', 'abcsecret');
    const error = await status({ url, tokenEnv: 'HOLDOVER_TEST_TOKEN' }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).hint).toMatch(/--token-env/);
    expect(`${(error as UserError).message} ${(error as UserError).hint}`).not.toContain('abcsecret');
  });

  it('says what was answered when the service is not ready', async () => {
    const url = await serve({}, 503);
    await expect(status({ url })).rejects.toThrow(/answered 503 to \/api\/v1\//);
  });

  it('says that nobody is there', async () => {
    const url = await serve({});
    server?.close();
    await new Promise((resolve) => server?.once('close', resolve));
    await expect(status({ url })).rejects.toThrow(
      /no service answers at http:\/\/127\.0\.0\.1:\d+ .*is holdover running/,
    );
  });
});

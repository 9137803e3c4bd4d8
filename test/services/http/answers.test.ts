import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assemble } from '../../../services/http/face.ts';
import { finite } from '../../../services/http/finite.ts';
import type { App } from '../../../services/http/routes.ts';
import { rackAnswer } from '../../../services/http/schemas/answers.ts';
import type { Snapshot } from '../../../services/shutdown/view.ts';
import { FakeService, faceOptions, HandClock, type Logged } from './fake-service.ts';
import { emptySnapshot, journalOf, type Scene, snapshotOf } from './rack-fixture.ts';

const SCENES: readonly Scene[] = [
  'mains',
  'on-battery',
  'shutting-down',
  'dark',
  'restoring',
  'stale-pack',
  'disputed',
];

let service: FakeService;
let clock: HandClock;
let app: App;
let logged: Logged[];
let journalTrouble: string | undefined;

beforeEach(async () => {
  service = new FakeService(snapshotOf('mains'), journalOf('restoring'));
  clock = new HandClock();
  logged = [];
  journalTrouble = undefined;
  ({ app } = await assemble(faceOptions(service, { clock, journalTrouble: () => journalTrouble }, logged)));
});

afterEach(async () => {
  await app.close();
});

const get = async (url: string) => {
  const answer = await app.inject({ url });
  return { status: answer.statusCode, headers: answer.headers, text: answer.body, json: () => answer.json() };
};

describe('reading', () => {
  it.each(SCENES)('answers the whole snapshot and its parts in scene %s', async (scene) => {
    service.tick(snapshotOf(scene));
    const rack = (await get('/api/v1/rack')).json();
    expect(rackAnswer.safeParse(rack).error).toBeUndefined();
    expect(rack.rack.bank.socRatio).toBeCloseTo(snapshotOf(scene).rack.bank.socRatio ?? -1);
    expect(rack.rack.switches.sw1.sample.ports).toHaveLength(24);
    const schedule = (await get('/api/v1/schedule')).json();
    expect(schedule.phase).toBe(snapshotOf(scene).coordinator.phase);
    expect(schedule.schedule).toEqual(finite(snapshotOf(scene).coordinator.schedule));
    const hosts = (await get('/api/v1/hosts')).json();
    expect(hosts.hosts).toEqual(finite(snapshotOf(scene).coordinator.hosts));
  });

  it('answers a rack with nothing in it', async () => {
    service.tick(emptySnapshot());
    for (const url of ['/api/v1/rack', '/api/v1/schedule', '/api/v1/hosts']) expect((await get(url)).status).toBe(200);
  });

  it('loses no field of a snapshot on the way out', async () => {
    service.tick(snapshotOf('mains'));
    const { rack, devices, sinks } = (await get('/api/v1/rack')).json();
    const snapshot = finite(snapshotOf('mains'));
    expect(rack).toEqual(snapshot.rack);
    expect(devices).toEqual(snapshot.devices);
    expect(sinks).toEqual(snapshot.sinks);
  });

  it('says 503 before the first snapshot, and that the service is starting', async () => {
    const fresh = await assemble(faceOptions(new FakeService()));
    const answer = await fresh.app.inject({ url: '/api/v1/rack' });
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.json().detail).toContain('starting');
    await fresh.app.close();
  });

  it('leaves out what is not a number instead of failing or inventing', async () => {
    const snapshot = snapshotOf('on-battery');
    const broken: Snapshot = {
      ...snapshot,
      rack: {
        ...snapshot.rack,
        bank: { ...snapshot.rack.bank, voltageV: Number.NaN, runtimeS: Number.POSITIVE_INFINITY },
        packs: {
          lfp1: {
            ageMs: 5,
            freshness: 'fresh',
            sample: { kind: 'pack', measuredAtMs: 1, cellsV: [3.3, Number.NaN, 3.3], currentA: Number.NaN, powerW: -4 },
          },
        },
      },
    };
    service.tick(broken);
    const answer = await get('/api/v1/rack');
    expect(answer.status).toBe(200);
    const { rack } = answer.json();
    expect(rack.bank).not.toHaveProperty('voltageV');
    expect(rack.bank).not.toHaveProperty('runtimeS');
    expect(rack.packs.lfp1.sample).toEqual({ kind: 'pack', measuredAtMs: 1, powerW: -4 });
  });

  it('ages every sample with the snapshot, and calls nothing fresh once the service has stopped ticking', async () => {
    clock.nowMs += 4_000;
    const young = (await get('/api/v1/rack')).json();
    expect(young).toMatchObject({ ageMs: 4_000, freshness: 'fresh' });
    expect(young.rack.packs.lfp1).toMatchObject({ ageMs: 4_400, freshness: 'fresh' });
    clock.nowMs += 60_000;
    const old = (await get('/api/v1/rack')).json();
    expect(old).toMatchObject({ ageMs: 64_000, freshness: 'stale' });
    expect(old.rack.packs.lfp1).toMatchObject({ ageMs: 64_400, freshness: 'stale' });
    expect(JSON.stringify(old)).not.toContain('"fresh"');
    service.tick(snapshotOf('mains', 64));
    expect((await get('/api/v1/rack')).json()).toMatchObject({ ageMs: 0, freshness: 'fresh' });
  });
});

describe('journal', () => {
  it('returns the newest lines, oldest first', async () => {
    const { entries } = (await get('/api/v1/journal?limit=3')).json();
    expect(entries).toEqual(finite(journalOf('restoring').slice(-3)));
  });

  it.each(['0', '-1', '1001', 'all', '1.5', '%00', ''])('refuses limit=%s', async (limit) => {
    const answer = await get(`/api/v1/journal?limit=${limit}`);
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.json().reasons[0]).toContain('limit');
  });
});

describe('health', () => {
  it('is ready with a fresh snapshot and a journal that can be written', async () => {
    expect((await get('/readyz')).status).toBe(200);
  });

  it('is not ready, with every reason, when the snapshot is old and the disk is full', async () => {
    clock.nowMs += 30_000;
    journalTrouble = 'the journal cannot be written: no space left on device';
    const answer = await get('/readyz');
    expect(answer.status).toBe(503);
    expect(answer.json().reasons).toEqual([
      'the newest snapshot of the rack is 30 s old',
      'the journal cannot be written: no space left on device',
    ]);
    expect((await get('/healthz')).status).toBe(200);
  });

  it('shows the metrics as they are', async () => {
    const answer = await get('/metrics');
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.text).toContain('\nholdover_up 1\n');
  });
});

describe('errors', () => {
  it('says nothing of what went wrong inside, and logs it', async () => {
    const secret = 'hunter2-in-an-exception';
    const broken = await assemble(
      faceOptions(
        service,
        {
          metrics: () => {
            throw new Error(`cannot reach db with ${secret}`);
          },
        },
        logged,
      ),
    );
    const answer = await broken.app.inject({ url: '/metrics' });
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toContain(secret);
    expect(logged.some((line) => line.level === 'error')).toBe(true);
    await broken.app.close();
  });

  it('answers unknown paths with a problem', async () => {
    const answer = await get('/api/v2/rack');
    expect(answer.status).toBe(404);
    expect(answer.json()).toMatchObject({ status: 404, title: 'Not Found' });
  });

  it('survives any path and query', async () => {
    await fc.assert(
      fc.asyncProperty(fc.webPath(), fc.webQueryParameters(), async (path, query) => {
        const answer = await app.inject({ url: `${path.startsWith('/') ? path : `/${path}`}?${query}` });
        expect([200, 400, 404, 414]).toContain(answer.statusCode);
      }),
      { numRuns: 100 },
    );
  });

  it('sends headers that keep other pages out', async () => {
    const { headers } = await get('/api/v1/rack');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(headers['content-security-policy']).toContain("script-src 'self'");
    expect(headers['content-security-policy']).not.toContain('unsafe');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['cache-control']).toBe('no-store');
    expect(headers).not.toHaveProperty('access-control-allow-origin');
    expect(headers).not.toHaveProperty('strict-transport-security');
  });
});

import { afterEach, describe, expect, it } from 'vitest';
import { assemble } from '../../../services/http/face.ts';
import type { HistoryDesk } from '../../../services/http/history-desk.ts';
import { FakeService, faceOptions } from './fake-service.ts';
import { pastOf } from './past-fixture.ts';
import { snapshotOf } from './rack-fixture.ts';

const NOW_MS = snapshotOf('mains').rack.wallMs;
type Json = ReturnType<typeof JSON.parse>;
const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function asking(
  history: HistoryDesk | undefined,
): Promise<(url: string) => Promise<{ status: number; body: Json }>> {
  const { app } = await assemble(
    faceOptions(new FakeService(snapshotOf('mains')), history === undefined ? {} : { history }),
  );
  closers.push(() => app.close());
  return async (url) => {
    const answer = await app.inject({ url, headers: { host: 'localhost' } });
    return { status: answer.statusCode, body: answer.json() };
  };
}

describe('the history over HTTP', () => {
  it('answers the last day in at most 500 points when nothing else is asked', async () => {
    const ask = await asking(pastOf(NOW_MS));
    const { status, body } = await ask('/api/v1/history?series=holdover_bank_soc_ratio');
    expect(status).toBe(200);
    expect(body.atMs[0]).toBeGreaterThanOrEqual(NOW_MS - 86_400_000);
    expect(body.atMs.at(-1)).toBeLessThanOrEqual(NOW_MS);
    expect(body.atMs.length).toBeLessThanOrEqual(501);
    expect(body.atMs.length).toBeGreaterThan(400);
    expect(body.series[0].mean).toHaveLength(body.atMs.length);
  });

  it('hands on what is asked: names once each, times, step', async () => {
    const asked: unknown[] = [];
    const past = pastOf(NOW_MS);
    const ask = await asking({
      ...past,
      range: (query) => {
        asked.push(query);
        return past.range(query);
      },
    });
    await ask('/api/v1/history?series=a,b,a&from=1000&to=5000&step=2');
    expect(asked).toEqual([{ names: ['a', 'b'], fromMs: 1000, toMs: 5000, stepMs: 2000, mostSeries: 20 }]);
  });

  it.each([
    '/api/v1/history',
    '/api/v1/history?series=',
    "/api/v1/history?series=a';DROP",
    '/api/v1/history?series=a&from=5&to=5',
    '/api/v1/history?series=a&from=-1',
    '/api/v1/history?series=a&from=0&to=8640000000000',
    '/api/v1/history?series=a&step=0',
    `/api/v1/history?series=${Array.from({ length: 21 }, (_, index) => `a${index}`).join(',')}`,
    '/api/v1/history?series=a&unknown=1',
    '/api/v1/outages?limit=0',
    '/api/v1/outages?limit=100000',
    '/api/v1/energy?days=99999',
  ])('refuses %s', async (url) => {
    const ask = await asking(pastOf(NOW_MS));
    expect((await ask(url)).status).toBe(400);
  });

  it('answers outages with the journal of the newest, energy and health', async () => {
    const ask = await asking(pastOf(NOW_MS));
    const { body: outages } = await ask('/api/v1/outages?limit=1');
    expect(outages.outages).toMatchObject([{ depthWh: 812.4, forced: ['pi7'], predicted: { loadW: 300 } }]);
    expect(outages.events).toHaveLength(1);
    const { body: energy } = await ask('/api/v1/energy?days=7');
    expect(energy.days).toHaveLength(7);
    expect(energy).toMatchObject({ timeZone: 'Europe/Berlin', periods: [{ name: 'today' }, {}, {}, {}, {}] });
    const { body: health } = await ask('/api/v1/health');
    expect(health.packs).toMatchObject([{ pack: 'lfp1', verdict: { kind: 'forecast', forecast: { now: 0.93 } } }]);
  });

  const URLS = ['/api/v1/history?series=a', '/api/v1/outages', '/api/v1/energy', '/api/v1/health'];

  it.each(URLS)('says that none is kept: %s', async (url) => {
    for (const history of [undefined, pastOf(NOW_MS, { enabled: false })]) {
      const { status, body } = await (await asking(history))(url);
      expect(status).toBe(404);
      expect(body.detail).toContain('No history is kept here');
    }
  });

  it.each(URLS)('says that it cannot be read now, and not why: %s', async (url) => {
    const fails = async () => Promise.reject(new Error('/secret/path is broken'));
    const ask = await asking(
      pastOf(NOW_MS, { range: fails, outages: fails, energySummary: fails, batteryHealth: fails }),
    );
    const { status, body } = await ask(url);
    expect(status).toBe(503);
    expect(JSON.stringify(body)).not.toContain('secret');
  });
});

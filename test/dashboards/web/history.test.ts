import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import type { Columns, Energy, Outage, PackHealth } from '../../../dashboards/web/history-api.ts';
import { darkTimes, rowsOf } from '../../../dashboards/web/history-columns.ts';
import { buildWeb } from '../../../scripts/build/web.ts';
import type { HistoryDesk } from '../../../services/http/history-desk.ts';
import { httpFace } from '../../../services/http/index.ts';
import type {
  BatteryHealthAnswer,
  EnergyAnswer,
  HistoryAnswer,
  OutagesAnswer,
} from '../../../services/http/schemas/history.ts';
import { peer } from '../../peers.ts';
import { FakeService, faceOptions } from '../../services/http/fake-service.ts';
import { pastOf } from '../../services/http/past-fixture.ts';
import { snapshotOf } from '../../services/http/rack-fixture.ts';

const browserPeer = peer('chromium');
const DEADLINE = { timeout: 60_000 };
const NOW_MS = snapshotOf('mains').rack.wallMs;

describe('what the view reads', () => {
  it('is what the service sends', () => {
    expectTypeOf<HistoryAnswer>().toExtend<Columns>();
    expectTypeOf<OutagesAnswer['outages'][number]>().toExtend<Outage>();
    expectTypeOf<EnergyAnswer>().toExtend<Energy>();
    expectTypeOf<BatteryHealthAnswer['packs'][number]>().toExtend<PackHealth>();
  });
});

describe('rows of a chart', () => {
  const columns: Columns = {
    stepMs: 60_000,
    atMs: [0, 60_000, 300_000, 360_000],
    series: [
      {
        name: 'a',
        labels: {},
        min: [1, 2, null, 4],
        mean: [1, 2, null, 4],
        max: [1, 2, null, 4],
        last: [1, 2, null, 4],
      },
      {
        name: 'holdover_mains_present',
        labels: {},
        min: [1, 0, 0, 1],
        mean: [1, 0.5, 0, 1],
        max: [1, 1, 0, 1],
        last: [1, 0, 0, 1],
      },
    ],
  };

  it('have a gap where steps are missing, and where a value is', () => {
    expect(rowsOf(columns, [{ name: 'a', what: 'mean', scale: 100 }])).toEqual([
      [0, 60, 120, 300, 360],
      [100, 200, null, null, 400],
    ]);
    expect(rowsOf(columns, [{ name: 'nobody', what: 'max' }])[1]).toEqual([null, null, null, null, null]);
  });

  it('tell when mains was away', () => {
    expect(darkTimes(columns)).toEqual([
      [60, 120],
      [300, 360],
    ]);
  });
});

describe(`the history in ${browserPeer.title}`, () => {
  let webRoot: string;
  let browser: Browser | undefined;
  const closers: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    webRoot = await mkdtemp(join(tmpdir(), 'holdover-web-'));
    await buildWeb(webRoot);
    if (!browserPeer.skip)
      browser = await chromium.launch({ executablePath: browserPeer.path, args: ['--no-sandbox'] });
  });

  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  afterAll(async () => {
    await browser?.close();
    await rm(webRoot, { recursive: true, force: true });
  });

  async function open(history: HistoryDesk | undefined, width = 1280): Promise<{ page: Page; troubles: string[] }> {
    const face = httpFace(
      faceOptions(new FakeService(snapshotOf('mains')), { webRoot, ...(history === undefined ? {} : { history }) }),
    );
    closers.push(() => face.stop());
    const { address } = await face.start();
    if (browser === undefined) throw new Error('no browser');
    const page = await browser.newPage({ viewport: { width, height: 900 } });
    closers.push(() => page.close());
    const troubles: string[] = [];
    page.on('pageerror', (error) => troubles.push(error.message));
    await page.goto(`${address}/`);
    await page.getByRole('link', { name: 'History' }).click();
    return { page, troubles };
  }

  it.skipIf(browserPeer.skip)(
    'shows outages, energy with cost, health and lines, on a desk and on a phone',
    async () => {
      for (const width of [1280, 380]) {
        const { page, troubles } = await open(pastOf(NOW_MS), width);
        await page.getByText('workers down after 1 h 55 min (thought: 2 h 1 min)').waitFor(DEADLINE);
        const text = await page.locator('main').textContent();
        expect(text).toContain('cut by force: pi7');
        expect(text).toMatch(/This month\s*169.kWh\s*4\.33.kWh\s*3\.91.kWh\s*52\.37 EUR/);
        expect(text).toContain('93.0\u202f% of its capacity now, −2.1 % a year');
        expect(text).toContain('Not measured this month, and not counted: bank for 32 min.');
        expect(await page.locator('.card-past canvas').count()).toBe(2);
        expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
        expect(troubles).toEqual([]);
      }
    },
  );

  it.skipIf(browserPeer.skip)('asks for the range that is picked', async () => {
    const asked: number[] = [];
    const past = pastOf(NOW_MS);
    const { page } = await open({
      ...past,
      range: (query) => {
        asked.push(query.toMs - query.fromMs);
        return past.range(query);
      },
    });
    for (const name of ['6 hours', 'Week', 'Month']) {
      await page.getByRole('button', { name }).click();
      await page.locator(`button[aria-pressed="true"]:text-is("${name}")`).waitFor(DEADLINE);
    }
    await expect.poll(() => asked, DEADLINE).toEqual([86_400_000, 21_600_000, 604_800_000, 2_678_400_000]);
  });

  it.skipIf(browserPeer.skip)(
    'says so where none is kept, or none can be read, and the rest of the page lives on',
    async () => {
      const { page } = await open(undefined);
      await page.getByText('No history is kept here.').waitFor(DEADLINE);
      await page.getByRole('link', { name: 'Now' }).click();
      await page
        .getByRole('heading', { name: 'Schedule' })
        .or(page.locator('.card-schedule'))
        .first()
        .waitFor(DEADLINE);

      const broken = pastOf(NOW_MS, {
        range: async () => Promise.reject(new Error('disk')),
        outages: async () => Promise.reject(new Error('disk')),
      });
      const second = await open(broken);
      await second.page.getByText('The history cannot be read now; it is tried again.').first().waitFor(DEADLINE);
      await second.page.getByText('The outages cannot be read now.').waitFor(DEADLINE);
      expect(await second.page.locator('.card-energy-past').textContent()).toContain('This month');
    },
  );
});

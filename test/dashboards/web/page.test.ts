import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildWeb } from '../../../scripts/build/web.ts';
import { type HttpFace, type HttpFaceOptions, httpFace } from '../../../services/http/index.ts';
import { peer } from '../../peers.ts';
import { FakeService, faceOptions } from '../../services/http/fake-service.ts';
import { emptySnapshot, journalOf, type Scene, snapshotOf } from '../../services/http/rack-fixture.ts';

const browserPeer = peer('chromium');
const SCENES: readonly Scene[] = [
  'mains',
  'on-battery',
  'shutting-down',
  'dark',
  'restoring',
  'stale-pack',
  'disputed',
];
const DEADLINE = { timeout: 20_000 };

let webRoot: string;
let browser: Browser;
const closers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  webRoot = await mkdtemp(join(tmpdir(), 'holdover-web-'));
  await buildWeb(webRoot);
}, 60_000);

afterAll(async () => {
  await rm(webRoot, { recursive: true, force: true });
});

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function serve(
  service: FakeService,
  more: Partial<HttpFaceOptions> = {},
): Promise<{ face: HttpFace; address: string }> {
  const face = httpFace(faceOptions(service, { webRoot, events: { minIntervalMs: 0, heartbeatMs: 200 }, ...more }));
  closers.push(() => face.stop());
  const { address } = await face.start();
  return { face, address };
}

describe('the built page', () => {
  it('is four files and their licences, without inline script or style and without foreign addresses', async () => {
    expect((await readdir(webRoot)).sort()).toEqual(['THIRD-PARTY.txt', 'app.css', 'app.js', 'icon.svg', 'index.html']);
    const html = await readFile(join(webRoot, 'index.html'), 'utf8');
    expect(html).not.toMatch(/<script(?![^>]*src=)[^>]*>/);
    expect(html).not.toMatch(/<style|style=|onload=|https?:/);
    expect(await readFile(join(webRoot, 'app.css'), 'utf8')).not.toMatch(/@import|url\(/);
  });

  it('ships the licence of everything that is bundled', async () => {
    const notices = await readFile(join(webRoot, 'THIRD-PARTY.txt'), 'utf8');
    for (const name of ['preact', 'htm', 'uplot']) {
      const { license } = JSON.parse(await readFile(`node_modules/${name}/package.json`, 'utf8'));
      expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(${license}\\)$`, 'm'));
    }
    expect(notices.match(/Copyright/g)?.length).toBeGreaterThanOrEqual(3);
  });

  it('stays small', async () => {
    const weigh = async (file: string) => gzipSync(await readFile(join(webRoot, file))).length;
    expect(await weigh('app.js')).toBeLessThan(60_000);
    expect(await weigh('app.css')).toBeLessThan(10_000);
  });

  it('is served at the root, open, and never from an old cache', async () => {
    const service = new FakeService(snapshotOf('mains'));
    const { address } = await serve(service, { config: { listen: '127.0.0.1:0', tokens: [], readToken: true } });
    const answer = await fetch(address);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-cache');
    expect(answer.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect((await fetch(`${address}/app.js`)).headers.get('content-type')).toContain('javascript');
  });

  it('is all that is served from there', async () => {
    const { address } = await serve(new FakeService(snapshotOf('mains')));
    for (const path of ['..%2f..%2fpackage.json', '%2e%2e/package.json', 'app.ts', '.git/config', 'app.js%00.css']) {
      expect([400, 404], path).toContain((await fetch(`${address}/${path}`)).status);
    }
  });
});

describe.skipIf(browserPeer.skip)(`the page in ${browserPeer.title}`, () => {
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: browserPeer.path,
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    });
  }, 60_000);

  afterAll(async () => {
    await browser.close();
  });

  async function open(address: string, options: BrowserContextOptions = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    closers.push(() => context.close());
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const complaints: string[] = [];
    const foreign: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => {
      if (!request.url().startsWith(address)) foreign.push(request.url());
    });
    await page.goto(address);
    return { page, context, complaints, foreign };
  }

  const seen = (page: Page, selector: string, words: string | RegExp) =>
    vi.waitFor(async () => {
      expect(await page.locator(selector).first().textContent()).toMatch(words);
    }, DEADLINE);

  const colourOf = (page: Page, selector: string) =>
    page
      .locator(selector)
      .first()
      .evaluate((element) => getComputedStyle(element).color);

  it('follows an outage live, without a complaint or a foreign request', async () => {
    const service = new FakeService(snapshotOf('mains'), journalOf('mains'));
    const { address } = await serve(service);
    const { page, complaints, foreign } = await open(address);
    await seen(page, 'h1', 'On mains');
    await seen(page, '.card-mains', /apc110.V46\.0.W97\.0.%41.min/);
    await page.evaluate(() => document.body.setAttribute('data-not-reloaded', ''));
    service.tick(snapshotOf('on-battery', 1), journalOf('on-battery'));
    await seen(page, 'h1', 'On battery');
    await seen(page, '.next', 'batch goes down in 3 min');
    await seen(page, '.card-mains .big', 'Away');
    await seen(page, '.journal', 'Running on battery');
    service.tick(snapshotOf('shutting-down', 2), journalOf('shutting-down'));
    await seen(page, 'h1', 'Shutting down');
    await seen(page, '.alarms', 'pi5 was cut although it was not seen to be off');
    await seen(page, '.host.marked', /^\s*pi5.*cut.*forced\s*$/s);
    service.tick(snapshotOf('dark', 3), journalOf('dark'));
    await seen(page, 'h1', 'Dark');
    service.tick(snapshotOf('restoring', 4), journalOf('restoring'));
    await seen(page, 'h1', 'Restoring');
    await seen(page, '.next', 'mains back 2 min ago');
    service.tick(snapshotOf('mains', 5));
    await seen(page, 'h1', 'On mains');
    expect(await page.locator('body').getAttribute('data-not-reloaded')).toBe('');
    expect(await page.locator('h1').getAttribute('aria-live')).toBe('polite');
    expect(await page.locator('.port').count()).toBe(24);
    expect(await page.locator('.cell').count()).toBe(16);
    expect(complaints).toEqual([]);
    expect(foreign).toEqual([]);
  });

  it('greys a stale battery, says how old it is, and leaves the rest as it is', async () => {
    const service = new FakeService(snapshotOf('mains'));
    const { address } = await serve(service);
    const { page } = await open(address);
    await seen(page, '.card-battery .big', '94.3');
    const current = await colourOf(page, '.card-battery .big');
    expect(await page.locator('.card-battery .badge-stale').count()).toBe(0);
    service.tick(snapshotOf('stale-pack', 1));
    await seen(page, '.card-battery .badge-stale', 'stale, 95 s old');
    expect(await colourOf(page, '.card-battery .big')).not.toBe(current);
    expect(await colourOf(page, '.card-battery .value')).not.toBe(current);
    expect(await colourOf(page, '.card-circuit .big')).toBe(current);
    expect(await page.locator('.card-circuit .badge-stale').count()).toBe(0);
    await seen(page, '.top-facts .unsure', 'stale');
    await seen(page, '.card-battery .failure', 'check the cable');
  });

  it('says that the connection is lost, greys everything, and comes back by itself', async () => {
    const service = new FakeService(snapshotOf('on-battery'));
    const first = await serve(service);
    const { page } = await open(first.address);
    await seen(page, 'h1', 'On battery');
    const current = await colourOf(page, '.card-circuit .big');
    expect(await page.locator('.banner').isVisible()).toBe(false);
    await first.face.stop();
    await seen(page, '.banner', /^Connection lost\. Last data \d+ s ago; reconnecting\.$/);
    await seen(page, 'h1', 'last known');
    expect(await colourOf(page, '.card-circuit .big')).not.toBe(current);
    expect(await page.locator('.badge-stale').count()).toBeGreaterThanOrEqual(6);
    service.tick(snapshotOf('dark'));
    await serve(service, { config: { listen: new URL(first.address).host, tokens: [], readToken: false } });
    await seen(page, 'h1', /^Dark$/);
    expect(await page.locator('.banner').isVisible()).toBe(false);
    expect(await colourOf(page, '.card-circuit .big')).toBe(current);
  });

  it('says so when the service answers but has stopped ticking', async () => {
    const service = new FakeService(snapshotOf('on-battery'));
    const { address } = await serve(service, { staleAfterMs: 300 });
    const { page } = await open(address);
    // Nothing ticks any more; a new page load gets the last snapshot, and it is old.
    await vi.waitFor(async () => expect((await fetch(`${address}/readyz`)).status).toBe(503), DEADLINE);
    await page.reload();
    await seen(page, '.banner', 'has made no new snapshot');
    await seen(page, '.card-battery .badge-stale', 'stale');
  });

  it.each(['light', 'dark'] as const)('fits a phone in every scene (%s)', async (colorScheme) => {
    const service = new FakeService(snapshotOf('mains'), journalOf('restoring'));
    const { address } = await serve(service);
    const { page, complaints } = await open(address, { viewport: { width: 360, height: 740 }, colorScheme });
    for (const [index, scene] of SCENES.entries()) {
      service.tick({ ...snapshotOf(scene, index), site: `site-of-${scene}` });
      await seen(page, '.site', `site-of-${scene}`);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(width, scene).toBeLessThanOrEqual(360);
    }
    expect(complaints).toEqual([]);
  });

  it('shows a switch with 48 ports as two blocks', async () => {
    const snapshot = snapshotOf('mains');
    const ports = Array.from({ length: 48 }, (_, index) => ({ port: `${index + 1}`, state: 'searching' as const }));
    const sample = { kind: 'switch' as const, measuredAtMs: 0, totalTrusted: true, ports };
    const switches = { big: { sample, ageMs: 0, freshness: 'fresh' as const } };
    const { address } = await serve(new FakeService({ ...snapshot, rack: { ...snapshot.rack, switches } }));
    const { page } = await open(address, { viewport: { width: 360, height: 740 } });
    await seen(page, '.card-poe', '0 of 48 delivering');
    expect(await page.locator('ol.ports').count()).toBe(2);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  });

  it('shows a rack with nothing in it, and a service without a snapshot', async () => {
    const service = new FakeService();
    const { address } = await serve(service);
    const { page, complaints } = await open(address);
    await seen(page, '.alone', 'has not made a snapshot yet');
    service.tick(emptySnapshot());
    await seen(page, '.card-battery', 'No pack is configured');
    await seen(page, '.card-hosts', 'No host is configured');
    expect(complaints).toEqual([]);
  });

  it('sends an order only with a token and after it was confirmed, and keeps the token nowhere', async () => {
    const service = new FakeService(snapshotOf('on-battery'));
    const tokens = [{ name: 'ops', token: 'w-5f2c9d1e', write: true }];
    const { address } = await serve(service, { tokens });
    const { page, context } = await open(address);
    const hold = page.getByRole('button', { name: 'Hold 10 min', exact: true });
    await hold.waitFor();
    expect(await hold.isDisabled()).toBe(true);
    await page.getByLabel('Token').fill('w-5f2c9d1e');
    await hold.click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect(service.commands).toEqual([]);
    await hold.click();
    // The way out has the focus, so that a second Enter does not confirm.
    await page.keyboard.press('Enter');
    expect(service.commands).toEqual([]);
    await hold.click();
    await page.getByRole('button', { name: 'Yes, hold 10 min' }).click();
    await seen(page, '.answer', 'Accepted: as you wish');
    expect(service.commands).toEqual([{ command: { kind: 'hold', forS: 600 }, author: 'http:ops' }]);
    service.answer = async () => ({ accepted: false, because: 'nothing to abort' });
    await page.getByRole('button', { name: 'Abort', exact: true }).click();
    await page.getByRole('button', { name: 'Yes, abort' }).click();
    await seen(page, '.answer', 'Refused: nothing to abort');
    const kept = await page.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]),
    );
    expect(kept).not.toContain('w-5f2c9d1e');
    expect(await context.cookies()).toEqual([]);
    await page.reload();
    await seen(page, 'h1', 'On battery');
    expect(await page.getByLabel('Token').inputValue()).toBe('');
  });

  it('asks for a token where reading is closed, and opens with it', async () => {
    const service = new FakeService(snapshotOf('on-battery'));
    const tokens = [{ name: 'wall', token: 'r-0a77b3c4', write: false }];
    const { address } = await serve(service, {
      tokens,
      config: { listen: '127.0.0.1:0', tokens: [], readToken: true },
    });
    const { page } = await open(address);
    await seen(page, '.alone', 'Reading needs a token here');
    await page.getByLabel('Token').fill('wrong');
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByLabel('Token').fill('r-0a77b3c4');
    await page.getByRole('button', { name: 'Open' }).click();
    await seen(page, 'h1', 'On battery');
  });
});

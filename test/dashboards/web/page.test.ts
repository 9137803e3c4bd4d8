import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildWeb } from '../../../scripts/build/web.ts';
import type { DrillDesk } from '../../../services/http/drill-desk.ts';
import { type HttpFace, type HttpFaceOptions, httpFace } from '../../../services/http/index.ts';
import type { DrillAnswer } from '../../../services/http/schemas/drill.ts';
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
const DEADLINE = { timeout: 60_000 };

const drillAnswer: DrillAnswer = {
  verdict: 'attention',
  findings: [
    { severity: 'attention', text: 'pi3 did not halt', tryThis: 'a longer haltTimeout' },
    { severity: 'info', text: '41 % left' },
  ],
  basis: { wallMs: 1, outageS: 7200, socRatio: 0.94, loadW: 320, faults: ['hang:pi3'] },
  timeline: [
    { atS: 3, text: 'on-battery: mains is away', socRatio: 0.94 },
    { atS: 3725, text: 'pi3: cut by force' },
  ],
  points: [
    { atS: 0, socRatio: 0.94, loadW: 320, up: 23 },
    { atS: 3600, socRatio: 0.41, loadW: 90, up: 3 },
    { atS: 7300, socRatio: 0.45, loadW: 300, up: 23 },
  ],
  reserveRatio: 0.1,
  backAfterS: 7300,
  endS: 7300,
  tookMs: 40,
};

let webRoot: string;
let browser: Browser;
const closers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  webRoot = await mkdtemp(join(tmpdir(), 'holdover-web-'));
  await buildWeb(webRoot);
});

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
  });

  afterAll(async () => {
    await browser.close();
  });

  async function open(address: string, options: BrowserContextOptions = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    closers.push(() => context.close());
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
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
    const { rack, ...rest } = snapshotOf('stale-pack', 2);
    const { currentA: _, runtimeS: __, ...bank } = rack.bank;
    service.tick({ ...rest, rack: { ...rack, bank } });
    await seen(page, '.card-battery .figures', 'current unknown');
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

  it('opens a host with the keyboard, cuts its power only after its name was typed, and gives the focus back', async () => {
    const service = new FakeService(snapshotOf('mains'));
    const tokens = [{ name: 'ops', token: 'w-5f2c9d1e', write: true }];
    const { address } = await serve(service, { tokens });
    const { page, complaints } = await open(address, { viewport: { width: 360, height: 740 } });
    const tile = page.getByRole('button', { name: /^pi3 / });
    await tile.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'pi3' });
    await dialog.waitFor();
    expect(await dialog.textContent()).toContain('Skipnot now: mains is there');
    await dialog.getByLabel('Token').fill('w-5f2c9d1e');
    await dialog.getByRole('button', { name: 'Power-cycle by force' }).click();
    const yes = dialog.getByRole('button', { name: 'Yes, power-cycle by force' });
    expect(await yes.isDisabled()).toBe(true);
    await dialog.getByLabel(/^Type pi3/).fill('pi4');
    expect(await yes.isDisabled()).toBe(true);
    // Escape leaves the question, not the host.
    await page.keyboard.press('Escape');
    await yes.waitFor({ state: 'detached' });
    expect(await dialog.isVisible()).toBe(true);
    await dialog.getByRole('button', { name: 'Power-cycle by force' }).click();
    await dialog.getByLabel(/^Type pi3/).fill('pi3');
    service.tick(snapshotOf('mains', 1));
    await yes.click();
    await dialog.locator('.answer', { hasText: 'Accepted: as you wish' }).waitFor();
    expect(service.commands).toEqual([
      { command: { kind: 'power-cycle', host: 'pi3', force: true }, author: 'http:ops' },
    ]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect(await tile.evaluate((element) => element === document.activeElement)).toBe(true);
    expect(complaints).toEqual([]);
  });

  it('rehearses a stage, and sends nothing while what it shows is old', async () => {
    const service = new FakeService(snapshotOf('mains'));
    const tokens = [{ name: 'ops', token: 'w-5f2c9d1e', write: true }];
    const { face, address } = await serve(service, { tokens });
    const { page } = await open(address);
    await page.getByRole('button', { name: 'batch', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'Stage batch' });
    await dialog.getByLabel('Token').fill('w-5f2c9d1e');
    await dialog.getByRole('button', { name: 'Rehearse the drain' }).click();
    await dialog.getByRole('button', { name: 'Yes, rehearse the drain' }).click();
    await dialog.locator('.answer', { hasText: 'Accepted' }).waitFor();
    expect(service.commands.map(({ command }) => command)).toEqual([
      { kind: 'rehearse', stage: 'batch', depth: 'drain' },
    ]);
    await face.stop();
    await dialog.locator('.badge-stale').waitFor();
    expect(await dialog.getByRole('button', { name: 'Rehearse the drain' }).isDisabled()).toBe(true);
  });

  it('plays a drill: verdict, findings, timeline and chart; and says why not', async () => {
    const service = new FakeService(snapshotOf('mains'));
    const tokens = [{ name: 'ops', token: 'w-5f2c9d1e', write: true }];
    const asked: unknown[] = [];
    const drill: DrillDesk = {
      run: async (ask) => {
        asked.push(ask);
        return drillAnswer;
      },
    };
    const { address } = await serve(service, { tokens, drill });
    const { page, complaints } = await open(`${address}/#drill`, { viewport: { width: 360, height: 740 } });
    await page.getByLabel('Mains stays away for').selectOption('2 hours');
    await page.getByLabel('What else goes wrong').selectOption('hang:pi3');
    await page.getByLabel('What else goes wrong').selectOption('silent:api');
    await page.getByRole('button', { name: 'the API falls silent' }).click();
    const play = page.getByRole('button', { name: 'Play the outage' });
    expect(await play.isDisabled()).toBe(true);
    await page.getByLabel('Token').fill('w-5f2c9d1e');
    await play.click();
    await seen(page, '.drill-verdict', 'It would end well, but look at this');
    expect(asked).toEqual([{ outageS: 7200, faults: ['hang:pi3'] }]);
    await seen(page, '.findings', /pi3 did not halt.*try: a longer haltTimeout/s);
    await seen(page, '.card-drill-timeline', '0:00:03on-battery: mains is away');
    expect(await page.locator('svg[role=img]').getAttribute('aria-label')).toMatch(/Charge from 94\.0.*down to 41\.0/);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    // What was played stays while its reader looks elsewhere.
    await page.getByRole('link', { name: 'Now' }).click();
    await seen(page, '.card-battery', 'Battery');
    await page.getByRole('link', { name: 'Drill' }).click();
    await seen(page, '.drill-verdict', 'It would end well');
    service.tick(snapshotOf('on-battery', 1));
    await seen(page, '.card-drill .answer', 'Not now: mains is away in earnest');
    expect(await play.isDisabled()).toBe(true);
    expect(complaints).toEqual([]);
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

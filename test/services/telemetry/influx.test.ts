import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { InfluxConfig } from '../../../services/config/influx.ts';
import { catalogue } from '../../../services/telemetry/catalogue.ts';
import { influxSink } from '../../../services/telemetry/influx.ts';
import { influxLines } from '../../../services/telemetry/influx-lines.ts';
import { prometheusText } from '../../../services/telemetry/prometheus.ts';
import { peer } from '../../peers.ts';
import { freePort } from '../../ports.ts';
import { until, Workshop } from './peers.ts';
import {
  allStale,
  fresh,
  later,
  packSample,
  snapshotFixture,
  testFeed,
  testLog,
  WALL_MS,
  withRack,
} from './snapshot-fixture.ts';

const workshop = new Workshop();
const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await workshop.clean();
});

const config = (url: string, more: Partial<InfluxConfig> = {}): InfluxConfig => ({
  url,
  org: 'home',
  bucket: 'rack',
  every: 10,
  spoolMiB: 0,
  ...more,
});
const turn = () => new Promise((resolve) => setImmediate(resolve));

interface Asked {
  readonly path: string;
  readonly token: string | undefined;
  readonly lines: readonly string[];
}

/** An InfluxDB that answers as `answer` says, or never when it gives nothing. */
async function database(answer: (asked: Asked, count: number) => { status: number; body?: string } | undefined) {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const raw = Buffer.concat(chunks);
    const text = request.headers['content-encoding'] === 'gzip' ? (await import('node:zlib')).gunzipSync(raw) : raw;
    const one = { path: request.url ?? '', token: request.headers.authorization, lines: String(text).split('\n') };
    asked.push(one);
    const said = answer(one, asked.length);
    if (said) response.writeHead(said.status, { 'content-type': 'application/json' }).end(said.body ?? '');
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return { url: `http://127.0.0.1:${port}`, asked };
}

describe('line protocol', () => {
  const lines = influxLines(snapshotFixture);

  it('has one line for all that is said of one thing at one moment', () => {
    const pack = lines.filter((line) => /^holdover_pack,pack=lfp1 /.test(line));
    expect(pack).toHaveLength(1);
    expect(pack[0]).toContain('voltage_volts=52.984');
    expect(pack[0]).toContain('soc_ratio=0.83');
    expect(pack[0]?.endsWith(` ${WALL_MS - 1000}`)).toBe(true);
    expect(lines.filter((line) => line.startsWith('holdover_cell,'))).toHaveLength(16);
    expect(lines).toContain(`holdover,phase=mains shutdown_phase=1 ${WALL_MS}`);
  });

  it('has floats only', () => {
    for (const line of lines) {
      const fields = / ([^ ]+) \d+$/.exec(line)?.[1] ?? '';
      for (const field of fields.split(',')) expect(field).toMatch(/^[a-z_]+=-?\d+(\.\d+)?(e[+-]\d+)?$/);
    }
  });

  it('survives what devices call themselves', () => {
    const named = { ...packSample, model: 'a,b =c\n\\', serial: '\u0000', firmware: '' };
    const info = influxLines(withRack({ packs: { lfp1: fresh(named) } })).find((line) => line.includes('info='));
    expect(info).toBe(`holdover_pack,model=a\\,b\\ \\=c\\ /,pack=lfp1 info=1 ${WALL_MS - 1000}`);
  });

  it('says nothing that is stale', () => {
    const names = influxLines(allStale()).map((line) => line.split(/[, ]/)[0]);
    expect(names.filter((name) => /_(pack|cell|meter|temperature)$/.test(name ?? ''))).toEqual([]);
  });
});

describe('the InfluxDB sink', () => {
  it('writes at its own pace, with token, organisation and precision', async () => {
    const { url, asked } = await database(() => ({ status: 204 }));
    const sink = influxSink(config(url), { token: 'secret' }, testLog());
    const feed = testFeed();
    await sink.start(feed);
    const written = [
      [0, 1],
      [1, 1],
      [5, 1],
      [9.9, 1],
      [10, 2],
      [15, 2],
      [20, 3],
    ] as const;
    for (const [second, requests] of written) {
      feed.publish(later(second));
      await turn();
      const lines = () => asked.flatMap((one) => one.lines).length;
      await until(`${requests} are written`, () => asked.length === requests && sink.health().sent === lines());
    }
    expect(asked[0]?.path).toBe('/api/v2/write?org=home&bucket=rack&precision=ms');
    expect(asked[0]?.token).toBe('Token secret');
    const stamps = asked.map(({ lines }) => lines.find((line) => line.startsWith('holdover_snapshot'))?.split(' ')[2]);
    expect(stamps).toEqual([0, 10, 20].map((second) => String(WALL_MS + second * 1000)));
    await sink.stop();
  });

  it('keeps what it cannot write, and writes it later, oldest first', async () => {
    const { url, asked } = await database((_, count) => ({ status: count <= 2 ? 503 : 204 }));
    const sink = influxSink(config(url), {}, testLog());
    const feed = testFeed();
    await sink.start(feed);
    feed.publish(snapshotFixture);
    await until('the first was refused', () => asked.length === 1);
    await turn();
    for (let second = 10; asked.length < 3; second += 10) {
      feed.publish(later(second));
      await wait(10);
    }
    await until('all is written', () => sink.health().sent > 0);
    await sink.stop();
    const stored = asked.slice(2).flatMap(({ lines }) => lines);
    const stamps = stored
      .filter((line) => line.startsWith('holdover_snapshot'))
      .map((line) => Number(line.split(' ')[2]));
    expect(stamps[0]).toBe(WALL_MS);
    expect(stamps).toEqual(stamps.toSorted((a, b) => a - b));
    expect(sink.health()).toMatchObject({ dropped: 0, sent: stored.length });
  });

  it('does not send refused points again, and counts as lost what the database says it dropped', async () => {
    const body = JSON.stringify({ code: 'invalid', message: 'partial write: field type conflict dropped=3' });
    const { url, asked } = await database((_, count) => (count === 1 ? { status: 400, body } : { status: 204 }));
    const log = testLog();
    const sink = influxSink(config(url), {}, log);
    const feed = testFeed();
    await sink.start(feed);
    feed.publish(snapshotFixture);
    await until('it is counted', () => sink.health().dropped > 0);
    expect(sink.health()).toMatchObject({ dropped: 3, sent: (asked[0]?.lines.length ?? 0) - 3 });
    feed.publish(later(10));
    await until('the next is written', () => asked.length === 2);
    expect(asked[1]?.lines).not.toEqual(asked[0]?.lines);
    expect(JSON.stringify(log.lines)).toContain('field type conflict');
    await sink.stop();
    expect(asked).toHaveLength(2);
  });

  it('holds a bounded number of lines while the database is away, and counts the others', async () => {
    const log = testLog();
    const url = `http://user:hidden@127.0.0.1:${await freePort()}`;
    const sink = influxSink(config(url), { token: 'secret' }, log, { memoryLines: 1000 });
    const feed = testFeed();
    await sink.start(feed);
    const each = influxLines(snapshotFixture).length;
    for (let snapshot = 0; snapshot < 20; snapshot += 1) {
      feed.publish(later(snapshot * 10));
      await turn();
      await wait(5);
    }
    await sink.stop();
    expect(sink.health()).toMatchObject({ up: false, sent: 0, dropped: 20 * each, waiting: 0 });
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    expect(JSON.stringify(log.lines)).not.toMatch(/secret|hidden/);
  });

  it('never holds up the feed, and stops in time, when the database never answers', async () => {
    const { url, asked } = await database(() => undefined);
    const sink = influxSink(config(url), {}, testLog(), { memoryLines: 1000, stopDeadlineMs: 100 });
    const feed = testFeed();
    await sink.start(feed);
    feed.publish(snapshotFixture);
    // The listener has returned, and nothing has been made of the snapshot yet.
    expect(sink.health()).toMatchObject({ sent: 0, dropped: 0 });
    await until('it has asked', () => asked.length === 1);
    for (let snapshot = 1; snapshot <= 20; snapshot += 1) {
      feed.publish(later(snapshot * 10));
      await turn();
    }
    const each = influxLines(snapshotFixture).length;
    const { dropped, waiting = 0 } = sink.health();
    expect(waiting).toBeLessThanOrEqual(1000);
    // One batch is under way, in neither of the two.
    expect(dropped + waiting).toBe(20 * each);
    await sink.stop();
    expect(sink.health().dropped).toBe(21 * each);
    expect(asked).toHaveLength(1);
    expect(feed.listeners).toBe(0);
  });

  it('writes the last picture when it stops', async () => {
    const { url, asked } = await database(() => ({ status: 204 }));
    const sink = influxSink(config(url), {}, testLog());
    const feed = testFeed();
    await sink.start(feed);
    feed.publish(snapshotFixture);
    await until('the first is written', () => sink.health().sent > 0);
    feed.publish(later(3));
    await sink.stop();
    expect(asked.at(-1)?.lines.join('\n')).toContain(String(WALL_MS + 3000));
  });
});

const victoria = peer('victoria-metrics');

describe.skipIf(victoria.skip)(`read back from ${victoria.title}`, () => {
  it('has every series under the name and labels Prometheus sees', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    workshop.run(victoria.path, [
      `-storageDataPath=${join(workshop.folder(), 'vm')}`,
      `-httpListenAddr=127.0.0.1:${port}`,
      '-retentionPeriod=100y',
      '-search.latencyOffset=0s',
      '-memory.allowedPercent=5',
      '-loggerLevel=ERROR',
    ]);
    await until('VictoriaMetrics is healthy', () =>
      fetch(`${url}/health`).then(
        (answer) => answer.ok,
        () => false,
      ),
    );
    const sink = influxSink(config(url), {}, testLog());
    const feed = testFeed();
    await sink.start(feed);
    feed.publish(snapshotFixture);
    await until('it is written', () => sink.health().sent > 0);
    await sink.stop();

    const scraped = prometheusText(snapshotFixture)
      .split('\n')
      .filter((line) => /^holdover_(?!event_loop)/.test(line))
      .map((line) => parsedSeries(line))
      .toSorted();
    await fetch(`${url}/internal/force_flush`);
    const pushed = await until('all series can be seen', async () => {
      const answer = await fetch(`${url}/api/v1/export?match[]={__name__=~".%2B"}`);
      const series = (await answer.text()).split('\n').filter((line) => line !== '');
      return series.length >= scraped.length && series.map((line) => exportedSeries(line));
    });
    expect(pushed.toSorted()).toEqual(scraped);
    expect(new Set(pushed.map((series) => series.split('{')[0])).size).toBeGreaterThan(catalogue.length - 2);
  });
});

/** `name{a="1",b="2"} 3` with its labels in order. */
function parsedSeries(line: string): string {
  const [, name = '', , inner = '', value = ''] = /^(\w+)(\{(.*)\})? (\S+)$/.exec(line) ?? [];
  const labels = [...inner.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [
    label,
    JSON.parse(`"${text}"`),
  ]);
  return series(name, Object.fromEntries(labels), Number(value));
}

function exportedSeries(line: string): string {
  const { metric, values } = JSON.parse(line) as { metric: Record<string, string>; values: number[] };
  const { __name__: name = '', db: _, ...labels } = metric;
  return series(name, labels, values.at(-1) ?? Number.NaN);
}

const series = (name: string, labels: Record<string, string>, value: number): string =>
  `${name}{${JSON.stringify(Object.entries(labels).toSorted())}} ${value}`;

const influxd = peer('influxd');

describe.skipIf(influxd.skip)(`parsed by ${influxd.title}`, () => {
  it('is accepted line by line, also when integers follow fractions', async () => {
    const folder = workshop.folder();
    const [port, rpcPort] = [await freePort(), await freePort()];
    const conf = join(folder, 'i.conf');
    writeFileSync(
      conf,
      [
        'reporting-disabled = true',
        `bind-address = "127.0.0.1:${rpcPort}"`,
        `[meta]\n  dir = "${folder}/meta"`,
        `[data]\n  dir = "${folder}/data"\n  wal-dir = "${folder}/wal"`,
        `[http]\n  bind-address = "127.0.0.1:${port}"`,
      ].join('\n'),
    );
    workshop.run(influxd.path, ['run', '-config', conf]);
    const url = `http://127.0.0.1:${port}`;
    const query = (q: string) => fetch(`${url}/query?db=rack&q=${encodeURIComponent(q)}`, { method: 'POST' });
    await until('influxd answers', () =>
      query('CREATE DATABASE rack').then(
        (answer) => answer.ok,
        () => false,
      ),
    );
    const write = async (lines: readonly string[]) => {
      const answer = await fetch(`${url}/write?db=rack&precision=ms`, { method: 'POST', body: lines.join('\n') });
      return [answer.status, await answer.text()];
    };

    expect(await write(influxLines(snapshotFixture))).toEqual([204, '']);
    const odd = { ...packSample, measuredAtMs: WALL_MS, voltageV: 53, model: 'a,b =c"\n\\', serial: '\u0000é✓' };
    expect(await write(influxLines(withRack({ packs: { lfp1: fresh(odd) } })))).toEqual([204, '']);
    const anything = fc.sample(fc.string({ unit: fc.constantFrom(...'\\, ="a\n\té') }), 300);
    const packs = Object.fromEntries(
      anything.map((text, index) => [`p${index}`, fresh({ ...odd, model: text, serial: `\\${text}` })]),
    );
    expect(await write(influxLines(withRack({ packs })))).toEqual([204, '']);
    // It would say so: this is what an integer after a float gets.
    expect((await write(['holdover_pack,pack=lfp1 voltage_volts=53i 1740830400000']))[0]).toBe(400);

    const answer = await (await query('SELECT "voltage_volts" FROM "holdover_pack" WHERE "pack" = \'lfp1\'')).json();
    const { values } = (answer as { results: { series: { values: unknown[] }[] }[] }).results[0]?.series[0] ?? {};
    expect(values).toEqual([
      [new Date(WALL_MS - 1000).toISOString().replace('.000', ''), 52.984],
      [new Date(WALL_MS).toISOString().replace('.000', ''), 53],
    ]);
  });
});

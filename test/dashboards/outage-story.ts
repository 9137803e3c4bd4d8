import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { Stage } from '../e2e/stage.ts';
import { peer } from '../peers.ts';
import { freePort } from '../ports.ts';
import { Upsd } from '../services/nut/nut-peers.ts';
import { influxDb, influxQuery, victoriaMetrics } from '../services/telemetry/databases.ts';
import { until, type Workshop } from '../services/telemetry/peers.ts';
import { type Exposition, parseExposition } from './exposition.ts';

/** An outage on the simulated rack, as the real service told it to Prometheus, VictoriaMetrics and InfluxDB. */
export interface OutageStory {
  /** Scraped, at the time of this machine. */
  readonly prometheus: Told;
  /** Pushed, at the time of the simulated rack, which runs faster. */
  readonly victoria: Told;
  readonly influx: Told;
  /** What the service exposed, one picture after the other. */
  readonly pictures: readonly Exposition[];
}

export interface Told {
  readonly url: string;
  /** s since 1970. */
  readonly fromS: number;
  readonly toS: number;
}

/** Recorded curves are better when the rack is slow enough never to be missed, such as 3. */
const FAST = Number(process.env.HOLDOVER_STORY_SPEED ?? 10);
const LOOK_EVERY_MS = 400;
/** A machine that is busy with other tests may be slow. */
const PATIENCE_MS = 60_000;
const UPS = {
  'ups.status': 'OL',
  'battery.charge': '90',
  'battery.runtime': '1800',
  'battery.voltage': '27.1',
  'ups.realpower': '200',
  'ups.load': '40',
  'input.voltage': '119',
  'input.frequency': '60',
  'output.voltage': '120',
};

/** Plays it once, in a minute or so. What it starts ends with `workshop.clean()` and `stage.close()`. */
export async function playOutage(workshop: Workshop, stages: Stage[]): Promise<OutageStory> {
  const [vm, influx] = [await victoriaMetrics(workshop), await influxDb(workshop)];
  await Promise.all([vm.start(), influx.start()]);
  const tee = await copyingWrites([vm.url, influx.url]);
  const upsd = await Upsd.start(workshop, UPS);
  const stage = new Stage({ fast: FAST, configure: (config) => configured(config, tee.url, upsd.port) });
  stages.push(stage);
  const watch = new Watch(stage);
  try {
    await stage.open();
    const promUrl = await prometheus(workshop, stage.address);
    await stage.settled();
    watch.begin();
    await watch.for(60);
    await stage.mains(false);
    await stage.phase('on-battery');
    await watch.for(20);
    await stage.phase('shutting-down');
    await watch.for(20);
    await stage.phase('dark');
    // Something to raise an alarm about.
    await stage.unplug('meter');
    await watch.for(20);
    await stage.replug('meter');
    await stage.mains(true);
    await stage.phase('restoring');
    await watch.for(10);
    await stage.phase('mains');
    await watch.for(60);
    const end = watch.now();
    await until('everything was pushed', () => tee.last() > end, PATIENCE_MS);
    await fetch(`${vm.url}/internal/force_flush`);
    // Rows of VictoriaMetrics that came last are searched for about a second after the flush.
    await until('the last rows can be found', () => found(vm.url, watch.marks.at(-1)?.rackS ?? 0));
    const told = (url: string, key: 'rackS' | 'ourS'): Told => ({
      url,
      fromS: (watch.marks[0]?.[key] ?? 0) - 1,
      toS: (watch.marks.at(-1)?.[key] ?? 0) + 1,
    });
    return {
      prometheus: told(promUrl, 'ourS'),
      victoria: told(vm.url, 'rackS'),
      influx: told(influx.url, 'rackS'),
      pictures: watch.pictures,
    };
  } finally {
    watch.end();
    tee.server.closeAllConnections();
    tee.server.close();
  }
}

function configured(config: Record<string, unknown>, url: string, upsPort: number): void {
  // A port of the system's choice cannot be taken by somebody else in the meantime.
  config.http = { ...(config.http as object), listen: '127.0.0.1:0' };
  config.influx = { url, database: 'rack', every: '2s', spoolMiB: 16 };
  config.ups = [{ id: 'apc', driver: 'nut', host: '127.0.0.1', port: upsPort, ups: 'apc', every: '2s' }];
  Object.assign(config.site as object, { energyPrice: { perKwh: 0.3 } });
}

/** Looks at the service again and again, and notes the time on both clocks. */
class Watch {
  readonly pictures: Exposition[] = [];
  readonly marks: { rackS: number; ourS: number }[] = [];
  readonly #stage: Stage;
  #timer: NodeJS.Timeout | undefined;
  #looking = false;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  begin(): void {
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS);
  }

  end(): void {
    clearInterval(this.#timer);
  }

  /** Rack time of the latest picture, s. */
  now(): number {
    return this.pictures.at(-1)?.atS ?? 0;
  }

  /** Waits until the rack is `seconds` older, and marks the moment. */
  async for(seconds: number): Promise<void> {
    const from = await until('there is a picture', () => this.now() || undefined);
    await until('time has gone by', () => this.now() >= from + seconds, PATIENCE_MS);
    this.marks.push({ rackS: this.now(), ourS: Date.now() / 1000 });
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const answer = await fetch(`${this.#stage.address}/metrics`, { signal: AbortSignal.timeout(5000) });
      this.pictures.push(parseExposition(await answer.text()));
    } catch {
      // the next look will do
    } finally {
      this.#looking = false;
    }
  }
}

/** Takes the service's pushes and hands each on to all databases, whose answers must agree. */
async function copyingWrites(urls: readonly string[]): Promise<{ url: string; server: Server; last(): number }> {
  let lastS = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const headers = Object.fromEntries(
      ['content-type', 'content-encoding'].flatMap((name) => {
        const value = request.headers[name];
        return typeof value === 'string' ? [[name, value]] : [];
      }),
    );
    const body = Buffer.concat(chunks);
    const answers = await Promise.all(
      urls.map((url) => fetch(`${url}${request.url}`, { method: 'POST', headers, body }).then(({ status }) => status)),
    );
    const worst = Math.max(...answers);
    if (worst < 300) lastS = await newest(urls.at(-1) ?? '');
    response.writeHead(worst).end();
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${port}`, server, last: () => lastS };
}

async function newest(influxUrl: string): Promise<number> {
  const answer = await influxQuery(influxUrl, 'SELECT last("timestamp_seconds") FROM "holdover_snapshot"');
  const { results } = (await answer.json()) as { results: { series?: { values: [number, number][] }[] }[] };
  return results[0]?.series?.[0]?.values[0]?.[1] ?? 0;
}

async function found(url: string, atS: number): Promise<boolean> {
  const query = `max(holdover_snapshot_timestamp_seconds)`;
  const answer = await fetch(`${url}/api/v1/query?query=${query}&time=${atS}`);
  const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
  return Number(data.result[0]?.value[1] ?? 0) >= atS - 30;
}

async function prometheus(workshop: Workshop, address: string): Promise<string> {
  const [folder, port] = [workshop.folder(), await freePort()];
  const config = join(folder, 'p.yml');
  const target = new URL(address).host;
  writeFileSync(
    config,
    `global: { scrape_interval: 1s }
scrape_configs: [{ job_name: holdover, static_configs: [{ targets: ["${target}"] }] }]
`,
  );
  workshop.run(peer('prometheus').path, [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, 'tsdb')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=error',
  ]);
  const url = `http://127.0.0.1:${port}`;
  await until('Prometheus is ready', () =>
    fetch(`${url}/-/ready`).then(
      (answer) => answer.ok,
      () => false,
    ),
  );
  return url;
}

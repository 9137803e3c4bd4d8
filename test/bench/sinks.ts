import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Feed } from '../../services/assembly/feed.ts';
import type { Snapshot } from '../../services/shutdown/view.ts';
import { HomeAssistant } from '../../services/telemetry/homeassistant.ts';
import { influxSink } from '../../services/telemetry/influx.ts';
import { mqttSink } from '../../services/telemetry/mqtt.ts';
import { topicStates } from '../../services/telemetry/mqtt-states.ts';
import { prometheusText } from '../../services/telemetry/prometheus.ts';
import { type Bench, type Figure, figure, type Outcome, spreadOf } from './bench.ts';
import { inTurns, processorTime, repeat } from './in-turns.ts';
import { benchRack } from './racks.ts';

const SNAPSHOTS = 200;

/** What one snapshot costs in all sinks together, by processor time of the whole process and by what is allocated. */
export const sinksBench: Bench = {
  name: 'sinks',
  about: 'one new snapshot through MQTT (embedded broker, Home Assistant), InfluxDB every time, and a scrape',
  async run({ runs }) {
    const figures: Figure[] = [];
    for (const nodes of [20, 54]) {
      const { snapshot } = benchRack(nodes);
      figures.push(...(await throughAll(snapshot, nodes, runs)));
      const peer = { what: 'JSON.stringify of the snapshot' };
      const states = topicStates(snapshot);
      const discovered = await inTurns(
        repeat(() =>
          new HomeAssistant({ prefix: 'homeassistant', root: 'holdover', commands: true }).messages(snapshot, states),
        ),
        repeat(() => JSON.stringify(snapshot)),
        runs,
      );
      figures.push(
        figure(`all discovery messages, ${nodes} nodes (once a minute)`, 'µs', discovered.ours, {
          ...peer,
          values: discovered.peer,
        }),
      );
    }
    return { figures, remarks: ['in the service a sample goes to InfluxDB every tenth time only'] } satisfies Outcome;
  },
};

async function throughAll(snapshot: Snapshot, nodes: number, runs: number): Promise<Figure[]> {
  const silent = (): undefined => undefined;
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  const folder = mkdtempSync(join(tmpdir(), 'holdover-bench-'));
  const database = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(204).end());
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => database.once('listening', resolve));
  const { port } = database.address() as AddressInfo;
  const embedded = { port: 0, listen: '127.0.0.1', users: [] };
  const mqtt = mqttSink({ embedded, topic: 'holdover', homeAssistant: true }, {}, log);
  const influx = influxSink(
    { url: `http://127.0.0.1:${port}`, bucket: 'bench', org: 'bench', every: 0.1, spoolMiB: 16 },
    {},
    log,
    { spoolDir: join(folder, 'spool') },
  );
  const feed = new Feed((error) => {
    throw error;
  });
  const costs: number[] = [];
  const allocated: number[] = [];
  let at = 0;
  try {
    await mqtt.start(feed);
    await influx.start(feed);
    await mqttUp(mqtt);
    for (let run = 0; run <= runs; run += 1) {
      const startedUs = processorTime();
      let bytes = 0;
      for (let each = 0; each < SNAPSHOTS; each += 1) {
        const heap = process.memoryUsage().heapUsed;
        at += 1;
        feed.publish(movedBy(snapshot, at));
        await influx.atRest();
        prometheusText(snapshot);
        // A collection in between makes it smaller; those are left out.
        bytes += Math.max(0, process.memoryUsage().heapUsed - heap);
      }
      if (run === 0) continue;
      costs.push((processorTime() - startedUs) / SNAPSHOTS);
      allocated.push(bytes / SNAPSHOTS / 1024);
    }
  } finally {
    await mqtt.stop();
    await influx.stop();
    database.close();
    rmSync(folder, { recursive: true, force: true });
  }
  const what = `one changed snapshot through all sinks and one scrape, ${nodes} nodes`;
  return [
    { what, unit: 'µs', value: spreadOf(costs) },
    { what: `allocated for it, ${nodes} nodes`, unit: 'KiB', value: spreadOf(allocated) },
  ];
}

async function mqttUp(sink: { health(): { readonly up: boolean } }): Promise<void> {
  while (!sink.health().up) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A second later every pack and switch has measured something else. */
function movedBy(snapshot: Snapshot, second: number): Snapshot {
  const { rack } = snapshot;
  const moved = <S extends { readonly sample?: { readonly measuredAtMs: number } }>(all: Readonly<Record<string, S>>) =>
    Object.fromEntries(
      Object.entries(all).map(([id, each]) => [
        id,
        { ...each, sample: { ...each.sample, measuredAtMs: rack.wallMs + second * 1000, powerW: 100 + (second % 97) } },
      ]),
    ) as unknown as Readonly<Record<string, S>>;
  return {
    ...snapshot,
    rack: {
      ...rack,
      wallMs: rack.wallMs + second * 1000,
      monoMs: rack.monoMs + second * 1000,
      packs: moved(rack.packs),
      meters: moved(rack.meters),
      switches: moved(rack.switches),
    },
  };
}

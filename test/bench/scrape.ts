import { Agent, type IncomingMessage, request } from 'node:http';
import { Feed } from '../../services/assembly/feed.ts';
import { httpFace } from '../../services/http/index.ts';
import type { Snapshot } from '../../services/shutdown/view.ts';
import { families } from '../../services/telemetry/catalogue.ts';
import { influxLines } from '../../services/telemetry/influx-lines.ts';
import { topicStates } from '../../services/telemetry/mqtt-states.ts';
import { prometheusText } from '../../services/telemetry/prometheus.ts';
import { type Bench, type Figure, figure } from './bench.ts';
import { inTurns, repeat, repeatAsync, wallTime } from './in-turns.ts';
import { benchRack } from './racks.ts';

/** What a snapshot costs on its way out: through the catalogue, to each sink's words, and over HTTP. */
export const scrapeBench: Bench = {
  name: 'scrape',
  about: 'GET /metrics over a kept connection, and one snapshot through the catalogue',
  async run({ runs }) {
    const figures: Figure[] = [];
    const remarks: string[] = [];
    for (const nodes of [20, 54]) {
      const { snapshot } = benchRack(nodes);
      const text = prometheusText(snapshot);
      const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
      remarks.push(`${nodes} nodes: ${series} series, ${Math.round(text.length / 1024)} KiB`);
      figures.push(await scrape(snapshot, nodes, runs));
      for (const [what, make] of [
        ['through the catalogue', () => families(snapshot)],
        ['to Prometheus text', () => prometheusText(snapshot)],
        ['to line protocol', () => influxLines(snapshot)],
        ['to MQTT states', () => JSON.stringify(topicStates(snapshot))],
      ] as const) {
        const times = await inTurns(
          repeat(make),
          repeat(() => JSON.stringify(snapshot)),
          runs,
        );
        const peer = { what: 'JSON.stringify of the snapshot', values: times.peer };
        figures.push(figure(`one snapshot ${what}, ${nodes} nodes`, 'µs', times.ours, peer));
      }
    }
    return { figures, remarks };
  },
};

async function scrape(snapshot: Snapshot, nodes: number, runs: number): Promise<Figure> {
  const feed = new Feed((error) => {
    throw error;
  });
  feed.publish(snapshot);
  const silent = (): undefined => undefined;
  const face = httpFace({
    config: { listen: '127.0.0.1:0', tokens: [], readToken: false },
    tokens: [],
    feed,
    desk: { command: async () => ({ accepted: false, because: 'a bench' }), journal: () => [] },
    metrics: () => prometheusText(snapshot),
    log: { info: silent, warn: silent, error: silent },
  });
  const { address } = await face.start();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    const times = await inTurns(
      repeatAsync(() => get(`${address}/metrics`, agent)),
      repeatAsync(() => get(`${address}/healthz`, agent)),
      runs,
      wallTime,
    );
    return figure(`GET /metrics, ${nodes} nodes`, 'µs', times.ours, {
      what: 'GET /healthz, the smallest answer of the same server',
      values: times.peer,
    });
  } finally {
    agent.destroy();
    await face.stop();
  }
}

/** Reads the whole answer. */
function get(url: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const answered = (answer: IncomingMessage): void => {
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      answer.on('end', () => (answer.statusCode === 200 ? resolve(bytes) : reject(new Error(`${answer.statusCode}`))));
      answer.on('error', reject);
    };
    request(url, { agent }, answered).on('error', reject).end();
  });
}

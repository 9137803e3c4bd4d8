import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { groups } from '../../dashboards/alerts/index.ts';
import type { Stage } from '../e2e/stage.ts';
import { peer } from '../peers.ts';
import { Workshop } from '../services/telemetry/peers.ts';
import { influxqlSeries, promqlInstant, promqlRange } from './ask.ts';
import { type Asked, boardsOf, queriesOf } from './boards.ts';
import { recorded } from './curves.ts';
import { type OutageStory, playOutage, type Told } from './outage-story.ts';

/** Every query of every panel finds something in the databases the real service has filled through an outage. */

/** Queries that rightly find nothing on the simulated rack, as `board, panel, refId`, and why. */
const NOTHING_THERE: Readonly<Record<string, string>> = {
  'pack, Health, A': 'a JBD board does not tell its health',
  'pack, Power, B': 'a JBD board tells voltage and current, and no power',
  'pack, Time to empty, A': 'a JBD board does not estimate it',
  'pack, Charged, by the BMS, A': 'a JBD board has no counter of energy',
  'pack, Discharged, by the BMS, A': 'a JBD board has no counter of energy',
  'shutdown, Role, A': 'there is one management node',
};

const missing = (['prometheus', 'victoria-metrics', 'influxd', 'upsd', 'dummy-ups'] as const)
  .map(peer)
  .find((each) => each.skip);
const workshop = new Workshop();
const stages: Stage[] = [];
let story: OutageStory;

beforeAll(async () => {
  if (missing !== undefined) return;
  story = await playOutage(workshop, stages);
  const path = process.env.HOLDOVER_RECORD_CURVES;
  if (path !== undefined) writeFileSync(path, `${JSON.stringify(recorded(story.pictures), null, 1)}\n`);
}, 300_000);

afterAll(async () => {
  await Promise.all(stages.map((stage) => stage.close()));
  await workshop.clean();
});

/** Names of queries that found nothing although they should have, or something although they should not. */
async function surprises(queries: readonly Asked[], count: (asked: Asked) => Promise<number>): Promise<string[]> {
  const found: string[] = [];
  for (const asked of queries) {
    const series = await count(asked);
    // An alarm may be over before a scrape sees it.
    if (asked.text.includes('holdover_rack_alarm')) continue;
    const expected = NOTHING_THERE[asked.where] === undefined;
    if (series > 0 !== expected) found.push(`${asked.where}: ${series} series for ${asked.text}`);
  }
  return found;
}

const promql = (told: Told) => (asked: Asked) =>
  asked.instant ? promqlInstant(told, asked.text) : promqlRange(told, asked.text);

describe.skipIf(missing !== undefined)(`boards with ${missing?.title ?? 'real databases'}`, () => {
  it('find their data in Prometheus, which has scraped it', async () => {
    expect(await surprises(queriesOf('prometheus'), promql(story.prometheus))).toEqual([]);
  });

  it('find their data in VictoriaMetrics, to which it was pushed', async () => {
    expect(await surprises(queriesOf('prometheus'), promql(story.victoria))).toEqual([]);
  });

  it('find their data in InfluxDB', async () => {
    expect(await surprises(queriesOf('influxdb'), ({ text }) => influxqlSeries(story.influx, text))).toEqual([]);
  });

  it('fill their variables in every database', async () => {
    for (const board of boardsOf('prometheus')) {
      for (const { type, query } of board.templating.list.filter((one) => one.type === 'query')) {
        const text = typeof query === 'string' ? query : query.query;
        const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(text) ?? [];
        for (const told of [story.prometheus, story.victoria])
          expect(await promqlRange(told, `count by (${label}) (${metric})`), `${board.title} ${type}`).toBeGreaterThan(
            0,
          );
      }
    }
    for (const board of boardsOf('influxdb'))
      for (const { query } of board.templating.list.filter((one) => one.type === 'query'))
        expect(await influxqlSeries(story.influx, String(query)), String(query)).toBeGreaterThan(0);
  });

  it('mark the phases and stages of the outage', async () => {
    for (const { annotations } of boardsOf('prometheus'))
      for (const { target } of annotations.list)
        for (const told of [story.prometheus, story.victoria])
          expect(await promqlRange(told, target.expr ?? '', 1), target.expr).toBeGreaterThan(1);
    for (const { annotations } of boardsOf('influxdb'))
      for (const { target } of annotations.list)
        expect(await influxqlSeries(story.influx, target.query ?? ''), target.query).toBe(1);
  });

  it('alerts are understood by both databases', async () => {
    for (const { expr } of groups.flatMap(({ rules }) => rules))
      for (const told of [story.prometheus, story.victoria])
        expect(await promqlInstant(told, expr), expr).toBeGreaterThanOrEqual(0);
  });
});

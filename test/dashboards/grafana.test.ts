import { parser } from '@prometheus-io/lezer-promql';
import { describe, expect, it } from 'vitest';
import { boards } from '../../dashboards/boards/index.ts';
import { families } from '../../dashboards/panels/family.ts';
import { influxql } from '../../dashboards/panels/influxql.ts';
import { promql } from '../../dashboards/panels/promql.ts';
import { both, metricOf, metricsIn, present, read } from '../../dashboards/panels/query.ts';
import { catalogue } from '../../services/telemetry/catalogue.ts';
import { type Board, boardsOf, type Panel, panelsOf, queriesOf } from './boards.ts';

/** The committed boards against the rules of Grafana's linter, and against the catalogue. */

const all = [...boardsOf('prometheus'), ...boardsOf('influxdb')];

/** Metrics that are on no board, and why. */
const ON_NO_BOARD: Readonly<Record<string, string>> = {};

/** Unit ids of Grafana that our panels may use. */
const UNITS = new Set(
  'short volt amp watt voltamp hertz celsius percentunit s joule watth amph bool_on_off dateTimeFromNow reqps cps'.split(
    ' ',
  ),
);

/** With Grafana's variables filled in, as the parser does not know them. */
const plain = (expr: string): string =>
  expr.replaceAll('$__rate_interval', '5m').replaceAll('$__range', '5m').replaceAll(/\$\w+/g, '.+');

function promqlErrors(expr: string): string[] {
  const errors: string[] = [];
  parser.parse(plain(expr)).iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) errors.push(`${expr} at ${from}..${to}`);
    },
  });
  return errors;
}

const board = (uid: string): Board => {
  const found = all.find((one) => one.uid === uid);
  if (found === undefined) throw new Error(`no board ${uid}`);
  return found;
};

const organized = (panel: Panel | undefined): unknown =>
  panel?.transformations?.find(({ id }) => id === 'organize')?.options;

describe('boards', () => {
  it('are five in every family, with uids that stay', () => {
    expect(all.map(({ uid }) => uid).sort()).toEqual(
      ['overview', 'pack', 'poe', 'service', 'shutdown']
        .flatMap((name) => [`holdover-${name}`, `holdover-${name}-influxdb`])
        .sort(),
    );
    expect(new Set(all.map(({ title }) => title)).size).toBe(all.length);
    for (const { uid, file } of all) {
      expect(file).toBe(`${uid}.json`);
      expect(uid.length).toBeLessThanOrEqual(40);
    }
  });

  it('cannot be edited, and say what they are for', () => {
    for (const { editable, description, uid } of all) {
      expect(editable, uid).toBe(false);
      expect(description.length, uid).toBeGreaterThan(20);
    }
  });

  it('let people choose the data source, and renew their lists with the time range', () => {
    for (const { templating, uid } of all) {
      const [source, ...others] = templating.list;
      expect(source, uid).toMatchObject({
        name: 'datasource',
        type: 'datasource',
        label: 'Data source',
        query: uid.endsWith('-influxdb') ? 'influxdb' : 'prometheus',
      });
      for (const variable of others)
        expect(variable, uid).toMatchObject({ type: 'query', refresh: 2, includeAll: true, multi: true });
    }
  });

  it('place every panel, none over another', () => {
    for (const board of all) {
      const taken = new Set<string>();
      for (const { gridPos, title } of board.panels) {
        expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
            expect(taken.has(`${x} ${y}`), `${board.uid}: ${title}`).toBe(false);
            taken.add(`${x} ${y}`);
          }
      }
    }
  });

  it('use only variables they have', () => {
    for (const board of all) {
      const known = new Set(board.templating.list.map(({ name }) => name));
      const used = [...JSON.stringify(board.panels).matchAll(/\$(?:\{(\w+)\}|([a-z]\w*))/g)].map(
        ([, braced, bare]) => braced ?? bare ?? '',
      );
      const strange = used.filter((name) => !known.has(name) && !/^(timeFilter|tag_\w+)$/.test(name));
      expect(strange, board.uid).toEqual([]);
    }
  });
});

describe('panels', () => {
  it('have an id of their own, a title, a description, a unit, targets, and the chosen data source', () => {
    for (const board of all) {
      const panels = panelsOf(board);
      const ids = board.panels.flatMap(({ id, panels: inner = [] }) => [id, ...inner.map((one) => one.id)]);
      expect(new Set(ids).size, board.uid).toBe(ids.length);
      expect(ids.every((id) => id > 0)).toBe(true);
      for (const panel of panels) {
        const where = `${board.uid}: ${panel.title}`;
        expect(panel.title, where).not.toBe('');
        expect(panel.description?.length ?? 0, where).toBeGreaterThan(5);
        expect(UNITS, where).toContain(panel.fieldConfig?.defaults.unit);
        expect(panel.targets?.length ?? 0, where).toBeGreaterThan(0);
        expect(panel.datasource?.uid, where).toBe('$' + '{datasource}');
        const refs = panel.targets?.map(({ refId }) => refId) ?? [];
        expect(new Set(refs).size, where).toBe(refs.length);
        for (const { datasource, expr, query } of panel.targets ?? []) {
          expect(datasource.uid, where).toBe('$' + '{datasource}');
          expect((expr ?? query ?? '').length, where).toBeGreaterThan(0);
        }
      }
    }
  });

  it('of one board have titles of their own', () => {
    for (const board of all) {
      const titles = panelsOf(board).map(({ title }) => title);
      expect(
        titles.filter((title, at) => titles.indexOf(title) !== at),
        board.uid,
      ).toEqual([]);
    }
  });

  it('name the columns of tables, also of an only answer, and hide times and the 1 of infos', () => {
    const version = panelsOf(board('holdover-service')).find(({ title }) => title === 'Version');
    expect(organized(version)).toMatchObject({ excludeByName: { Time: true, Value: true, 'Value #A': true } });
    const raised = panelsOf(board('holdover-overview')).find(({ title }) => title === 'Raised alarms');
    expect(organized(raised)).toMatchObject({ renameByName: { Value: 'Raised', 'Value #A': 'Raised' } });
    const hosts = panelsOf(board('holdover-overview')).find(({ title }) => title === 'Switch, port, host');
    expect(organized(hosts)).toMatchObject({
      excludeByName: { 'Time 5': true, 'Value #A': true },
      renameByName: { 'Value #B': 'Phase', 'Value #C': 'Power' },
    });
  });

  it('are the same in both families', () => {
    expect(queriesOf('prometheus').map(({ where }) => where)).toEqual(queriesOf('influxdb').map(({ where }) => where));
  });
});

describe('queries', () => {
  it('are PromQL without errors, with $__rate_interval under every rate', () => {
    for (const { text, where } of queriesOf('prometheus')) {
      expect(promqlErrors(text), where).toEqual([]);
      for (const [, window] of text.matchAll(/rate\([^[]*\[([^\]]+)\]/g))
        expect(window, where).toBe('$__rate_interval');
    }
    expect(promqlErrors('max by (pack (holdover_pack_soc_ratio)')).not.toEqual([]);
  });

  it('look at counters by their growth only', () => {
    const counters = new Set(catalogue.filter(({ kind }) => kind === 'counter').map(({ name }) => name));
    // A count of cycles is read as it is: nobody asks how many there were today.
    counters.delete('holdover_pack_cycles_total');
    for (const { text, where } of queriesOf('prometheus'))
      for (const name of counters)
        if (text.includes(name)) expect(text, where).toMatch(new RegExp(`(rate|increase)\\(${name}\\b`));
  });

  it('are bound to the time shown, in InfluxQL too', () => {
    for (const { text, where } of queriesOf('influxdb'))
      expect(text.split('$timeFilter').length, where).toBeGreaterThanOrEqual(text.split('SELECT ').length);
  });

  it('name nothing that the catalogue does not have', () => {
    const names = new Set(catalogue.map(({ name }) => name));
    for (const { text, where } of queriesOf('prometheus'))
      for (const [name] of text.matchAll(/\bholdover_\w+/g)) expect(names, where).toContain(name);
    const fields = new Set(catalogue.flatMap(({ measurement, field }) => [measurement, field]));
    const tags = new Set(catalogue.flatMap(({ labels }) => labels));
    for (const { text, where } of queriesOf('influxdb'))
      for (const [, name = ''] of text.matchAll(/"([^"]+)"/g))
        if (!/^(v|value|Value #[A-Z])$/.test(name))
          expect(fields.has(name) || tags.has(name), `${where}: ${name}`).toBe(true);
  });

  it('show every metric of the catalogue on some board', () => {
    const shown = new Set(
      boards.flatMap(({ rows }) =>
        rows.flatMap(({ columns }) =>
          columns.flatMap(({ panels }) =>
            panels.flatMap(({ asks }) => asks.flatMap(({ query }) => metricsIn(query).map(({ name }) => name))),
          ),
        ),
      ),
    );
    const missing = catalogue.map(({ name }) => name).filter((name) => !shown.has(name));
    expect(missing).toEqual(Object.keys(ON_NO_BOARD));
  });
});

describe('one question in two languages', () => {
  it('reads a gauge as it is, folded onto its own labels', () => {
    const query = read('pack_soc_ratio', { where: { pack: { chosen: 'pack' } } });
    expect(promql(query)).toBe('max by (pack) (holdover_pack_soc_ratio{pack=~"$pack"})');
    expect(influxql(query, 'over-time')).toBe(
      'SELECT mean("soc_ratio") AS "value" FROM "holdover_pack" WHERE $timeFilter AND "pack" =~ /^$pack$/ GROUP BY time($__interval), "pack" fill(null)',
    );
    expect(influxql(query, 'latest')).toBe(
      'SELECT last("soc_ratio") AS "value" FROM "holdover_pack" WHERE $timeFilter AND "pack" =~ /^$pack$/ GROUP BY "pack"',
    );
  });

  it('adds up series within a moment, not within an interval', () => {
    const query = read('host_power_watts', { by: [], over: 'sum', scale: 2 });
    expect(promql(query)).toBe('sum(holdover_host_power_watts) * 2');
    expect(influxql(query, 'over-time')).toBe(
      'SELECT sum("v") * 2 AS "value" FROM (SELECT mean("power_watts") AS "v" FROM "holdover_host" WHERE $timeFilter GROUP BY time($__interval), "host" fill(none)) WHERE $timeFilter GROUP BY time($__interval) fill(null)',
    );
  });

  it('numbers states from 1 in the order of the catalogue', () => {
    expect(promql(present('mains_verdict'))).toBe(
      'max(holdover_mains_verdict{verdict="present"} * 1 or holdover_mains_verdict{verdict="absent"} * 2 or holdover_mains_verdict{verdict="unknown"} * 3)',
    );
  });

  it('asks for rates, growth, shares and exclusions', () => {
    expect(promql(read('sink_sent_total', { growth: 'per-second' }))).toBe(
      'max by (sink) (rate(holdover_sink_sent_total[$__rate_interval]))',
    );
    expect(influxql(read('sink_sent_total', { growth: 'in-range' }), 'latest')).toBe(
      'SELECT spread("sent_total") AS "value" FROM "holdover_sink" WHERE $timeFilter GROUP BY "sink"',
    );
    const share = both(read('poe_drawn_watts'), '/', read('poe_budget_watts'));
    expect(promql(share)).toBe(
      'max by (switch) (holdover_poe_drawn_watts) / on (switch) max by (switch) (holdover_poe_budget_watts)',
    );
    expect(influxql(share, 'latest')).toContain('SELECT last("drawn_watts") / last("budget_watts")');
    const not = read('device_up', { where: { kind: { not: ['host', 'ups'] }, device: 'a' } });
    expect(promql(not)).toContain('{kind!~"host|ups",device="a"}');
    expect(influxql(not, 'latest')).toContain(`"kind" !~ /^(host|ups)$/ AND "device" = 'a'`);
  });

  it('refuses what does not exist or cannot be asked everywhere', () => {
    expect(() => metricOf('pack_voltage_millivolts')).toThrow('no metric holdover_pack_voltage_millivolts');
    expect(() => read('pack_soc_ratio', { where: { host: 'a' } })).toThrow('has no label host');
    expect(() => present('pack_soc_ratio')).toThrow('has no states');
    expect(() => both(read('pack_power_watts'), '/', read('bank_power_watts'))).toThrow('cannot be taken together');
  });

  it('is written for two families', () => {
    expect(families.map(({ id }) => id)).toEqual(['prometheus', 'influxdb']);
  });
});

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { groups } from '../../dashboards/alerts/index.ts';
import { m, type Rule } from '../../dashboards/alerts/rule.ts';
import { catalogue } from '../../services/telemetry/catalogue.ts';
import { peer } from '../peers.ts';
import { cases } from './alert-cases.ts';
import { type Curves, pictureAt } from './curves.ts';

/** The alert rules on curves the real service has recorded through an outage of the simulated rack. */

const PROMETHEUS = 'dashboards/out/alerts/prometheus.yml';
const GRAFANA = 'dashboards/out/alerts/grafana.yml';
const promtool = peer('promtool');
const rules: readonly Rule[] = groups.flatMap((group) => group.rules);
const curves = JSON.parse(readFileSync('test/fixtures/dashboards/outage-curves.json', 'utf8')) as Curves;
const folder = mkdtempSync(join(tmpdir(), 'holdover-alerts-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Series by name, in promtool's notation. */
type Series = Readonly<Record<string, string>>;

interface Story {
  readonly name: string;
  readonly stepS: number;
  readonly series: Series;
  /** Which alerts fire at a time, or have fired until then. */
  readonly looks: readonly { readonly atS: number; readonly ever?: boolean; readonly alerts: readonly string[] }[];
}

/** What promtool has against the stories; empty when they go as told. */
function judged(stories: readonly Story[]): string {
  const file = join(folder, 'stories.yml');
  const tests = stories.map(({ name, stepS, series, looks }) => ({
    name,
    interval: `${stepS}s`,
    input_series: Object.entries(series).map(([one, values]) => ({ series: one, values })),
    promql_expr_test: looks.map(({ atS, ever = false, alerts }) => ({
      expr: `group by (alertname) (${ever ? `max_over_time(ALERTS{alertstate="firing"}[${atS}s])` : 'ALERTS{alertstate="firing"}'})`,
      eval_time: `${atS}s`,
      exp_samples: alerts.toSorted().map((alert) => ({ labels: `{alertname="${alert}"}`, value: 1 })),
    })),
  }));
  writeFileSync(
    file,
    stringify({
      rule_files: [resolve(PROMETHEUS)],
      evaluation_interval: `${Math.max(...stories.map(({ stepS }) => stepS))}s`,
      tests,
    }),
  );
  try {
    execFileSync(promtool.path, ['test', 'rules', file], { stdio: 'pipe' });
    return '';
  } catch (error) {
    const { stdout, stderr } = error as { stdout: Buffer; stderr: Buffer };
    return `${stdout}${stderr}`;
  }
}

describe('alert rules', () => {
  it('name nothing that the catalogue does not have', () => {
    const names = new Set(catalogue.map(({ name }) => name));
    for (const { expr, name } of rules)
      for (const [metric] of expr.matchAll(/\bholdover_\w+/g)) expect(names, name).toContain(metric);
    expect(() => m('pack_soc')).toThrow('no metric holdover_pack_soc');
    expect(() => m('pack_soc_ratio', { host: 'a' })).toThrow('has no label host');
  });

  it('have names, summaries and severities of their own', () => {
    expect(new Set(rules.map(({ name }) => name)).size).toBe(rules.length);
    for (const { name, summary } of rules) {
      expect(name).toMatch(/^Holdover[A-Z][A-Za-z]+$/);
      expect(summary, name).toMatch(/^.{20,}[.]$/);
    }
  });

  it('mention only labels that are left', () => {
    for (const { name, expr, summary } of rules)
      for (const [, label = ''] of summary.matchAll(/\$labels\.(\w+)/g))
        expect(expr, `${name}: ${label}`).toMatch(new RegExp(`\\b${label}\\b`));
  });

  it('each have a section in the runbook, in which there is something to do', () => {
    const sections = readFileSync('docs/runbook.md', 'utf8').split(/^### /m).slice(1);
    expect(sections.map((section) => section.split('\n')[0])).toEqual(rules.map(({ name }) => name));
    for (const section of sections) expect(section).toMatch(/\n- .{20}/);
  });

  it.skipIf(promtool.skip)(`are accepted by ${promtool.title}`, () => {
    const said = execFileSync(promtool.path, ['check', 'rules', PROMETHEUS]).toString();
    expect(said).toContain(`${rules.length} rules found`);
  });
});

describe('alerts as Grafana provisions them', () => {
  interface Query {
    readonly refId: string;
    readonly datasourceUid: string;
    readonly relativeTimeRange?: { readonly from: number };
    readonly model: { readonly expr?: string; readonly type?: string; readonly expression?: string };
  }
  interface Provisioned {
    readonly apiVersion: number;
    readonly groups: readonly {
      readonly orgId: number;
      readonly interval: string;
      readonly folder: string;
      readonly rules: readonly {
        readonly uid: string;
        readonly title: string;
        readonly condition: string;
        readonly data: readonly Query[];
        readonly for: string;
        readonly noDataState: string;
        readonly execErrState: string;
        readonly annotations: { readonly summary: string; readonly runbook: string };
      }[];
    }[];
  }
  const file = parse(readFileSync(GRAFANA, 'utf8')) as Provisioned;
  const all = file.groups.flatMap((group) => group.rules);

  it('are the same rules with uids that fit', () => {
    expect(file.apiVersion).toBe(1);
    expect(all.map(({ title }) => title)).toEqual(rules.map(({ name }) => name));
    expect(new Set(all.map(({ uid }) => uid)).size).toBe(rules.length);
    for (const { uid } of all) expect(uid).toMatch(/^holdover-[a-z-]{1,31}$/);
  });

  it('fire on what is there, whatever its value', () => {
    const sources = parse(readFileSync('deploy/grafana/provisioning/datasources/holdover.yml', 'utf8')) as {
      datasources: { uid: string; type: string }[];
    };
    const promSource = sources.datasources.find(({ type }) => type === 'prometheus')?.uid;
    for (const [at, { data, condition }] of all.entries()) {
      const [value, exists, threshold] = data;
      expect(value?.model.expr).toBe(rules[at]?.expr);
      expect(exists?.model.expr).toBe(`(${rules[at]?.expr}) * 0 + 1`);
      expect(value?.datasourceUid).toBe(promSource);
      expect(threshold).toMatchObject({
        refId: condition,
        datasourceUid: '__expr__',
        model: { type: 'threshold', expression: 'B', conditions: [{ evaluator: { type: 'gt', params: [0] } }] },
      });
    }
  });

  it('take a database that cannot be asked for silence, where silence is the point', () => {
    const alerting = all.filter(({ execErrState }) => execErrState === 'Alerting').map(({ title }) => title);
    expect(alerting).toEqual(['HoldoverSilent']);
  });
});

/** Some hosts, ports and cells stand for all of them: promtool takes minutes otherwise. */
const few = (series: Series): Series =>
  Object.fromEntries(
    Object.entries(series).filter(([name]) => !/(host|node)="pi(?!1[12]")|port="(?!3")|cell="(?![1-8]")/.test(name)),
  );

const steady = (atS: number): Series => ({
  ...few(pictureAt(curves, atS, 75)),
  holdover_snapshot_timestamp_seconds: '0+60x75',
});
const [before, away] = [curves.phasesS['on-battery'] ?? 0, curves.phasesS['shutting-down'] ?? 0];
const moments = { mains: steady(before - 20), away: steady(away - 20) };
const AMBIENT = { mains: [], away: ['HoldoverOnBattery', 'HoldoverStageDue'] };
const END_S = 4500;

describe.skipIf(promtool.skip)(`alerts on recorded curves with ${promtool.title}`, () => {
  it('tell of an outage and of nothing else, and are quiet when it is over', () => {
    const end = (curves.steps - 1) * curves.stepS;
    const story = {
      name: 'the recorded outage',
      stepS: curves.stepS,
      series: curves.series,
      looks: [
        { atS: before - 10, ever: true, alerts: [] },
        { atS: end, ever: true, alerts: ['HoldoverOnBattery', 'HoldoverStageDue'] },
        { atS: end, alerts: [] },
      ],
    };
    expect(judged([story])).toBe('');
  });

  it('each fire at what they are for', () => {
    expect(cases.map(({ alert }) => alert).sort()).toEqual(rules.map(({ name }) => name).sort());
    const stories = cases.map(({ alert, base = 'mains', series, without = [], also = [] }): Story => {
      const changed: Record<string, string> = { ...moments[base], ...series };
      for (const name of without) delete changed[name];
      const alerts = [...new Set([...AMBIENT[base], alert, ...also])];
      return { name: alert, stepS: 60, series: changed, looks: [{ atS: END_S, alerts }] };
    });
    expect(judged(stories)).toBe('');
  });

  it('are all quiet on a healthy rack', () => {
    const quiet = { name: 'quiet', stepS: 60, series: moments.mains, looks: [{ atS: END_S, ever: true, alerts: [] }] };
    expect(judged([quiet])).toBe('');
    // The judge can say no.
    expect(judged([{ ...quiet, looks: [{ atS: END_S, alerts: ['HoldoverSilent'] }] }])).toContain('FAILED');
  });
});

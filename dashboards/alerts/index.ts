import { stringify } from 'yaml';
import { battery } from './battery.ts';
import { degraded } from './degraded.ts';
import { heard } from './heard.ts';
import { limits } from './limits.ts';
import { outage } from './outage.ts';
import { type Group, type Rule, runbook } from './rule.ts';

/** All alerts, in the order of triage: can we know, is it unsafe, is something broken, will something be full. */
export const groups: readonly Group[] = [heard, outage, battery, degraded, limits];

/** Uid of the data source that Grafana's own alerting asks; deploy/grafana provisions it. */
const SOURCE = 'holdover-prometheus';
const INTERVAL = '30s';
const HEAD = '# Generated from dashboards/alerts by scripts/generate. Do not edit.\n';

/** The rules by the path they are committed under. */
export function alertFiles(): Record<string, string> {
  const yaml = (value: unknown): string => `${HEAD}${stringify(value, { lineWidth: 0 })}`;
  return {
    'dashboards/out/alerts/prometheus.yml': yaml({ groups: groups.map(prometheusGroup) }),
    'dashboards/out/alerts/grafana.yml': yaml({ apiVersion: 1, groups: groups.map(grafanaGroup) }),
  };
}

const prometheusGroup = ({ name, rules }: Group) => ({
  name,
  interval: INTERVAL,
  rules: rules.map((rule) => ({
    alert: rule.name,
    expr: rule.expr,
    ...(rule.for === '0s' ? {} : { for: rule.for }),
    labels: { severity: rule.severity, service: 'holdover' },
    annotations: { summary: rule.summary, runbook: runbook(rule) },
  })),
});

const grafanaGroup = ({ name, rules }: Group) => ({
  orgId: 1,
  name,
  folder: 'holdover',
  interval: INTERVAL,
  rules: rules.map(grafanaRule),
});

/** A is the rule's own value, which the summary may show; B is 1 for every series of it; C is the condition. */
const grafanaRule = (rule: Rule) => ({
  uid: uidOf(rule),
  title: rule.name,
  condition: 'C',
  data: [
    query('A', rule.expr),
    query('B', `(${rule.expr}) * 0 + 1`),
    {
      refId: 'C',
      datasourceUid: '__expr__',
      model: {
        refId: 'C',
        type: 'threshold',
        expression: 'B',
        conditions: [{ type: 'query', evaluator: { type: 'gt', params: [0] } }],
      },
    },
  ],
  // No series is what a healthy rack gives to every one of them.
  noDataState: 'OK',
  execErrState: rule.liveness ? 'Alerting' : 'Error',
  for: rule.for,
  labels: { severity: rule.severity, service: 'holdover' },
  annotations: { summary: grafanaText(rule.summary), runbook: runbook(rule) },
  isPaused: false,
});

const query = (refId: string, expr: string) => ({
  refId,
  datasourceUid: SOURCE,
  relativeTimeRange: { from: 600, to: 0 },
  model: { refId, expr, instant: true, range: false, editorMode: 'code' },
});

/** Grafana's `$value` is a text about all of A, B and C; the number is in `$values`. */
const grafanaText = (text: string): string => text.replaceAll('{{ $value |', '{{ $values.A.Value |');

/** `HoldoverOnBattery` becomes `holdover-on-battery`: stable, and within Grafana's 40 characters. */
const uidOf = ({ name }: Rule): string =>
  name.replaceAll(/(?!^)[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).toLowerCase();

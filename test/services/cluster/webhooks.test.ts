import { afterEach, describe, expect, it } from 'vitest';
import { RestClient } from '../../../services/cluster/rest.ts';
import { findWebhookBackends, neededServices } from '../../../services/cluster/webhooks.ts';
import { drainOptions, type RunningTwin, runTwin } from './running-twin.ts';
import { listObject, type ScriptedApi, scriptApi, statusObject } from './scripted-api.ts';

/** Pods that every eviction has to ask. */

const service = { namespace: 'policy', name: 'gatekeeper' };
const PODS = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['DELETE'], resources: ['pods'] }];

const configuration = (...webhooks: readonly object[]) => ({ metadata: { name: 'c' }, webhooks });
const webhook = (changed: object = {}) => ({ name: 'w', clientConfig: { service }, rules: PODS, ...changed });

let scripted: ScriptedApi | undefined;
let twin: RunningTwin | undefined;
afterEach(async () => {
  await scripted?.close();
  await twin?.close();
  scripted = undefined;
  twin = undefined;
});

describe('services without which nothing goes on', () => {
  it.each<[string, object]>([
    ['said', { failurePolicy: 'Fail' }],
    ['not said, which is the same', {}],
    ['for evictions', { rules: [{ apiGroups: [''], resources: ['pods/eviction'] }] }],
    ['for cordons', { rules: [{ apiGroups: [''], resources: ['nodes'] }] }],
    ['for everything', { rules: [{ apiGroups: ['*'], resources: ['*/*'] }] }],
    ['among others', { rules: [{ apiGroups: ['apps'], resources: ['deployments'] }, ...PODS] }],
  ])('are found: %s', (_what, changed) => {
    expect(neededServices(configuration(webhook(changed)))).toEqual([service]);
  });

  it.each<[string, unknown]>([
    ['a webhook that may be silent', configuration(webhook({ failurePolicy: 'Ignore' }))],
    ['one outside the cluster', configuration(webhook({ clientConfig: { url: 'https://policy.example.org' } }))],
    [
      'one for something else',
      configuration(webhook({ rules: [{ apiGroups: ['apps'], resources: ['deployments'] }] })),
    ],
    [
      'pods of another API group',
      configuration(webhook({ rules: [{ apiGroups: ['metrics.k8s.io'], resources: ['pods'] }] })),
    ],
    ['one without rules', configuration(webhook({ rules: null }))],
    ['no webhooks at all', { metadata: { name: 'c' } }],
    ['nothing anybody understands', { webhooks: 'all' }],
  ])('are none of %s', (_what, object) => {
    expect(neededServices(object)).toEqual([]);
  });
});

describe('the pods behind them', () => {
  const never = new AbortController().signal;

  async function api(replies: Readonly<Record<string, unknown>>) {
    scripted = await scriptApi(({ path }) => {
      const reply = replies[path.replace('/apis/admissionregistration.k8s.io/v1/', '')];
      return reply === undefined ? statusObject(403, 'Forbidden', 'no') : { json: reply };
    });
    return scripted;
  }

  it('are those their service selects, each service asked for once', async () => {
    const { rest, requests } = await api({
      validatingwebhookconfigurations: listObject([configuration(webhook(), webhook())]),
      mutatingwebhookconfigurations: listObject([
        configuration(webhook({ clientConfig: { service: { ...service, name: 'bare' } } })),
      ]),
      '/api/v1/namespaces/policy/services/gatekeeper': { spec: { selector: { app: 'gatekeeper' } } },
      '/api/v1/namespaces/policy/services/bare': { spec: {} },
    });
    expect(await findWebhookBackends(rest, never)).toEqual([{ namespace: 'policy', labels: { app: 'gatekeeper' } }]);
    expect(requests).toHaveLength(4);
  });

  it('are none where that may not be asked, in whole or in part', async () => {
    const { rest } = await api({});
    expect(await findWebhookBackends(rest, never)).toEqual([]);
    await scripted?.close();
    const half = await api({
      validatingwebhookconfigurations: listObject([configuration(webhook())]),
      mutatingwebhookconfigurations: listObject([]),
    });
    expect(await findWebhookBackends(half.rest, never)).toEqual([]);
  });

  it('fail with the server: a drain asks again', async () => {
    const { url } = await api({});
    await scripted?.close();
    const rest = new RestClient({ server: url, skipTlsVerify: false }, 5_000);
    await expect(findWebhookBackends(rest, never)).rejects.toMatchObject({ away: true });
    rest.close();
  });
});

describe('a drain in a cluster that asks a policy for every eviction', () => {
  const lists = {
    '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations': listObject([configuration(webhook())]),
    '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations': listObject([]),
    '/api/v1/namespaces/policy/services/gatekeeper': { spec: { selector: { app: 'gatekeeper' } } },
  };
  const refusal = statusObject(500, 'InternalError', 'failed calling webhook "policy.example.org": no endpoints').json;

  /** As soon as one of the policy's pods was asked to stop, nothing but those is let go. */
  async function policed(known: boolean): Promise<{ rack: RunningTwin; order: string[] }> {
    const order: string[] = [];
    twin = await runTwin({
      nodes: 3,
      budgets: [],
      workloads: [
        { kind: 'Deployment', namespace: 'policy', name: 'gatekeeper', replicas: 2, stopTimeS: 0.5 },
        { kind: 'Deployment', namespace: 'web', name: 'shop', replicas: 4, stopTimeS: 2 },
        { kind: 'Deployment', namespace: 'kube-system', name: 'coredns', priority: 2_000_000_000, stopTimeS: 1 },
      ],
      api: {
        disturb: ({ path }) => {
          const list = lists[path as keyof typeof lists];
          if (known && list !== undefined) return { status: 200, body: list };
          if (!path.endsWith('/eviction')) return undefined;
          const name = path.split('/').slice(4, 7).join('/').replace('/pods', '');
          const gone = order.some((each) => each.startsWith('policy/'));
          if (gone && !name.startsWith('policy/')) return { status: 500, body: refusal };
          order.push(name);
          return undefined;
        },
      },
    });
    const rack = twin;
    await Promise.all(rack.nodes.map((node) => rack.client.cordon(node, 'run-1')));
    return { rack, order };
  }

  it('stops the policy last, behind DNS and the like, and says so', async () => {
    const { rack, order } = await policed(true);
    const report = await rack.client.drain(rack.nodes, drainOptions());
    expect(report).toMatchObject({ evicted: 7, left: [], errors: [] });
    expect(order.slice(-2).every((name) => name.startsWith('policy/gatekeeper'))).toBe(true);
    expect(order.at(-3)).toMatch(/^kube-system/);
    expect(report.notes?.join()).toMatch(/last, for an admission webhook needs them: policy\/gatekeeper/);
  });

  it('also when part of the cluster stays up', async () => {
    const { rack, order } = await policed(true);
    const report = await rack.client.drain(['n1', 'n2'], drainOptions({ partial: true }));
    expect(report).toMatchObject({ left: [], errors: [] });
    const first = order.findIndex((name) => name.startsWith('policy/'));
    expect(order.slice(first).every((name) => name.startsWith('policy/'))).toBe(true);
  });

  it('leaves the rest to their hosts where it could not know: the accident this is for', async () => {
    const { rack } = await policed(false);
    const report = await rack.client.drain(rack.nodes, drainOptions());
    expect(report.errors.join()).toContain('policy.example.org');
    expect(report.left.length).toBeGreaterThan(0);
  });
});

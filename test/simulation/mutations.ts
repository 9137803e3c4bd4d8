import type { Rack } from '../../services/rack/rack.ts';
import type { Decision } from '../../services/shutdown/decide.ts';
import type { CoordinatorState, Effect, JournalEntry } from '../../services/shutdown/state.ts';
import { CALM, type Mutation, ROUGH } from './run.ts';

/** Rules broken on purpose, each by a small lie at the edge of `decide`. The simulation must notice every one. */
export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'cuts the port together with the halt',
    breaks: 'no power is cut under a host that is not off, unless it is said',
    chances: CALM,
    decision: ({ entries, effects }) => ({ entries, effects: effects.flatMap(withCut) }),
  },
  {
    name: 'does not know which hosts serve the API',
    breaks: 'the API is there for whoever needs it',
    chances: ROUGH,
    rack: (rack) => ({ ...rack, ...(rack.cluster === undefined ? {} : { cluster: withoutServers(rack.cluster) }) }),
  },
  {
    name: 'never takes a cordon away',
    breaks: 'no node is left cordoned',
    chances: CALM,
    decision: without((effect) => effect.kind === 'uncordon'),
  },
  {
    name: 'takes a silent bank on mains for an outage',
    breaks: 'no shutdown begins while mains is there',
    chances: ROUGH,
    rack: (rack) => (rack.bank.freshness === 'stale' ? { ...rack, mains: { ...rack.mains, verdict: 'absent' } } : rack),
  },
  {
    name: 'takes silence for mains',
    breaks: 'the reserve is kept',
    chances: ROUGH,
    rack: (rack) =>
      rack.bank.freshness === 'stale' ? { ...rack, mains: { ...rack.mains, verdict: 'present', sinceMs: 0 } } : rack,
  },
  {
    name: 'forgets what the port was before',
    breaks: 'no port is left off, and none on that was off',
    chances: CALM,
    decision: ({ entries, effects }) => ({
      entries: entries.map((entry) =>
        changing(entry, ({ portBefore, ...change }) =>
          portBefore === undefined ? change : { ...change, portBefore: { port: portBefore.port, enabled: true } },
        ),
      ),
      effects,
    }),
  },
  {
    name: 'cuts protected ports',
    breaks: 'no power is cut under a host that is not off, unless it is said',
    chances: CALM,
    policy: (policy) => ({
      ...policy,
      hosts: Object.fromEntries(Object.entries(policy.hosts).map(([id, host]) => [id, { ...host, cuttable: true }])),
    }),
  },
  { name: 'starts again without its journal', breaks: 'no node is left cordoned', chances: ROUGH, recall: () => [] },
  {
    name: 'loses the newest lines of its journal in a kill',
    breaks: 'every host ends up and known to be up',
    chances: ROUGH,
    recall: (lines) => lines.slice(0, -12),
  },
  {
    name: 'starts everything at once',
    breaks: 'no switch is overloaded',
    chances: CALM,
    policy: (policy) => ({ ...policy, restore: { ...policy.restore, groupSize: 99 } }),
    rack: (rack) => ({ ...rack, switches: withoutBudget(rack.switches) }),
  },
  {
    name: 'takes a host for off as soon as it was told to halt',
    breaks: 'no power is cut under a host that is not off, unless it is said',
    chances: ROUGH,
    rack: (rack) => ({
      ...rack,
      hosts: Object.fromEntries(
        Object.entries(rack.hosts).map(([id, seen]) => [
          id,
          seen.sample === undefined ? seen : { ...seen, sample: { ...seen.sample, reachable: false } },
        ]),
      ),
      switches: Object.fromEntries(
        Object.entries(rack.switches).map(([id, seen]) => [
          id,
          seen.sample === undefined
            ? seen
            : {
                ...seen,
                sample: { ...seen.sample, ports: seen.sample.ports.map((port) => ({ ...port, powerW: 0 })) },
              },
        ]),
      ),
    }),
  },
  {
    name: 'keeps quiet about force',
    breaks: 'no power is cut under a host that is not off, unless it is said',
    chances: { ...CALM, hang: 0.3 },
    decision: ({ entries, effects }) => ({
      entries: entries.map((entry) => changing(entry, ({ forced: _, ...change }) => change)),
      effects,
    }),
  },
  {
    name: 'counts on twice the energy there is',
    breaks: 'the reserve is kept',
    chances: CALM,
    rack: (rack) => ({
      ...rack,
      bank: {
        ...rack.bank,
        ...(rack.bank.usableLowWh === undefined ? {} : { usableLowWh: rack.bank.usableLowWh * 2 + 8 }),
      },
    }),
  },
  {
    name: 'halts the control plane first',
    breaks: 'etcd keeps its quorum',
    chances: CALM,
    decision: ({ entries, effects }, before) => ({
      entries,
      effects: [...effects, ...controlPlaneFirst(entries, before)],
    }),
  },
  {
    name: 'halts nodes without draining them',
    breaks: 'nothing is halted before it is drained, and no stage before its turn',
    chances: CALM,
    decision: without((effect) => effect.kind === 'drain'),
  },
  {
    name: 'forgets to switch ports on again',
    breaks: 'no port is left off, and none on that was off',
    chances: CALM,
    decision: without((effect) => effect.kind === 'power'),
  },
  {
    name: 'begins a stage on mains because somebody rehearses another',
    breaks: 'no shutdown begins while mains is there',
    chances: { ...CALM, order: 0.02 },
    decision: ({ entries, effects }) => ({
      entries: entries.flatMap((entry): JournalEntry[] =>
        entry.kind === 'rehearsal' && entry.began
          ? [entry, { kind: 'stage', stage: 'workers', began: true, trigger: 'energy' }]
          : [entry],
      ),
      effects,
    }),
  },
];

type HostEntry = Extract<JournalEntry, { kind: 'host' }>;

function changing(entry: JournalEntry, change: (before: HostEntry['change']) => HostEntry['change']): JournalEntry {
  return entry.kind === 'host' ? { ...entry, change: change(entry.change) } : entry;
}

/** No node of it has the control plane. */
function withoutServers(cluster: NonNullable<Rack['cluster']>): NonNullable<Rack['cluster']> {
  if (cluster.sample === undefined) return cluster;
  const nodes = cluster.sample.nodes.map((node) => ({ ...node, controlPlane: false }));
  return { ...cluster, sample: { ...cluster.sample, nodes } };
}

function without(unwanted: (effect: Effect) => boolean): NonNullable<Mutation['decision']> {
  return ({ entries, effects }: Decision) => ({ entries, effects: effects.filter((effect) => !unwanted(effect)) });
}

/** Ports of the toy rack are numbered in the order of its nodes. */
const PORTS: readonly string[] = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'cp1', 'cp2', 'cp3'];

function withCut(effect: Effect): Effect[] {
  if (effect.kind !== 'halt' || !PORTS.includes(effect.host)) return [effect];
  const port = String(PORTS.indexOf(effect.host) + 1);
  const targets = [{ host: effect.host, port, before: { port, enabled: true } }];
  return [effect, { kind: 'cut', key: `cut:${effect.host}`, switchId: 'sw1', targets }];
}

function controlPlaneFirst(entries: readonly JournalEntry[], before: CoordinatorState): Effect[] {
  const first = entries.some((entry) => entry.kind === 'stage' && entry.began && entry.stage === 'batch');
  if (!first || before.phase === 'mains') return [];
  return ['cp1', 'cp2'].map((host) => ({ kind: 'halt', key: `early:${host}`, host }));
}

function withoutBudget<Seen extends { readonly sample?: { readonly budgetW?: number } | undefined }>(
  switches: Readonly<Record<string, Seen>>,
): Readonly<Record<string, Seen>> {
  return Object.fromEntries(
    Object.entries(switches).map(([id, seen]) => {
      if (seen.sample === undefined) return [id, seen];
      const { budgetW: _, ...sample } = seen.sample;
      return [id, { ...seen, sample }];
    }),
  );
}

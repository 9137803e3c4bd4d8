import type { Edges } from '../../../services/shutdown/executor.ts';
import { type Outcome, succeeded } from '../../../services/shutdown/promises.ts';
import type { WholeMutation } from './whole-story.ts';

/** Rules broken on purpose at the seams of the service. The simulation must notice every one. */
export const WHOLE_MUTATIONS: readonly WholeMutation[] = [
  {
    name: 'acts before its intent is written',
    breaks: 'the journal explains every effect',
    journal: (entries) => entries.filter(({ kind }) => kind !== 'intent'),
  },
  { name: 'acts before its intent is flushed', breaks: 'the journal explains every effect', lazyDisk: true },
  {
    name: 'calls again what failed, without another intent',
    breaks: 'the journal explains every effect',
    edges: stubborn,
  },
  {
    name: 'forgets who gave an order',
    breaks: 'the journal explains every effect',
    journal: (entries) => entries.map((entry) => (entry.kind === 'command' ? { ...entry, author: '' } : entry)),
  },
  {
    name: 'forgets hosts in its journal',
    breaks: 'no node is left cordoned',
    journal: (entries) => entries.filter((entry) => entry.kind !== 'host' || entry.change.cordonedByUs === undefined),
  },
  {
    name: 'cuts protected ports',
    breaks: 'no power is cut under a host that is not off, unless it is said',
    policy: (policy) => ({
      ...policy,
      hosts: Object.fromEntries(Object.entries(policy.hosts).map(([id, host]) => [id, { ...host, cuttable: true }])),
    }),
  },
  { name: 'waits for its sinks', breaks: 'no sink delays a decision', waitsForSinks: true },
  { name: 'forgets to scale workloads back', breaks: 'no workload is left scaled', neverScalesBack: true },
  {
    name: 'takes what is old for current',
    breaks: 'nothing is shown as current that is not',
    rack: (rack) => ({ ...rack, packs: renewed(rack.packs), switches: renewed(rack.switches) }),
  },
];

function renewed<Seen extends { readonly freshness: 'fresh' | 'stale' | 'absent' }>(
  all: Readonly<Record<string, Seen>>,
): Readonly<Record<string, Seen>> {
  return Object.fromEntries(
    Object.entries(all).map(([id, seen]) => [id, seen.freshness === 'stale' ? { ...seen, freshness: 'fresh' } : seen]),
  );
}

/** A second try that nobody has decided. */
function stubborn(edges: Edges): Edges {
  const twice = async (act: () => Promise<Outcome>): Promise<Outcome> => {
    const outcome = await act();
    return succeeded(outcome) ? outcome : await act();
  };
  const hosts = Object.entries(edges.hosts).map(([id, host]) => [
    id,
    { ...host, halt: () => twice(() => host.halt()) },
  ]);
  return { ...edges, hosts: Object.fromEntries(hosts) };
}

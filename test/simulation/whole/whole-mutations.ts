import type { Edges } from '../../../services/shutdown/executor.ts';
import { type Outcome, succeeded } from '../../../services/shutdown/promises.ts';
import type { WholeMutation } from './whole-story.ts';

/** Rules broken on purpose at the seams of the service. The simulation must notice every one. */
export const WHOLE_MUTATIONS: readonly WholeMutation[] = [
  { name: 'acts before its intent is written', journal: (entries) => entries.filter(({ kind }) => kind !== 'intent') },
  { name: 'acts before its intent is flushed', lazyDisk: true },
  { name: 'calls again what failed, without another intent', edges: stubborn },
  {
    name: 'forgets who gave an order',
    journal: (entries) => entries.map((entry) => (entry.kind === 'command' ? { ...entry, author: '' } : entry)),
  },
  {
    name: 'forgets hosts in its journal',
    journal: (entries) => entries.filter((entry) => entry.kind !== 'host' || entry.change.cordonedByUs === undefined),
  },
  {
    name: 'cuts protected ports',
    policy: (policy) => ({
      ...policy,
      hosts: Object.fromEntries(Object.entries(policy.hosts).map(([id, host]) => [id, { ...host, cuttable: true }])),
    }),
  },
];

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

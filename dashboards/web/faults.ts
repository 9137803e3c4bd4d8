import { byNumber } from './format.ts';
import type { Picture } from './wire.ts';

/** What can be let go wrong, in the API's own words, by kind. */
export function faultGroups({ rack, coordinator }: Picture): readonly (readonly [string, readonly string[]])[] {
  const named = (kind: string, ids: readonly string[]) => [...ids].sort(byNumber).map((id) => `${kind}:${id}`);
  const devices = [...Object.keys(rack.packs), ...Object.keys(rack.meters), ...Object.keys(rack.switches)];
  const staged = coordinator.hosts.filter(({ stage }) => stage !== undefined);
  const nodes = staged.flatMap(({ node }) => (node === undefined ? [] : [node]));
  const groups: readonly (readonly [string, readonly string[]])[] = [
    [
      'a host hangs',
      named(
        'hang',
        staged.map(({ id }) => id),
      ),
    ],
    ['a drain sticks', nodes.length === 0 ? [] : ['stuck:all', ...named('stuck', nodes)]],
    ['a device falls silent', [...named('silent', devices), ...(nodes.length === 0 ? [] : ['silent:api'])]],
    ['a cell is weak', named('weak', Object.keys(rack.packs))],
    ['a switch obeys no more', named('disobey', Object.keys(rack.switches))],
  ];
  return groups.filter(([, faults]) => faults.length > 0);
}

const FAULTS: Readonly<Record<string, string>> = {
  hang: 'hangs',
  stuck: 'drains for ever',
  silent: 'falls silent',
  disobey: 'does not switch',
  weak: 'has a weak cell',
};

/** `pi3 hangs` */
export function faultWords(fault: string): string {
  const [kind = '', what = ''] = fault.split(':');
  const who = what === 'api' ? 'the API' : what === 'all' ? 'every node' : what;
  return `${who} ${FAULTS[kind] ?? kind}`;
}

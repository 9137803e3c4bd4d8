import type { HostPhase } from '../shutdown/state.ts';
import type { JournalLine } from '../shutdown/view.ts';
import type { StoryRecord } from './demo-story.ts';

/** The last line of the demo: what became of every host, and whether the rules held. Times are s since mains failed. */
export interface Summary {
  readonly good: boolean;
  readonly outageS: number;
  readonly totalS: number;
  readonly hosts: Readonly<Record<string, HostTale>>;
  readonly forcedCuts: readonly string[];
  readonly energy: {
    readonly socBefore: number;
    readonly socWhenDark?: number;
    readonly lowestSoc: number;
    readonly reserveRatio: number;
  };
  readonly invariants: readonly { readonly rule: string; readonly held: boolean; readonly detail?: string }[];
}

export interface HostTale {
  readonly stage?: string;
  readonly phases: readonly { readonly phase: HostPhase; readonly atS: number; readonly because: string }[];
  readonly forced: boolean;
  readonly trouble?: string;
}

/** Pure: the record of what was seen and the service's own journal become the summary. */
export function summarize(record: StoryRecord, journal: readonly JournalLine[]): Summary {
  const zeroWallMs = record.before.wallMs;
  const hosts = tales(record, journal, zeroWallMs);
  const forcedCuts = Object.entries(hosts)
    .filter(([, { forced }]) => forced)
    .map(([id]) => id);
  const reserveRatio = record.before.reserveRatio ?? 0;
  const invariants = check(record, hosts, reserveRatio);
  return {
    good: invariants.every(({ held }) => held),
    outageS: round(record.returnAtS - record.outageAtS),
    totalS: round(record.after.timeS - record.outageAtS),
    hosts,
    forcedCuts,
    energy: {
      socBefore: round(record.before.socRatio, 3),
      ...(record.darkSocRatio === undefined ? {} : { socWhenDark: round(record.darkSocRatio, 3) }),
      lowestSoc: round(record.lowestSocRatio, 3),
      reserveRatio: round(reserveRatio, 3),
    },
    invariants,
  };
}

/** One sentence for people. */
export function summarySentence(summary: Summary): string {
  const staged = Object.values(summary.hosts).filter(({ phases }) => phases.length > 0).length;
  const broken = summary.invariants.filter(({ held }) => !held);
  const head = `${staged} hosts went down and came back in ${Math.round(summary.totalS)} s of the rack's time`;
  const cuts = summary.forcedCuts.length === 0 ? 'no forced cuts' : `forced cuts: ${summary.forcedCuts.join(', ')}`;
  const dark = summary.energy.socWhenDark;
  const energy = dark === undefined ? '' : `, ${Math.round(dark * 100)} % left when the last was off`;
  const rules =
    broken.length === 0
      ? `all ${summary.invariants.length} rules held`
      : `BROKEN: ${broken.map(({ rule, detail }) => `${rule}${detail === undefined ? '' : ` (${detail})`}`).join('; ')}`;
  return `${head}: ${cuts}${energy}; ${rules}`;
}

function tales(record: StoryRecord, journal: readonly JournalLine[], zeroWallMs: number): Record<string, HostTale> {
  const hosts: Record<string, HostTale> = {};
  for (const view of record.after.views) {
    const phases: { phase: HostPhase; atS: number; because: string }[] = [];
    let forced = false;
    for (const { wallMs, entry } of journal) {
      if (entry.kind !== 'host' || entry.host !== view.id) continue;
      forced ||= entry.change.forced === true;
      const { phase } = entry.change;
      if (phase !== undefined) phases.push({ phase, atS: round((wallMs - zeroWallMs) / 1000), because: entry.because });
    }
    hosts[view.id] = {
      ...(view.stage === undefined ? {} : { stage: view.stage }),
      phases,
      forced,
      ...(view.trouble === undefined ? {} : { trouble: view.trouble }),
    };
  }
  return hosts;
}

function check(
  record: StoryRecord,
  hosts: Readonly<Record<string, HostTale>>,
  reserveRatio: number,
): Summary['invariants'] {
  const { before, after } = record;
  const list = (names: readonly string[]): { held: boolean; detail?: string } =>
    names.length === 0 ? { held: true } : { held: false, detail: names.slice(0, 6).join(', ') };
  const portsOff = before.ports.filter((port, index) => after.ports[index]?.enabled !== port.enabled);
  const nodesChanged = before.nodes.filter((node, index) => after.nodes[index]?.unschedulable !== node.unschedulable);
  const asleep = before.hosts.filter((host, index) => after.hosts[index]?.state !== host.state);
  const untouched = Object.entries(hosts).filter(([, tale]) => tale.stage === undefined && tale.phases.length > 0);
  return [
    {
      rule: 'no power was cut under a running host',
      ...list(after.violations.map(({ rule, detail }) => `${rule}: ${detail}`)),
    },
    { rule: 'every host runs again', ...list(asleep.map(({ id }) => id)) },
    { rule: 'every port is as it was', ...list(portsOff.map(({ port }) => port)) },
    { rule: 'every node is schedulable as before', ...list(nodesChanged.map(({ name }) => name)) },
    { rule: 'every host went through its phases in order', ...list(disorderly(hosts)) },
    { rule: 'protected hosts were left alone', ...list(untouched.map(([id]) => id)) },
    {
      rule: 'the reserve was kept until the last host was off',
      held: record.darkSocRatio === undefined || record.darkSocRatio >= reserveRatio,
    },
  ];
}

const ORDER: readonly HostPhase[] = ['cordoned', 'drained', 'halting', 'halted', 'cut', 'powering', 'up'];

function disorderly(hosts: Readonly<Record<string, HostTale>>): string[] {
  return Object.entries(hosts)
    .filter(([, { phases }]) =>
      phases.some(
        ({ phase }, at) =>
          at > 0 &&
          ORDER.indexOf(phase) <= ORDER.indexOf(phases[at - 1]?.phase ?? 'up') &&
          phases[at - 1]?.phase !== 'up',
      ),
    )
    .map(([id]) => id);
}

const round = (value: number, digits = 1): number => Number(value.toFixed(digits));

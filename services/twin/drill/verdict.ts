import type { DrillStory } from './drill.ts';

export interface Finding {
  readonly severity: 'info' | 'attention' | 'unsafe';
  readonly text: string;
  readonly tryThis?: string;
}

export interface Verdict {
  /** The worst of the findings: `safe` when none is more than information. */
  readonly verdict: 'safe' | 'attention' | 'unsafe';
  readonly findings: readonly Finding[];
}

/** What a drill has shown, and what to change. Pure. */
export function judge(story: DrillStory): Verdict {
  const findings = [...losses(story), ...energy(story), ...hosts(story), ...comingBack(story)];
  const worst = findings.some(({ severity }) => severity === 'unsafe')
    ? 'unsafe'
    : findings.some(({ severity }) => severity === 'attention')
      ? 'attention'
      : 'safe';
  return { verdict: worst, findings };
}

function losses({ casualties }: DrillStory): Finding[] {
  const flat = casualties.filter(({ why }) => why === 'battery empty').map(({ host }) => host);
  const cut = casualties.filter(({ why }) => why === 'cut').map(({ host }) => host);
  return [
    ...(flat.length === 0
      ? []
      : [
          {
            severity: 'unsafe' as const,
            text: `the battery ran empty under ${some(flat)}`,
            tryThis:
              'a larger reserveRatio, earlier stages (after, belowSoc), or hosts that nobody can halt: give them halt:',
          },
        ]),
    ...(cut.length === 0
      ? []
      : [
          {
            severity: 'attention' as const,
            text: `${some(cut)} did not halt by the deadline and lost power by force`,
            tryThis: 'a longer haltTimeout, or find out why it does not halt',
          },
        ]),
  ];
}

function energy({ darkSocRatio, reserveRatio, plan, events }: DrillStory): Finding[] {
  const findings: Finding[] = [];
  const began = events.flatMap(({ entry }) => (entry.kind === 'stage' && entry.began ? [entry.stage] : []));
  if (began.length === 0) findings.push({ severity: 'info', text: 'the battery carried the outage: no stage began' });
  else if (darkSocRatio === undefined)
    findings.push({ severity: 'info', text: `mains was back before everything was off; ${some(began)} had begun` });
  if (plan !== undefined && !plan.feasible)
    findings.push({
      severity: 'attention',
      text: 'even a shutdown begun at once would touch the reserve',
      tryThis: 'a larger pack, less load, or shorter expect: durations if yours are',
    });
  if (darkSocRatio !== undefined) {
    const left = `${(darkSocRatio * 100).toFixed(0)} % left when the last host was off`;
    const wanted = `${(reserveRatio * 100).toFixed(0)} %`;
    findings.push(
      darkSocRatio < reserveRatio
        ? { severity: 'attention', text: `${left}, less than the reserve of ${wanted}`, tryThis: 'a larger margin' }
        : { severity: 'info', text: `${left}; the reserve is ${wanted}` },
    );
  }
  return findings;
}

function hosts({ state, events }: DrillStory): Finding[] {
  const said = new Set<string>();
  const findings: Finding[] = [];
  for (const { entry } of events) {
    if (entry.kind !== 'host' || !entry.change.trouble) continue;
    const text = `${entry.host}: ${entry.change.trouble}`;
    if (said.has(text)) continue;
    said.add(text);
    const lasting = state.hosts[entry.host]?.trouble !== undefined;
    findings.push({ severity: lasting ? 'unsafe' : 'attention', text });
  }
  return findings;
}

function comingBack({ state, backAfterS, endS }: DrillStory): Finding[] {
  if (backAfterS !== undefined) return [];
  const missing = Object.entries(state.hosts).flatMap(([id, { phase }]) => (phase === 'up' ? [] : [id]));
  if (missing.length === 0) return [];
  return [
    {
      severity: 'unsafe',
      text: `${some(missing)} ${missing.length === 1 ? 'was' : 'were'} not back ${Math.round(endS / 60)} min after the loss`,
      tryThis: 'poe: or wake: so that holdover can start them, and look at restore.minSoc',
    },
  ];
}

const SHOWN = 6;

/** A few names, and how many more. */
export function some(names: readonly string[]): string {
  const unique = [...new Set(names)];
  const rest = unique.length - SHOWN;
  return rest > 0 ? `${unique.slice(0, SHOWN).join(', ')} and ${rest} more` : unique.join(', ');
}

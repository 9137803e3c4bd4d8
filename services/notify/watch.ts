import type { NotifyConfig } from '../config/notify.ts';
import type { HostView, Snapshot } from '../shutdown/view.ts';
import type { Notice } from './notice.ts';

/** Finds what is worth telling in one snapshot after the other. Its memory is plain data and survives restarts. */

interface Held {
  readonly sinceMs: number;
  readonly told: boolean;
  readonly severity: 'info' | 'warning' | 'critical';
  readonly message: string;
  /** When it was seen last, wall ms. */
  readonly seenMs: number;
}

export interface WatchMemory {
  readonly outage?: { readonly id: string; readonly sinceMs: number; readonly low?: boolean };
  /** Mains is back, not every machine is. */
  readonly restoring?: { readonly id: string; readonly backMs: number };
  readonly stages?: readonly string[];
  readonly forced?: readonly string[];
  readonly trouble?: Readonly<Record<string, string>>;
  readonly alarms?: Readonly<Record<string, Held>>;
  readonly sinks?: Readonly<Record<string, Held>>;
  readonly predicted?: { readonly atMs: number; readonly allOffAtMs: number };
}

export type WatchRules = Pick<NotifyConfig, 'alarmFor' | 'lowSoc' | 'predictEvery'>;

/** A sink is given so long before anybody is told: brokers restart. s */
const SINK_FOR_S = 300;
/** A prediction is told anew when it moved by this share of what is left. */
const MOVED = 0.2;
const MOST_HELD = 500;

export interface Watched {
  readonly memory: WatchMemory;
  readonly notices: readonly Notice[];
}

/** Pure: what this snapshot tells beyond what was told before. */
export function watch(memory: WatchMemory, snapshot: Snapshot, rules: WatchRules): Watched {
  const notices: Notice[] = [];
  const atMs = Math.round(snapshot.rack.wallMs);
  const tell = (notice: Omit<Notice, 'atMs'>): void => {
    notices.push({ ...notice, atMs });
  };
  const outage = watchOutage(memory, snapshot, atMs, rules, tell);
  const run = outage.outage?.id ?? outage.restoring?.id ?? 'peace';
  return {
    notices,
    memory: {
      ...outage,
      ...watchHosts(memory, snapshot.coordinator.hosts, run, tell),
      alarms: watchHeld(memory.alarms ?? {}, alarmsOf(snapshot), atMs, rules.alarmFor, (key, held, raised) => {
        tell({
          key: `${raised ? 'alarm' : 'clear'}:${key}:${held.sinceMs}`,
          kind: raised ? 'alarm-raised' : 'alarm-cleared',
          severity: raised ? held.severity : 'info',
          title: raised ? held.message : `Over: ${held.message}`,
          text: raised ? '' : `It lasted ${span((held.seenMs - held.sinceMs) / 1000)}.`,
        });
      }),
      sinks: watchHeld(memory.sinks ?? {}, sinksOf(snapshot), atMs, SINK_FOR_S, (key, held, raised) => {
        tell({
          key: `sink:${key}:${held.sinceMs}:${raised}`,
          kind: 'sink-trouble',
          severity: raised ? 'warning' : 'info',
          title: raised ? held.message : `${key} works again`,
          text: raised ? 'What it should get waits as far as there is room, and is counted when it is lost.' : '',
        });
      }),
    },
  };
}

type Tell = (notice: Omit<Notice, 'atMs'>) => void;

function watchOutage(
  memory: WatchMemory,
  { coordinator, rack }: Snapshot,
  atMs: number,
  rules: WatchRules,
  tell: Tell,
): Pick<WatchMemory, 'outage' | 'restoring' | 'stages' | 'predicted'> {
  const { phase, schedule } = coordinator;
  const away = phase === 'on-battery' || phase === 'shutting-down' || phase === 'dark';
  if (!away) return afterOutage(memory, phase, atMs, tell);
  const sinceMs = Math.round(atMs - (coordinator.onBatteryS ?? 0) * 1000);
  const outage = memory.outage ?? { id: coordinator.runId ?? `outage-${sinceMs}`, sinceMs };
  if (memory.outage === undefined)
    tell({
      key: `outage:${outage.id}`,
      kind: 'outage-begin',
      severity: 'warning',
      title: 'Mains is away',
      text: [`Running on battery${percent(rack.bank.socRatio)}.`, foretell(schedule)].join(' '),
    });
  const stages = new Set(memory.outage === undefined ? [] : memory.stages);
  for (const stage of schedule.stages) {
    if (stage.state !== 'going-down' || stages.has(stage.name)) continue;
    stages.add(stage.name);
    tell({
      key: `stage:${outage.id}:${stage.name}`,
      kind: 'stage-begin',
      severity: 'warning',
      title: `Stage ${stage.name} is going down`,
      text: `Hosts: ${stage.hosts.join(', ')}.${percent(rack.bank.socRatio, ' The bank is at')}`,
    });
  }
  const { socRatio } = rack.bank;
  const low =
    outage.low ??
    ((rack.bank.freshness === 'fresh' && socRatio !== undefined && socRatio < rules.lowSoc) || !schedule.feasible);
  if (low && outage.low !== true)
    tell({
      key: `low:${outage.id}`,
      kind: 'low-battery',
      severity: 'critical',
      title: `Battery is low${percent(socRatio)}`,
      text: schedule.feasible ? foretell(schedule) : 'Even a shutdown that begins now would touch the reserve.',
    });
  return {
    outage: { id: outage.id, sinceMs: outage.sinceMs, ...(low ? { low } : {}) },
    stages: [...stages],
    ...predict(memory, outage.id, schedule, atMs, rules, tell),
  };
}

function afterOutage(
  memory: WatchMemory,
  phase: Snapshot['coordinator']['phase'],
  atMs: number,
  tell: Tell,
): Pick<WatchMemory, 'restoring'> {
  const { outage } = memory;
  const restoring = outage === undefined ? memory.restoring : { id: outage.id, backMs: atMs };
  if (outage !== undefined)
    tell({
      key: `back:${outage.id}`,
      kind: 'outage-end',
      severity: 'info',
      title: 'Mains is back',
      text: `It was away for ${span((atMs - outage.sinceMs) / 1000)}.`,
    });
  if (restoring === undefined) return {};
  if (phase !== 'mains') return { restoring };
  if ((memory.stages ?? []).length > 0 || outage === undefined)
    tell({
      key: `restored:${restoring.id}`,
      kind: 'restored',
      severity: 'info',
      title: 'Everything is back',
      text: `${span((atMs - restoring.backMs) / 1000)} after mains.`,
    });
  return {};
}

function predict(
  { predicted }: WatchMemory,
  run: string,
  schedule: Snapshot['coordinator']['schedule'],
  atMs: number,
  rules: WatchRules,
  tell: Tell,
): Pick<WatchMemory, 'predicted'> {
  if (schedule.allOffInS === undefined) return predicted === undefined ? {} : { predicted };
  const allOffAtMs = Math.round(atMs + schedule.allOffInS * 1000);
  if (predicted === undefined) return { predicted: { atMs, allOffAtMs } };
  const moved = Math.abs(allOffAtMs - predicted.allOffAtMs) > MOVED * Math.max(300_000, predicted.allOffAtMs - atMs);
  if (!moved || atMs - predicted.atMs < rules.predictEvery * 1000) return { predicted };
  const later = allOffAtMs > predicted.allOffAtMs;
  tell({
    key: `predict:${run}:${atMs}`,
    kind: 'prediction',
    severity: later ? 'info' : 'warning',
    title: later ? 'The battery lasts longer than thought' : 'The battery lasts less than thought',
    text: foretell(schedule),
  });
  return { predicted: { atMs, allOffAtMs } };
}

function watchHosts(
  memory: WatchMemory,
  hosts: readonly HostView[],
  run: string,
  tell: Tell,
): Pick<WatchMemory, 'forced' | 'trouble'> {
  const trouble: Record<string, string> = {};
  const forced: string[] = [];
  for (const host of hosts) {
    if (host.forced) {
      const key = `forced:${run}:${host.id}`;
      forced.push(host.id);
      if (!(memory.forced ?? []).includes(host.id))
        tell({
          key,
          kind: 'forced-cut',
          severity: 'critical',
          title: `${host.id} was cut while it was not seen to be off`,
          text: 'Its time to halt was over. Look at its file systems when it is back.',
        });
    }
    if (host.trouble === undefined) continue;
    trouble[host.id] = host.trouble;
    if (memory.trouble?.[host.id] !== host.trouble)
      tell({
        key: `trouble:${run}:${host.id}:${host.sinceWallMs}:${host.trouble.slice(0, 80)}`,
        kind: 'host-trouble',
        severity: 'critical',
        title: `${host.id} needs a person`,
        text: host.trouble,
      });
  }
  return { forced, trouble };
}

interface Raised {
  readonly severity: Held['severity'];
  readonly message: string;
}

const alarmsOf = ({ rack }: Snapshot): Map<string, Raised> =>
  new Map(rack.alarms.map(({ code, subject, severity, message }) => [`${code}/${subject}`, { severity, message }]));

const sinksOf = ({ sinks }: Snapshot): Map<string, Raised> =>
  new Map(
    sinks
      .filter(({ up, sink }) => !up && sink !== 'notify')
      .map(({ sink, trouble }) => [
        sink,
        { severity: 'warning', message: `${sink} does not work${trouble === undefined ? '' : `: ${trouble}`}` },
      ]),
  );

/** What has to last before it is told, and to be gone as long before that is told. */
function watchHeld(
  before: Readonly<Record<string, Held>>,
  now: ReadonlyMap<string, Raised>,
  atMs: number,
  forS: number,
  told: (key: string, held: Held, raised: boolean) => void,
): Record<string, Held> {
  const after: Record<string, Held> = {};
  for (const [key, raised] of [...now].slice(0, MOST_HELD)) {
    const known = before[key] ?? { ...raised, sinceMs: atMs, seenMs: atMs, told: false };
    // A clock that was set back must not keep an alarm quiet.
    const sinceMs = Math.min(known.sinceMs, atMs);
    const due = !known.told && atMs - sinceMs >= forS * 1000;
    const held = { ...raised, sinceMs, seenMs: atMs, told: known.told || due };
    if (due) told(key, held, true);
    after[key] = held;
  }
  for (const [key, held] of Object.entries(before)) {
    if (now.has(key)) continue;
    if (!held.told) continue;
    if (Math.abs(atMs - held.seenMs) < forS * 1000) after[key] = held;
    else told(key, held, false);
  }
  return after;
}

const percent = (ratio: number | undefined, words = ' at'): string =>
  ratio === undefined ? '' : `${words} ${Math.round(ratio * 100)} %${words === ' at' ? '' : '.'}`;

function foretell({ stages, allOffInS }: Snapshot['coordinator']['schedule']): string {
  const next = stages
    .filter(({ state, beginsInS }) => state === 'waiting' && beginsInS !== undefined)
    .sort((a, b) => (a.beginsInS ?? 0) - (b.beginsInS ?? 0))[0];
  const first = next === undefined ? [] : [`${next.name} goes down in ${span(next.beginsInS ?? 0)}`];
  const last = allOffInS === undefined ? [] : [`everything is off in ${span(allOffInS)}`];
  const words = [...first, ...last].join(', ');
  return words === '' ? 'No battery figure, no prediction.' : `As it looks now, ${words}.`;
}

/** `45 s`, `23 min`, `3 h 12 min`, `2 d 4 h`. */
export function span(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 120) return `${s} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

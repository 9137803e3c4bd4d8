import type { MeterSample, PackSample, UpsSample } from '#bms/model';
import type { SwitchSample } from '../rack/samples.ts';
import type { HostView, Snapshot, StageSchedule } from '../shutdown/view.ts';
import { hostDraw } from './catalogue/hosts.ts';
import { dropPosition } from './catalogue/poe.ts';
import { fresh, ONLY_ONE, rounded, type TopicKind } from './metric.ts';

/** What is published under `<root>/<kind>/<id>/`. */
export interface TopicState {
  readonly kind: TopicKind;
  readonly id: string;
  /** `offline` while the source is stale or has not answered yet. */
  readonly available: boolean;
  /** Absent while there is nothing current to say: what was said before stays, with its `ts`. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** Wall ms of the measurement. */
  readonly atMs: number;
  /** True: it is published now and then even when nothing has changed, so that its `ts` tells that it lives. */
  readonly beats: boolean;
}

/** All states of a snapshot. Values are in the units their names end with; what is not known is absent. Pure. */
export function topicStates(snapshot: Snapshot): readonly TopicState[] {
  const { rack } = snapshot;
  return [
    ...Object.entries(rack.packs).map(([id, observed]) => sampled('pack', id, fresh(observed), packBody, rack.wallMs)),
    ...Object.entries(rack.meters).map(([id, observed]) =>
      sampled('meter', id, fresh(observed), meterBody, rack.wallMs),
    ),
    ...Object.entries(rack.ups ?? {}).map(([id, observed]) =>
      sampled('ups', id, fresh(observed), upsBody, rack.wallMs),
    ),
    ...Object.entries(rack.switches).map(([id, observed]) =>
      sampled('switch', id, fresh(observed), switchBody, rack.wallMs),
    ),
    ...snapshot.coordinator.hosts.map((host) => hostState(host, snapshot)),
    bankState(snapshot),
    circuitState(snapshot),
    derived('mains', mainsBody(snapshot), rack.wallMs),
    derived('schedule', scheduleBody(snapshot), rack.wallMs),
    derived('coordinator', coordinatorBody(snapshot), rack.wallMs),
  ];
}

function sampled<S extends { readonly measuredAtMs: number }>(
  kind: TopicKind,
  id: string,
  sample: S | undefined,
  bodyOf: (sample: S) => Record<string, unknown>,
  wallMs: number,
): TopicState {
  if (!sample) return { kind, id, available: false, atMs: wallMs, beats: true };
  const body = bodies.get(sample) ?? tidy(bodyOf(sample));
  bodies.set(sample, body);
  return { kind, id, available: true, body, atMs: sample.measuredAtMs, beats: true };
}

/** What was made of a sample already: it is told until there is a newer one. */
const bodies = new WeakMap<object, Readonly<Record<string, unknown>>>();

const derived = (kind: TopicKind, body: Record<string, unknown>, atMs: number, id: string = ONLY_ONE): TopicState => ({
  kind,
  id,
  available: true,
  body: tidy(body),
  atMs,
  beats: false,
});

function packBody(sample: PackSample): Record<string, unknown> {
  const { kind: _, measuredAtMs: __, temperaturesC, mosfetTemperatureC, alarms, ...told } = sample;
  const { chargeFetClosed, dischargeFetClosed, ...rest } = told;
  return {
    ...rest,
    temperaturesC: {
      ...Object.fromEntries((temperaturesC ?? []).map((value, index) => [String(index + 1), rounded(value, 2)])),
      mosfet: mosfetTemperatureC === undefined ? undefined : rounded(mosfetTemperatureC, 2),
    },
    fetClosed: { charge: chargeFetClosed, discharge: dischargeFetClosed },
    alarmsActive: alarms?.length,
    alarms: alarms?.map(({ code, level, detail }) => ({ code, level, ...(detail === undefined ? {} : { detail }) })),
  };
}

function meterBody({ kind: _, measuredAtMs: __, ...told }: MeterSample): Record<string, unknown> {
  return told;
}

function upsBody({ kind: _, measuredAtMs: __, ...told }: UpsSample): Record<string, unknown> {
  return told;
}

function switchBody(sample: SwitchSample): Record<string, unknown> {
  const { budgetW, drawnW, reservedW, guardW, admission, headroomW, unreservedW, totalTrusted, ports } = sample;
  return {
    budgetW,
    drawnW: totalTrusted ? drawnW : undefined,
    reservedW,
    guardW,
    admission,
    headroomW,
    unreservedW,
    totalTrusted,
    ports: Object.fromEntries(
      ports.map(({ port, ...told }) => [
        port,
        {
          ...told,
          delivering: told.state === 'unknown' ? undefined : told.state === 'delivering',
          fault: told.state === 'unknown' ? undefined : told.state === 'fault',
          dropPosition: dropPosition(sample, port),
        },
      ]),
    ),
  };
}

function hostState(host: HostView, snapshot: Snapshot): TopicState {
  const body = {
    phase: host.phase,
    since: stamp(host.sinceWallMs),
    stage: host.stage,
    node: host.node,
    switch: host.switchId,
    port: host.port,
    protected: host.protected,
    reachable: fresh(snapshot.rack.hosts[host.id])?.reachable,
    powerW: hostDraw(host, snapshot).powerW,
    energyWh: snapshot.energy?.hostsWh[host.id],
    forced: host.forced,
    inTrouble: host.trouble !== undefined,
    trouble: host.trouble,
  };
  return derived('host', body, snapshot.rack.wallMs, host.id);
}

function bankState({ rack, energy }: Snapshot): TopicState {
  const { complete, measuredAtMs, freshness, ...told } = rack.bank;
  const common = { kind: 'bank', id: ONLY_ONE, atMs: rack.wallMs, beats: false } as const;
  if (freshness !== 'fresh') return { ...common, available: false };
  const ageMs = measuredAtMs === undefined ? 0 : rack.monoMs - measuredAtMs;
  const { runtimeS } = told;
  const body = {
    complete,
    ...told,
    runtimeS: runtimeS === undefined ? undefined : calm(runtimeS),
    energyInWh: energy?.inWh,
    energyOutWh: energy?.outWh,
  };
  return { ...common, available: true, body: tidy(body), atMs: rack.wallMs - ageMs };
}

function circuitState({ rack, energy }: Snapshot): TopicState {
  const { freshness, ...told } = rack.circuit;
  const common = { kind: 'circuit', id: ONLY_ONE, atMs: rack.wallMs, beats: false } as const;
  return freshness === 'fresh'
    ? { ...common, available: true, body: tidy({ ...told, energyWh: energy?.mainsWh }) }
    : { ...common, available: false };
}

function mainsBody({ rack: { mains } }: Snapshot): Record<string, unknown> {
  const said = mains.votes.filter(({ says }) => says !== 'silent');
  return {
    verdict: mains.verdict,
    present: mains.verdict === 'unknown' ? undefined : mains.verdict === 'present',
    disputed: mains.disputed,
    evidence: Object.fromEntries(said.map(({ source, says }) => [source, says === 'present'])),
    votes: mains.votes,
  };
}

function scheduleBody({ coordinator: { schedule } }: Snapshot): Record<string, unknown> {
  const { basis, usableWh, reserveWh, loadW, allOffInS, feasible, stages } = schedule;
  return {
    basis,
    live: basis === 'live',
    usableWh,
    reserveWh,
    loadW,
    allOffInS: allOffInS === undefined ? undefined : calm(allOffInS),
    feasible: usableWh === undefined ? undefined : feasible,
    order: stages.map(({ name }) => name),
    stages: Object.fromEntries(stages.map((stage) => [stage.name, stageBody(stage)])),
  };
}

const stageBody = ({ name: _, beginsInS, ...told }: StageSchedule): Record<string, unknown> => ({
  ...told,
  beginsInS: beginsInS === undefined ? undefined : calm(beginsInS),
});

function coordinatorBody({ site, version, coordinator, rack }: Snapshot): Record<string, unknown> {
  const { phase, sinceWallMs, runId, onBatteryS, lease } = coordinator;
  return {
    site,
    version,
    phase,
    since: stamp(sinceWallMs),
    runId,
    lease,
    onBatteryS: onBatteryS === undefined ? undefined : calm(onBatteryS),
    alarms: rack.alarms.map(({ code, subject, severity, message }) => ({ code, subject, severity, message })),
  };
}

/** A time in words whose last digit does not change at every look: whole seconds near the end, 10 s, then minutes. */
export function calm(seconds: number): number {
  const step = seconds < 120 ? 1 : seconds < 3600 ? 10 : 60;
  return Math.round(seconds / step) * step;
}

const stamp = (wallMs: number): string => new Date(wallMs).toISOString();

/** Decimals worth sending, by the unit a name ends with; a longer ending goes before a shorter one. */
const DIGITS: readonly (readonly [RegExp, number])[] = [
  [/(Wh|Va)$/, 1],
  [/Ah$/, 3],
  [/(Ratio|Sigma|Factor)$/, 4],
  [/Hz$/, 3],
  [/V$|A$/, 3],
  [/W$/, 2],
  [/C$/, 2],
  [/S$/, 0],
];

/** Rounds by unit, and leaves out what is absent or not a number. */
function tidy(body: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const kept: Record<string, unknown> = {};
  for (const key of Object.keys(body)) {
    const value = tidied(key, body[key]);
    if (value !== undefined) kept[key] = value;
  }
  return kept;
}

/** By name, because the names are few and every figure of the rack is asked for every second. */
const digitsOf = new Map<string, number | undefined>();
const MOST_NAMES = 2000;

function digits(key: string): number | undefined {
  if (digitsOf.has(key)) return digitsOf.get(key);
  const found = DIGITS.find(([ending]) => ending.test(key))?.[1];
  if (digitsOf.size < MOST_NAMES) digitsOf.set(key, found);
  return found;
}

function tidied(key: string, value: unknown): unknown {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return undefined;
    const decimals = digits(key);
    return decimals === undefined ? value : rounded(value, decimals);
  }
  // A position in an array means something: a broken cell reading is null, not a gap that moves the others.
  if (Array.isArray(value)) return value.map((item) => tidied(key, item) ?? null);
  if (typeof value === 'object' && value !== null) {
    const inner = tidy(value as Readonly<Record<string, unknown>>);
    return Object.keys(inner).length === 0 ? undefined : inner;
  }
  return value;
}

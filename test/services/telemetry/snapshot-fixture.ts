import type { MeterSample, PackSample, UpsSample } from '#bms/model';
import { withBudget } from '../../../services/rack/budget.ts';
import type { BankView, Observed, Rack } from '../../../services/rack/rack.ts';
import type { HostSample, PortSample, SwitchSample } from '../../../services/rack/samples.ts';
import type {
  CoordinatorView,
  DeviceHealth,
  HostView,
  Snapshot,
  SnapshotFeed,
  StageSchedule,
} from '../../../services/shutdown/view.ts';

/** A rack like ours: twenty PoE machines of a cluster, one 16 cell LiFePO4 pack, one switch, one meter. */

/** Wall ms of the snapshot; samples are one second older. */
export const WALL_MS = Date.parse('2025-03-01T12:00:00.000Z');
const MONO_MS = 3_600_000;

export const fresh = <S>(sample: S): Observed<S> => ({
  sample,
  receivedAtMs: MONO_MS - 1000,
  ageMs: 1000,
  freshness: 'fresh',
});

const stale = <S>(sample: S): Observed<S> => ({
  sample,
  receivedAtMs: MONO_MS - 60_000,
  ageMs: 60_000,
  freshness: 'stale',
  failure: { code: 'timeout', message: 'no answer within 500 ms' },
});

export const absent = <S>(): Observed<S> => ({ freshness: 'absent' });

export const packSample: PackSample = {
  kind: 'pack',
  measuredAtMs: WALL_MS - 1000,
  voltageV: 52.984,
  currentA: -5.21,
  powerW: -276.05,
  socRatio: 0.83,
  sohRatio: 0.98,
  remainingAh: 83.2,
  fullAh: 100.2,
  ratedAh: 100,
  cycles: 41,
  cellsV: Array.from({ length: 16 }, (_, index) => 3.31 + index / 1000),
  temperaturesC: [24.1, 25.3],
  mosfetTemperatureC: 31.2,
  balancingCells: [3],
  chargeFetClosed: true,
  dischargeFetClosed: true,
  alarms: [{ code: 'cell-imbalance', level: 'warning' }],
  energyInWh: 120_345.6,
  energyOutWh: 110_001.2,
  timeToEmptyS: 57_490,
  model: 'JBD-SP16S "100A"',
  firmware: '3.4',
  serial: 'A\\1',
};

const meterSample: MeterSample = {
  kind: 'meter',
  measuredAtMs: WALL_MS - 1000,
  voltageV: 118.2,
  currentA: 2.61,
  powerW: 295.4,
  apparentVa: 308.5,
  powerFactor: 0.957,
  frequencyHz: 59.98,
  importWh: 734_120,
  exportWh: 0,
};

const upsSample: UpsSample = {
  kind: 'ups',
  measuredAtMs: WALL_MS - 1000,
  mainsPresent: true,
  inputVoltageV: 117.6,
  inputFrequencyHz: 60,
  outputVoltageV: 118,
  loadPowerW: 150,
  loadRatio: 0.17,
  batteryVoltageV: 27.1,
  socRatio: 0.99,
  runtimeS: 2400,
  mode: 'line',
  lowBattery: false,
  forcedShutdown: false,
  serial: 'AS1',
};

const HOSTS = 20;
const hostId = (number: number): string => `pi${number}`;

const port = (number: number): PortSample =>
  number <= HOSTS
    ? {
        port: String(number),
        enabled: true,
        state: 'delivering',
        powerW: 5 + number / 10,
        voltageV: 53.1,
        currentA: (5 + number / 10) / 53.1,
        poeClass: 4,
        priority: 'low',
        deniedCount: 0,
      }
    : { port: String(number), enabled: true, state: 'searching', deniedCount: 0 };

export const switchSample: SwitchSample = withBudget({
  kind: 'switch',
  measuredAtMs: WALL_MS - 1000,
  budgetW: 400,
  drawnW: 121,
  reservedW: 300,
  totalTrusted: true,
  ports: Array.from({ length: 24 }, (_, index) => port(index + 1)),
});

const stageOf = (number: number): string => (number <= 3 ? 'control-plane' : number <= 12 ? 'workers' : 'batch');

const hostViews: readonly HostView[] = Array.from({ length: HOSTS }, (_, index) => ({
  id: hostId(index + 1),
  phase: 'up',
  sinceWallMs: WALL_MS - 86_400_000,
  stage: stageOf(index + 1),
  node: `node-${index + 1}`,
  switchId: 'sw1',
  port: String(index + 1),
  protected: false,
  reachable: true,
  powerW: 5 + (index + 1) / 10,
  forced: false,
}));

const hostSample: HostSample = { kind: 'host', measuredAtMs: WALL_MS - 1000, reachable: true };

const stage = (name: string, beginsInS: number, mustBeginBelowWh: number, loadAfterW: number): StageSchedule => ({
  name,
  hosts: hostViews.filter((host) => host.stage === name).map(({ id }) => id),
  state: 'waiting',
  beginsInS,
  decidedBy: 'energy',
  mustBeginBelowWh,
  durationS: 102,
  loadAfterW,
});

const bankView: BankView = {
  complete: true,
  measuredAtMs: MONO_MS - 1000,
  freshness: 'fresh',
  voltageV: 52.984,
  currentA: -5.21,
  powerW: -276.05,
  socRatio: 0.812,
  socSigma: 0.015,
  packs: { lfp1: { socRatio: 0.79, socSigma: 0.016, capacityAh: 100 } },
  usableWh: 3901.5,
  usableLowWh: 3720.25,
  fullWh: 5100,
  runtimeS: 50_880,
  weakestCellV: 3.31,
  cellSpreadV: 0.015,
};

export const rackFixture: Rack = {
  wallMs: WALL_MS,
  monoMs: MONO_MS,
  packs: { lfp1: fresh(packSample) },
  bank: bankView,
  meters: { sdm1: fresh(meterSample) },
  ups: { apc: fresh(upsSample) },
  switches: { sw1: fresh(switchSample) },
  hosts: Object.fromEntries(hostViews.map(({ id }) => [id, fresh(hostSample)])),
  cluster: fresh({
    kind: 'cluster',
    measuredAtMs: WALL_MS - 1000,
    serverNowMs: WALL_MS - 1000,
    nodes: hostViews.map((host, index) => ({
      name: host.node ?? '',
      ready: 'true',
      unschedulable: false,
      evictablePods: 7,
      controlPlane: index < 3,
    })),
  }),
  mains: {
    verdict: 'present',
    sinceMs: 0,
    votes: [
      { source: 'meter:sdm1', says: 'present', because: '118.2 V' },
      { source: 'pack:lfp1', says: 'silent', because: 'neither charging nor discharging clearly' },
    ],
    disputed: false,
  },
  circuit: { powerW: 295.4, currentA: 2.61, limitA: 16, freshness: 'fresh' },
  alarms: [{ code: 'cell-imbalance', subject: 'lfp1', severity: 'warning', message: 'cells are 15 mV apart' }],
};

const coordinator: CoordinatorView = {
  phase: 'mains',
  lease: { self: 'node-a', role: 'acting', holder: 'node-a', epoch: 3, medium: 'alive' },
  sinceWallMs: WALL_MS - 86_400_000,
  schedule: {
    basis: 'if-mains-failed',
    usableWh: 3720.25,
    reserveWh: 510,
    loadW: 276,
    stages: [
      stage('batch', 36_120, 1450, 190),
      stage('workers', 38_400, 1210, 80),
      stage('control-plane', 41_000, 890, 20),
    ],
    allOffInS: 41_102,
    feasible: true,
  },
  hosts: hostViews,
};

const device = (name: string, kind: DeviceHealth['kind']): DeviceHealth => ({
  device: name,
  kind,
  up: true,
  polls: 3600,
  failures: { timeout: 2 },
  lastSuccessWallMs: WALL_MS - 1000,
});

export const snapshotFixture: Snapshot = {
  site: 'closet',
  version: '0.1.0',
  rack: rackFixture,
  coordinator,
  devices: [
    device('lfp1', 'pack'),
    device('sdm1', 'meter'),
    device('sw1', 'switch'),
    device('cluster', 'cluster'),
    ...hostViews.map(({ id }) => device(id, 'host')),
  ],
  sinks: [
    { sink: 'mqtt', up: true, sent: 1000, dropped: 0 },
    { sink: 'influx', up: false, sent: 0, dropped: 12, waiting: 340, trouble: '401: unauthorized' },
  ],
  energy: {
    inWh: 51_230.4,
    outWh: 48_811.7,
    mainsWh: 402_113.9,
    hostsWh: { pi1: 1201.5 },
    stagesWh: { workers: 1201.5 },
    cost: { EUR: 124.6553 },
    measuredS: { bank: 3_600_000, mains: 3_599_000 },
    unmeasuredS: { bank: 12.5, mains: 1012.5 },
  },
};

/** The fixture with another rack, in part. */
export const withRack = (rack: Partial<Rack>): Snapshot => ({
  ...snapshotFixture,
  rack: { ...rackFixture, ...rack },
});

/** The fixture `seconds` later: the same readings, measured then. */
export function later(seconds: number, snapshot: Snapshot = snapshotFixture): Snapshot {
  const ms = seconds * 1000;
  const move = <S extends { readonly measuredAtMs: number }>(all: Readonly<Record<string, Observed<S>>>) =>
    Object.fromEntries(Object.entries(all).map(([id, observed]) => [id, moved(observed, ms)]));
  const { rack } = snapshot;
  return {
    ...snapshot,
    rack: {
      ...rack,
      wallMs: rack.wallMs + ms,
      monoMs: rack.monoMs + ms,
      packs: move(rack.packs),
      meters: move(rack.meters),
      ups: move(rack.ups ?? {}),
      switches: move(rack.switches),
      hosts: move(rack.hosts),
      ...(rack.cluster ? { cluster: moved(rack.cluster, ms) } : {}),
    },
  };
}

/** The same, with other readings of pack, meter and switch. */
export function changed(seconds: number): Snapshot {
  const snapshot = later(seconds);
  const { rack } = snapshot;
  const measuredAtMs = WALL_MS - 1000 + seconds * 1000;
  const powerW = 300 + seconds;
  return {
    ...snapshot,
    rack: {
      ...rack,
      packs: { lfp1: fresh({ ...packSample, measuredAtMs, currentA: -powerW / 53, powerW: -powerW }) },
      meters: { sdm1: fresh({ ...meterSample, measuredAtMs, powerW }) },
      switches: { sw1: fresh({ ...switchSample, measuredAtMs, drawnW: 100 + seconds / 10 }) },
    },
  };
}

const moved = <S extends { readonly measuredAtMs: number }>(observed: Observed<S>, ms: number): Observed<S> =>
  observed.sample
    ? { ...observed, sample: { ...observed.sample, measuredAtMs: observed.sample.measuredAtMs + ms } }
    : observed;

/** Everything that can go stale has gone stale; every old value is still there to be published by mistake. */
export function allStale(snapshot: Snapshot = snapshotFixture): Snapshot {
  const old = <S>(all: Readonly<Record<string, Observed<S>>>) =>
    Object.fromEntries(Object.entries(all).map(([id, { sample }]) => [id, sample ? stale(sample) : absent<S>()]));
  const { rack } = snapshot;
  return {
    ...snapshot,
    rack: {
      ...rack,
      packs: old(rack.packs),
      meters: old(rack.meters),
      ups: old(rack.ups ?? {}),
      switches: old(rack.switches),
      hosts: old(rack.hosts),
      ...(rack.cluster?.sample ? { cluster: stale(rack.cluster.sample) } : {}),
      bank: { ...rack.bank, complete: false, freshness: 'stale' },
      circuit: { ...rack.circuit, freshness: 'stale' },
      mains: {
        ...rack.mains,
        verdict: 'unknown',
        votes: rack.mains.votes.map((vote) => ({ ...vote, says: 'silent' })),
      },
    },
  };
}

/** A feed that a test pushes into. `publish` returns when every listener has. */
export interface TestFeed extends SnapshotFeed {
  publish(snapshot: Snapshot): void;
  readonly listeners: number;
}

export function testFeed(first?: Snapshot): TestFeed {
  const listeners = new Set<(snapshot: Snapshot) => void>();
  let latest = first;
  return {
    latest: () => latest,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    publish: (snapshot) => {
      latest = snapshot;
      for (const listener of listeners) listener(snapshot);
    },
    get listeners() {
      return listeners.size;
    },
  };
}

/** A log that keeps what it is told. */
export function testLog() {
  const lines: { readonly level: string; readonly fields: object; readonly message: string }[] = [];
  const at = (level: string) => (fields: object, message?: string) => {
    lines.push({ level, fields, message: message ?? '' });
  };
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

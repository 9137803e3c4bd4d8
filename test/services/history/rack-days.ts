import type { Snapshot } from '../../../services/shutdown/view.ts';
import { snapshotOf } from '../http/rack-fixture.ts';

/** A rack moved by hand through virtual time: one pack, one meter, one switch, hosts in stages. */
export interface Moment {
  /** Since the beginning, ms; moves both clocks. */
  readonly atMs: number;
  /** What the wall clock shows beyond that, ms. */
  readonly wallStepMs?: number;
  /** Positive charges, W. */
  readonly bankW?: number;
  readonly bank?: 'fresh' | 'stale';
  readonly mainsW?: number;
  readonly hostW?: number;
  readonly socRatio?: number;
  readonly phase?: Snapshot['coordinator']['phase'];
  readonly away?: boolean;
  readonly onBatteryS?: number;
  readonly runId?: string;
  readonly more?: (snapshot: Snapshot) => Snapshot;
}

export const WALL0 = Date.UTC(2026, 2, 1, 12);
const MONO0 = 1_000_000;

export function rackAt(moment: Moment): Snapshot {
  const { atMs, wallStepMs = 0, bankW = 0, bank = 'fresh', mainsW = 0, hostW = 6, socRatio = 0.9 } = moment;
  const base = snapshotOf('mains');
  const monoMs = MONO0 + atMs;
  const wallMs = WALL0 + atMs + wallStepMs;
  const [meter] = Object.values(base.rack.meters);
  const [sw] = Object.values(base.rack.switches);
  const host = base.coordinator.hosts.find(({ id }) => id === 'pi1');
  if (meter?.sample === undefined || sw?.sample === undefined || host === undefined) throw new Error('no rack');
  const snapshot: Snapshot = {
    ...base,
    rack: {
      ...base.rack,
      wallMs,
      monoMs,
      packs: {},
      bank: {
        complete: true,
        freshness: bank,
        measuredAtMs: monoMs,
        powerW: bankW,
        socRatio,
        socSigma: 0.02,
        fullWh: 5120,
        voltageV: 52,
      },
      circuit: { ...base.rack.circuit, meters: ['sdm1'], powerW: mainsW },
      meters: { sdm1: { ...meter, sample: { ...meter.sample, powerW: mainsW }, receivedAtMs: monoMs } },
      switches: {
        sw1: {
          ...sw,
          receivedAtMs: monoMs,
          sample: {
            ...sw.sample,
            ports: [{ port: host.port ?? '1', enabled: true, state: 'delivering', powerW: hostW }],
          },
        },
      },
      alarms: [],
    },
    coordinator: {
      ...base.coordinator,
      phase: moment.phase ?? (moment.away ? 'on-battery' : 'mains'),
      sinceWallMs: wallMs,
      schedule: { ...base.coordinator.schedule, basis: moment.away ? 'live' : 'if-mains-failed' },
      hosts: [host],
      ...(moment.onBatteryS === undefined ? {} : { onBatteryS: moment.onBatteryS }),
      ...(moment.runId === undefined ? {} : { runId: moment.runId }),
    },
    sinks: [],
  };
  return moment.more === undefined ? snapshot : moment.more(snapshot);
}

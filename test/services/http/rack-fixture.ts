import type { PortSample } from '../../../services/rack/samples.ts';
import type { HostPhase, JournalEntry } from '../../../services/shutdown/state.ts';
import type { HostView, JournalLine, Snapshot, StageSchedule } from '../../../services/shutdown/view.ts';

/** A closet with 20 small boards, three NUCs and a router, at the moments of an outage that matter. */
export type Scene = 'mains' | 'on-battery' | 'shutting-down' | 'dark' | 'restoring' | 'stale-pack' | 'disputed';

const WALL_MS = Date.UTC(2025, 10, 21, 19, 42, 0);
const MONO_MS = 5_000_000;

interface Figures {
  readonly phase: Snapshot['coordinator']['phase'];
  readonly sinceS: number;
  readonly socRatio: number;
  readonly currentA: number;
  readonly voltageV: number;
  readonly onBatteryS?: number;
  /** Phase of each stage's hosts: batch, workers, nucs. */
  readonly stages: readonly [HostPhase, HostPhase, HostPhase];
  readonly stageStates: readonly [StageSchedule['state'], StageSchedule['state'], StageSchedule['state']];
  readonly begins: readonly (number | undefined)[];
}

const SCENES: Readonly<Record<Scene, Figures>> = {
  mains: {
    phase: 'mains',
    sinceS: 86_400 * 12,
    socRatio: 0.943,
    currentA: 1.84,
    voltageV: 53.62,
    stages: ['up', 'up', 'up'],
    stageStates: ['waiting', 'waiting', 'waiting'],
    begins: [300, 8_460, 11_900],
  },
  'stale-pack': {
    phase: 'mains',
    sinceS: 86_400 * 12,
    socRatio: 0.943,
    currentA: 1.84,
    voltageV: 53.62,
    stages: ['up', 'up', 'up'],
    stageStates: ['waiting', 'waiting', 'waiting'],
    begins: [undefined, undefined, undefined],
  },
  disputed: {
    phase: 'mains',
    sinceS: 86_400 * 12,
    socRatio: 0.941,
    currentA: 0.02,
    voltageV: 53.1,
    stages: ['up', 'up', 'up'],
    stageStates: ['waiting', 'waiting', 'waiting'],
    begins: [300, 8_460, 11_900],
  },
  'on-battery': {
    phase: 'on-battery',
    sinceS: 96,
    socRatio: 0.812,
    currentA: -6.31,
    voltageV: 52.34,
    onBatteryS: 96,
    stages: ['up', 'up', 'up'],
    stageStates: ['waiting', 'waiting', 'waiting'],
    begins: [204, 1_390, 6_120],
  },
  'shutting-down': {
    phase: 'shutting-down',
    sinceS: 42,
    socRatio: 0.463,
    currentA: -4.02,
    voltageV: 51.48,
    onBatteryS: 4_210,
    stages: ['cut', 'drained', 'up'],
    stageStates: ['down', 'going-down', 'waiting'],
    begins: [undefined, 0, 2_660],
  },
  dark: {
    phase: 'dark',
    sinceS: 610,
    socRatio: 0.163,
    currentA: -0.42,
    voltageV: 50.87,
    onBatteryS: 9_020,
    stages: ['cut', 'cut', 'cut'],
    stageStates: ['down', 'down', 'down'],
    begins: [undefined, undefined, undefined],
  },
  restoring: {
    phase: 'restoring',
    sinceS: 74,
    socRatio: 0.214,
    currentA: 18.2,
    voltageV: 53.9,
    stages: ['cut', 'powering', 'up'],
    stageStates: ['down', 'coming-back', 'waiting'],
    begins: [undefined, undefined, undefined],
  },
};

const wobble = (index: number, by: number): number => Math.round(Math.sin(index * 2.7) * by * 1000) / 1000;

/** The snapshot of one scene, `tick` seconds into it. */
export function snapshotOf(scene: Scene, tick = 0): Snapshot {
  const figures = SCENES[scene];
  const wallMs = WALL_MS + tick * 1000;
  const monoMs = MONO_MS + tick * 1000;
  const stale = scene === 'stale-pack';
  const present = figures.onBatteryS === undefined;
  const hosts = hostsOf(scene, figures, wallMs);
  const ports = portsOf(hosts);
  const drawnW = ports.reduce((sum, port) => sum + (port.powerW ?? 0), 0);
  const socRatio = figures.socRatio + (figures.currentA * tick) / 360_000;
  const powerW = figures.voltageV * figures.currentA;
  const usableWh = Math.max(0, socRatio - 0.04) * 5120;
  const discharging = figures.currentA < -0.1;
  const cellsV = cellsOf(figures);
  return {
    site: 'closet',
    version: '0.1.0',
    rack: {
      wallMs,
      monoMs,
      packs: { lfp1: packOf(scene, figures, socRatio, wallMs, monoMs) },
      bank: {
        complete: !stale,
        measuredAtMs: monoMs - (stale ? 95_000 : 400),
        freshness: stale ? 'stale' : 'fresh',
        voltageV: figures.voltageV,
        currentA: figures.currentA,
        powerW,
        socRatio,
        socSigma: 0.021,
        ...(stale ? {} : { packs: { lfp1: { socRatio, socSigma: 0.021, capacityAh: 100 } } }),
        usableWh,
        usableLowWh: usableWh * 0.93,
        fullWh: 5120,
        ...(discharging ? { runtimeS: (usableWh / -powerW) * 3600 } : {}),
        weakestCellV: Math.min(...cellsV),
        cellSpreadV: Math.max(...cellsV) - Math.min(...cellsV),
      },
      meters: {
        sdm1: {
          sample: {
            kind: 'meter',
            measuredAtMs: wallMs - 600,
            voltageV: present ? 109.7 : 0,
            currentA: present ? 3.42 : 0,
            powerW: present ? 366 : 0,
            powerFactor: 0.97,
            frequencyHz: present ? 59.98 : 0,
          },
          receivedAtMs: monoMs - 600,
          ageMs: 600,
          freshness: 'fresh',
        },
      },
      ups: {
        apc: {
          sample: {
            kind: 'ups',
            measuredAtMs: wallMs - 800,
            mainsPresent: present,
            mode: present ? 'line' : 'battery',
            inputVoltageV: present ? 109.9 : 0,
            loadPowerW: 46,
            socRatio: 0.97,
            runtimeS: 2460,
            lowBattery: false,
            forcedShutdown: false,
          },
          receivedAtMs: monoMs - 800,
          ageMs: 800,
          freshness: 'fresh',
        },
      },
      switches: {
        sw1: {
          sample: {
            kind: 'switch',
            measuredAtMs: wallMs - 1100,
            budgetW: 400,
            drawnW,
            reservedW: ports.filter((port) => port.state === 'delivering').length * 15.4,
            totalTrusted: true,
            ports,
          },
          receivedAtMs: monoMs - 1100,
          ageMs: 1100,
          freshness: 'fresh',
        },
      },
      hosts: Object.fromEntries(
        hosts.map((host) => [
          host.id,
          {
            sample: { kind: 'host' as const, measuredAtMs: wallMs - 900, reachable: host.reachable ?? false },
            receivedAtMs: monoMs - 900,
            ageMs: 900,
            freshness: 'fresh' as const,
          },
        ]),
      ),
      mains: mainsOf(scene, figures, monoMs),
      circuit: {
        ...(present ? { powerW: 366, currentA: 3.42 } : { powerW: 0, currentA: 0 }),
        limitA: 16,
        freshness: 'fresh',
      },
      alarms: alarmsOf(scene),
    },
    coordinator: {
      phase: figures.phase,
      sinceWallMs: wallMs - figures.sinceS * 1000,
      ...(figures.phase === 'mains' ? {} : { runId: '20251121-1832' }),
      ...(figures.onBatteryS === undefined ? {} : { onBatteryS: figures.onBatteryS + tick }),
      schedule: scheduleOf(figures, usableWh, -powerW, tick, stale),
      hosts,
    },
    devices: [
      {
        device: 'lfp1',
        kind: 'pack',
        up: !stale,
        polls: 86_012,
        failures: stale ? { timeout: 95 } : {},
        lastSuccessWallMs: wallMs - (stale ? 95_000 : 400),
      },
      {
        device: 'sdm1',
        kind: 'meter',
        up: true,
        polls: 86_010,
        failures: { timeout: 2 },
        lastSuccessWallMs: wallMs - 600,
      },
      { device: 'sw1', kind: 'switch', up: true, polls: 43_000, failures: {}, lastSuccessWallMs: wallMs - 1100 },
    ],
    sinks: [
      { sink: 'mqtt', up: true, sent: 401_220, dropped: 0 },
      { sink: 'influx', up: true, sent: 86_001, dropped: 12 },
    ],
  };
}

const cellsOf = (figures: Figures): readonly number[] =>
  Array.from({ length: 16 }, (_, cell) => figures.voltageV / 16 + wobble(cell + 1, 0.009));

function packOf(
  scene: Scene,
  figures: Figures,
  socRatio: number,
  wallMs: number,
  monoMs: number,
): Snapshot['rack']['packs'][string] {
  const stale = scene === 'stale-pack';
  const ageMs = stale ? 95_000 : 400;
  return {
    sample: {
      kind: 'pack',
      measuredAtMs: wallMs - ageMs,
      voltageV: figures.voltageV,
      currentA: figures.currentA,
      powerW: figures.voltageV * figures.currentA,
      socRatio: socRatio - 0.012,
      cellsV: cellsOf(figures),
      temperaturesC: [24.6, 25.1, 24.9],
      mosfetTemperatureC: 29.4,
      balancingCells: scene === 'mains' ? [4, 11] : [],
      chargeFetClosed: true,
      dischargeFetClosed: true,
      cycles: 112,
      model: 'JBD-SP17S005',
      ...(scene === 'dark' ? { alarms: [{ code: 'low-soc', level: 'warning' }] } : {}),
    },
    receivedAtMs: monoMs - ageMs,
    ageMs,
    freshness: stale ? 'stale' : 'fresh',
    ...(stale ? { failure: { code: 'timeout', message: 'lfp1: no answer within 500 ms; check the cable' } } : {}),
  };
}

function mainsOf(scene: Scene, figures: Figures, monoMs: number): Snapshot['rack']['mains'] {
  const present = figures.onBatteryS === undefined;
  const sinceS = figures.onBatteryS ?? (scene === 'restoring' ? 134 : figures.sinceS);
  const packVote = (): Snapshot['rack']['mains']['votes'][number] => {
    if (scene === 'stale-pack') return { source: 'lfp1', says: 'silent', because: 'its last word is 95 s old' };
    if (scene === 'disputed') return { source: 'lfp1', says: 'absent', because: 'discharging with 6.3 A' };
    if (present) return { source: 'lfp1', says: 'present', because: 'charging' };
    return { source: 'lfp1', says: 'absent', because: `discharging with ${-figures.currentA} A` };
  };
  return {
    verdict: present ? 'present' : 'absent',
    sinceMs: monoMs - sinceS * 1000,
    votes: [
      present
        ? { source: 'sdm1', says: 'present', because: '109.7 V at 59.98 Hz' }
        : { source: 'sdm1', says: 'absent', because: '0.0 V' },
      packVote(),
    ],
    disputed: scene === 'disputed',
  };
}

function hostsOf(scene: Scene, figures: Figures, wallMs: number): readonly HostView[] {
  const boards = Array.from({ length: 20 }, (_, index): HostView => {
    const inBatch = index < 8;
    let phase = figures.stages[inBatch ? 0 : 1];
    if (scene === 'shutting-down' && !inBatch) {
      phase = (['cordoned', 'drained', 'drained', 'halting', 'halting', 'halted', 'cut'] as const)[index % 7] ?? phase;
    }
    if (scene === 'restoring' && !inBatch) phase = index % 3 === 0 ? 'up' : index % 3 === 1 ? 'powering' : 'cut';
    return board(`pi${index + 1}`, `${index + 1}`, inBatch ? 'batch' : 'workers', phase, index, wallMs);
  });
  const nucs = Array.from({ length: 3 }, (_, index): HostView => {
    const phase = figures.stages[2];
    return {
      id: `nuc${index + 1}`,
      phase,
      sinceWallMs: wallMs - 40_000,
      stage: 'control-plane',
      node: `nuc${index + 1}`,
      protected: false,
      reachable: phase === 'up',
      powerW: phase === 'up' ? 21.4 + index : 0,
      forced: false,
    };
  });
  const router: HostView = {
    id: 'router',
    phase: 'up',
    sinceWallMs: wallMs - 86_400_000,
    switchId: 'sw1',
    port: '24',
    protected: true,
    reachable: true,
    powerW: 9.8,
    forced: false,
  };
  const special = boards.map((host): HostView => {
    if (scene === 'shutting-down' && host.id === 'pi5') return { ...host, forced: true };
    if (scene === 'restoring' && host.id === 'pi14') {
      return { ...host, trouble: 'did not come up after 2 power cycles' };
    }
    return host;
  });
  return [...special, ...nucs, router];
}

function board(id: string, port: string, stage: string, phase: HostPhase, index: number, wallMs: number): HostView {
  const awake = phase === 'up' || phase === 'cordoned' || phase === 'drained';
  const watts = phase === 'cut' ? 0 : phase === 'halted' ? 1.6 : phase === 'powering' ? 4.1 : 6.2 + wobble(index, 1.4);
  return {
    id,
    phase,
    sinceWallMs: wallMs - 12_000 - index * 700,
    stage,
    node: id,
    switchId: 'sw1',
    port,
    protected: false,
    reachable: awake,
    powerW: watts,
    forced: false,
  };
}

function portsOf(hosts: readonly HostView[]): readonly PortSample[] {
  return Array.from({ length: 24 }, (_, index): PortSample => {
    const port = `${index + 1}`;
    const host = hosts.find((candidate) => candidate.port === port);
    if (port === '22') return { port, enabled: true, state: 'fault', deniedCount: 3, priority: 'low' };
    if (port === '23') return { port, enabled: false, state: 'disabled' };
    if (!host) return { port, enabled: true, state: 'searching', priority: 'low' };
    if (host.phase === 'cut') return { port, enabled: false, state: 'disabled', priority: 'low' };
    return {
      port,
      enabled: true,
      state: 'delivering',
      ...(host.powerW === undefined ? {} : { powerW: host.powerW, currentA: host.powerW / 53, voltageV: 53 }),
      poeClass: 4,
      priority: host.protected ? 'critical' : 'low',
    };
  });
}

function scheduleOf(figures: Figures, usableWh: number, dischargeW: number, tick: number, stale: boolean) {
  const loadW = dischargeW > 0 ? dischargeW : 336;
  const names = ['batch', 'workers', 'control-plane'] as const;
  const boards = Array.from({ length: 20 }, (_, index) => `pi${index + 1}`);
  const members = [boards.slice(0, 8), boards.slice(8), ['nuc1', 'nuc2', 'nuc3']];
  return {
    basis: figures.onBatteryS === undefined ? ('if-mains-failed' as const) : ('live' as const),
    ...(stale ? {} : { usableWh }),
    reserveWh: 512,
    loadW,
    stages: names.map((name, index): StageSchedule => {
      const begins = figures.begins[index];
      const beginsInS = begins === undefined ? undefined : Math.max(0, begins - (figures.onBatteryS ? tick : 0));
      return {
        name,
        hosts: members[index] ?? [],
        state: figures.stageStates[index] ?? 'waiting',
        ...(beginsInS === undefined ? {} : { beginsInS }),
        ...(beginsInS === undefined ? {} : { decidedBy: index === 0 ? ('after' as const) : ('energy' as const) }),
        mustBeginBelowWh: 1900 - index * 600,
        durationS: 150 + index * 60,
        loadAfterW: [280, 96, 9.8][index] ?? 0,
      };
    }),
    ...(figures.begins[2] === undefined ? {} : { allOffInS: figures.begins[2] + 270 }),
    feasible: true,
  };
}

function alarmsOf(scene: Scene): Snapshot['rack']['alarms'] {
  const port = {
    code: 'poe-port-fault',
    subject: 'sw1/22',
    severity: 'info' as const,
    message: 'Port 22 reports a fault; 3 requests were denied.',
  };
  if (scene === 'stale-pack') {
    return [
      {
        code: 'pack-stale',
        subject: 'lfp1',
        severity: 'critical',
        message: 'lfp1 has not answered for 95 s; mains is present, so nothing is done.',
      },
      port,
    ];
  }
  if (scene === 'disputed') {
    return [
      {
        code: 'mains-disputed',
        subject: 'mains',
        severity: 'warning',
        message: 'sdm1 sees mains, lfp1 discharges: one of them is wrong.',
      },
    ];
  }
  if (scene === 'mains') return [port];
  if (scene === 'shutting-down') {
    return [
      {
        code: 'host-forced',
        subject: 'pi5',
        severity: 'warning',
        message: 'pi5 was cut although it was not seen to be off.',
      },
      port,
    ];
  }
  return [];
}

/** The journal up to a scene; numbers go on from scene to scene. */
export function journalOf(scene: Scene): readonly JournalLine[] {
  const runId = '20251121-1832';
  const order: readonly Scene[] = ['on-battery', 'shutting-down', 'dark', 'restoring'];
  const chapters: Partial<Record<Scene, readonly JournalEntry[]>> = {
    'on-battery': [{ kind: 'phase', phase: 'on-battery', because: 'sdm1 and lfp1 say mains is away', runId }],
    'shutting-down': [
      { kind: 'stage', stage: 'batch', began: true, trigger: 'after' },
      { kind: 'phase', phase: 'shutting-down', because: 'stage batch is due', runId },
      { kind: 'intent', effect: { kind: 'cordon', key: 'cordon:pi5', host: 'pi5', node: 'pi5', runId } },
      {
        kind: 'outcome',
        key: 'cordon:pi5',
        effectKind: 'cordon',
        results: [{ host: 'pi5', code: 'done' }],
      },
      { kind: 'intent', effect: { kind: 'halt', key: 'halt:pi5', host: 'pi5' } },
      {
        kind: 'outcome',
        key: 'halt:pi5',
        effectKind: 'halt',
        results: [{ host: 'pi5', code: 'timeout', detail: 'no answer on port 22 within 5 s' }],
      },
      {
        kind: 'host',
        host: 'pi5',
        change: { phase: 'cut', forced: true },
        because: 'not seen to be off within 90 s',
      },
      { kind: 'stage', stage: 'workers', began: true, trigger: 'energy' },
      { kind: 'host', host: 'pi9', change: { phase: 'cordoned' }, because: 'stage workers goes down' },
    ],
    dark: [{ kind: 'phase', phase: 'dark', because: 'every host is off', runId }],
    restoring: [
      { kind: 'phase', phase: 'restoring', because: 'mains is back for 60 s and the bank holds 20 %', runId },
      { kind: 'command', command: { kind: 'hold', forS: 600 }, author: 'http:ops' },
      {
        kind: 'host',
        host: 'pi14',
        change: { trouble: 'did not come up after 2 power cycles' },
        because: 'boot timeout',
      },
    ],
  };
  const until = order.indexOf(scene);
  const entries: JournalEntry[] = [{ kind: 'note', text: 'holdover 0.1.0 started; journal is empty' }];
  for (const chapter of order.slice(0, until + 1)) entries.push(...(chapters[chapter] ?? []));
  return entries.map((entry, index) => ({
    seq: index + 1,
    wallMs: WALL_MS - (entries.length - index) * 23_000,
    entry,
  }));
}

/** A service that has just started and reaches nothing. */
export function emptySnapshot(): Snapshot {
  return {
    site: 'rack',
    version: '0.1.0',
    rack: {
      wallMs: WALL_MS,
      monoMs: MONO_MS,
      packs: {},
      bank: { complete: false, freshness: 'absent' },
      meters: {},
      switches: {},
      hosts: {},
      mains: { verdict: 'unknown', sinceMs: MONO_MS, votes: [], disputed: false },
      circuit: { limitA: 16, freshness: 'absent' },
      alarms: [],
    },
    coordinator: {
      phase: 'mains',
      sinceWallMs: WALL_MS,
      schedule: { basis: 'if-mains-failed', reserveWh: 0, loadW: 0, stages: [], feasible: true },
      hosts: [],
    },
    devices: [],
    sinks: [],
  };
}

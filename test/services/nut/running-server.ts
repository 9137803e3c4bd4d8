import { nutMeasurements } from '../../../services/assembly/nut.ts';
import { nutSchema } from '../../../services/config/nut.ts';
import { type NutSecrets, nutServer } from '../../../services/nut/index.ts';
import type { Command } from '../../../services/shutdown/state.ts';
import type { Snapshot, StageSchedule } from '../../../services/shutdown/view.ts';
import { KeptLog } from '../runtime/kept-log.ts';
import { PlayedClock } from '../runtime/played-clock.ts';
import { rackFixture, snapshotFixture, testFeed } from '../telemetry/snapshot-fixture.ts';
import { Talk } from './talk.ts';

/** A NUT server of ours on a free port, over a feed, a desk and a clock that the test holds. */

export const PASSWORDS = { boss: 'boss=pw!', sec: 'secpw', slow: 'slowpw', admin: 'adminpw', nothing: 'nothingpw' };

const secret = { env: 'NOT_READ_HERE' };
const USERS = [
  { user: 'boss', password: secret, upsmon: 'primary', instcmds: ['all'], needs: 20 },
  { user: 'sec', password: secret, upsmon: 'secondary', needs: 20 },
  { user: 'slow', password: secret, upsmon: 'secondary', needs: 600 },
  { user: 'admin', password: secret, actions: ['set'], instcmds: ['shutdown.stop', 'experimental.shutdown.hold'] },
  { user: 'nothing', password: secret },
];

export interface ServeOptions {
  readonly config?: object;
  readonly secrets?: Partial<NutSecrets>;
  readonly snapshot?: Snapshot;
  readonly patienceMs?: number;
  /** Shorter than the configuration allows, s. */
  readonly idleTimeout?: number;
  /** What the coordinator answers; it accepts everything when absent. */
  readonly desk?: (command: Command) => Promise<{ accepted: boolean; because: string }>;
}

export type RunningServer = Awaited<ReturnType<typeof serve>>;

export async function serve(options: ServeOptions = {}) {
  const { config = {}, secrets = {}, snapshot = snapshotFixture, desk, patienceMs, idleTimeout } = options;
  const clock = new PlayedClock();
  const log = new KeptLog();
  const feed = testFeed(snapshot);
  const commands: { command: Command; author: string }[] = [];
  const parsed = nutSchema.parse({ listen: '127.0.0.1:0', ups: ['rack', 'ups'], users: USERS, ...config });
  const server = nutServer(
    idleTimeout === undefined ? parsed : { ...parsed, idleTimeout },
    { passwords: PASSWORDS, ...secrets },
    {
      desk: {
        command: (command, author) => {
          commands.push({ command, author });
          return desk === undefined ? Promise.resolve({ accepted: true, because: 'so it is' }) : desk(command);
        },
      },
      facts: { batteryType: 'LiFePO4', capacityAh: 100, nominalPowerW: 1760, packs: 1 },
      site: 'closet',
      version: '0.1.0',
      chargeLow: 10,
      measured: nutMeasurements,
      log,
      clock,
      ...(patienceMs === undefined ? {} : { patienceMs }),
    },
  );
  await server.start(feed);
  const port = server.port() ?? 0;
  return {
    clock,
    log,
    feed,
    commands,
    server,
    port,
    talk: () => Talk.to(port),
    /** A client that has said who it is and, if it may, has logged in. */
    as: async (user: keyof typeof PASSWORDS, login = false): Promise<Talk> => {
      const talk = await Talk.to(port);
      await talk.asks(`USERNAME ${user}`, `PASSWORD "${PASSWORDS[user]}"`);
      if (login) await talk.ask('LOGIN ups');
      return talk;
    },
    stop: () => server.stop(),
  };
}

export interface Outage {
  /** Seconds until the last stage begins; absent: nothing can be predicted. */
  readonly lastBeginsInS?: number;
  readonly lastState?: StageSchedule['state'];
  readonly socRatio?: number;
}

/** The fixture on battery. The last stage takes 102 s. */
export function outage({ lastBeginsInS, lastState = 'waiting', socRatio = 0.5 }: Outage = {}): Snapshot {
  const { coordinator } = snapshotFixture;
  const { schedule } = coordinator;
  const last = schedule.stages.length - 1;
  return {
    ...snapshotFixture,
    rack: {
      ...rackFixture,
      bank: { ...rackFixture.bank, socRatio },
      mains: { verdict: 'absent', sinceMs: 0, votes: [], disputed: false },
    },
    coordinator: {
      ...coordinator,
      phase: lastState === 'waiting' ? 'on-battery' : 'shutting-down',
      schedule: {
        ...schedule,
        basis: 'live',
        stages: schedule.stages.map(({ beginsInS: _, ...stage }, index) =>
          index === last
            ? { ...stage, state: lastState, ...(lastBeginsInS === undefined ? {} : { beginsInS: lastBeginsInS }) }
            : { ...stage, beginsInS: 0 },
        ),
      },
    },
  };
}

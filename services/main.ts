import { Buses } from './assembly/buses.ts';
import { openEdges } from './assembly/edges.ts';
import { Feed } from './assembly/feed.ts';
import { openHistory } from './assembly/history.ts';
import { openLease } from './assembly/lease.ts';
import { openNotifier } from './assembly/notify.ts';
import { packControls } from './assembly/pack-controls.ts';
import { rightsWatch } from './assembly/rights.ts';
import { openSinks } from './assembly/sinks.ts';
import { readSocNotes, writeSocNotes } from './assembly/soc-memory.ts';
import { clusterSource, deviceSource, hostSource, switchSource } from './assembly/sources.ts';
import { openUpses } from './assembly/upses.ts';
import { askable } from './config/hosts.ts';
import { ownDrivers, ownMappings } from './config/profiles.ts';
import type { Config } from './config/schema.ts';
import { readSecret } from './config/secrets.ts';
import type { AgentOrders } from './hosts/index.ts';
import { type DrillDesk, httpFace } from './http/index.ts';
import { Inputs } from './inputs/index.ts';
import { ownDoingOf } from './rack/own-doing.ts';
import { RackStore } from './rack/store.ts';
import type { Clock } from './runtime/clock.ts';
import { messageOf } from './runtime/errors.ts';
import { Lifecycle, type Part } from './runtime/lifecycle.ts';
import type { Log } from './runtime/log.ts';
import { type PollListener, poller, type Source } from './runtime/poller.ts';
import { Coordinator } from './shutdown/coordinator.ts';
import { Journal } from './shutdown/journal.ts';
import { LearnedFile } from './shutdown/learned-file.ts';
import { picture } from './shutdown/picture.ts';
import { type Policy, policyOf } from './shutdown/policy.ts';
import type { CoordinatorState } from './shutdown/state.ts';
import type { Schedule, Snapshot } from './shutdown/view.ts';
import { prometheusText } from './telemetry/prometheus.ts';
import { VERSION } from './version.ts';

export interface ServiceOptions {
  readonly config: Config;
  /** Decisions, polling and stamps; may run fast in a demonstration. */
  readonly clock: Clock;
  /** Deadlines on real wires; always the machine's own. */
  readonly wire: Clock;
  readonly log: Log;
  /** Plays drills for the HTTP face; without it none can be had there. */
  readonly drill?: DrillDesk;
  /** Folder of the built web page. */
  readonly webRoot?: string;
}

export interface Service {
  /** Where the page and the API are, `http://127.0.0.1:8470`. */
  readonly address: string;
  stop(): Promise<void>;
}

export const DEFAULT_STATE_DIR = '/var/lib/holdover';

/** Sinks get a picture at least this often, ms, and at once when the coordinator's phase changes. */
const PUBLISH_EVERY_MS = 1000;
const KEEP_SOC_EVERY_MS = 60_000;

/** The running program, put together: the only place that makes things. Resolves when everything has started. */
export async function startService({ config, clock, wire, log, drill, webRoot }: ServiceOptions): Promise<Service> {
  const stateDir = config.shutdown.stateDir ?? DEFAULT_STATE_DIR;
  const policy = policyOf(config);
  const buses = new Buses(new Inputs(ownMappings(config.profiles)));
  const own = ownDrivers(config.profiles);
  const edges = await openEdges(config, clock, buses.i2c, wire);
  const upses = openUpses(config, buses, clock, wire, own);
  const store = new RackStore(config, clock, readSocNotes(stateDir, clock.wallMs(), log));
  const journal = new Journal(stateDir, () => clock.wallMs());
  const feed = new Feed((error) => log.error({ error: messageOf(error) }, 'a listener failed'));
  const sinks = openSinks(config, log, {
    stateDir,
    desk: { command: (command, author) => coordinator.command(command, author) },
  });
  const history = openHistory(config, { stateDir, journal: (limit) => journal.tail(limit), clock, wire, log });
  sinks.push(...openNotifier(config, { stateDir, history, clock, log }));

  const lease = openLease(config, wire, log);
  let publishedMs = Number.NEGATIVE_INFINITY;
  let publishedPhase = '';
  const publish = (rack: Snapshot['rack'], state: CoordinatorState, schedule: Schedule, learned: Policy): void => {
    store.switchedOff(ownDoingOf(config.hosts, state));
    if (rack.monoMs - publishedMs < PUBLISH_EVERY_MS && state.phase === publishedPhase) return;
    publishedMs = rack.monoMs;
    publishedPhase = state.phase;
    const energy = history.energy();
    feed.publish({
      site: config.site.name,
      version: VERSION,
      rack,
      coordinator: {
        ...picture(state, schedule, rack, learned),
        ...(lease === undefined ? {} : { lease: lease.view() }),
      },
      devices: store.health(),
      sinks: [...sinks, ...(history.enabled ? [history] : [])].map((sink) => sink.health()),
      ...(energy === undefined ? {} : { energy }),
    });
  };

  const coordinator = new Coordinator({
    policy,
    memory: new LearnedFile(stateDir, log),
    edges: {
      ...edges,
      packs: Object.fromEntries(packControls(config.packs, buses, own).map((each) => [each.id, each])),
    },
    journal,
    rack: () => store.snapshot(),
    clock,
    log,
    ...(lease === undefined ? {} : { lead: lease }),
    onDecision: publish,
  });

  const listener: PollListener<unknown> = {
    sampled: (source, sample) => {
      const refused = store.sampled(source.kind, source.id, sample as Parameters<RackStore['sampled']>[2]);
      if (refused !== undefined) log.warn({ [source.kind]: source.id }, refused.message);
      if (source.kind === 'pack' || source.kind === 'meter' || source.kind === 'ups') coordinator.nudge();
    },
    failed: (source, failure) => store.failed(source.kind, source.id, failure),
  };
  const hurried = (): boolean => (feed.latest()?.coordinator.phase ?? 'mains') !== 'mains';
  const everyOf = (id: string): number => config.switches.find((each) => each.id === id)?.every ?? 2;
  const sources: Source<unknown>[] = [
    ...config.packs.map((each) => deviceSource('pack', each, buses, clock, wire, own)),
    ...config.meters.map((each) => deviceSource('meter', each, buses, clock, wire, own)),
    ...upses.sources,
    ...Object.values(edges.switches).map((each) => switchSource(each, everyOf(each.id))),
    ...config.hosts.flatMap((each) => {
      const host = edges.hosts[each.id];
      return host === undefined || !askable(each) ? [] : [hostSource(host, clock, hurried)];
    }),
    ...(edges.cluster === undefined || config.cluster === undefined
      ? []
      : [clusterSource(edges.cluster, config.cluster.every)]),
  ];

  const http = httpFace({
    config: config.http,
    tokens: config.http.tokens.map(({ name, token, write }) => ({
      name,
      token: readSecret(token, `http token ${name}`),
      write,
    })),
    feed,
    desk: coordinator,
    metrics: () => {
      const latest = feed.latest();
      return latest === undefined ? '' : prometheusText(latest);
    },
    ...(webRoot === undefined ? {} : { webRoot }),
    ...(drill === undefined ? {} : { drill }),
    log,
    journalTrouble: () => journal.failure,
    history,
    ...(edges.agents === undefined ? {} : { agents: edges.agents }),
  });
  let address = '';

  const lifecycle = new Lifecycle(log, wire);
  const parts: Part[] = [
    { name: 'buses', start: () => {}, stop: () => buses.close() },
    { name: 'upses', start: () => {}, stop: () => upses.close() },
    { name: 'edges', start: () => {}, stop: () => closeEdges(edges) },
    keepSoc(store, stateDir, clock, log),
    ...(lease === undefined ? [] : [lease]),
    coordinator,
    ...(edges.agents === undefined ? [] : [agentPart(edges.agents, feed)]),
    ...[...sinks, history].map((sink) => ({ name: sink.name, start: () => sink.start(feed), stop: () => sink.stop() })),
    {
      name: 'http',
      start: async () => {
        ({ address } = await http.start());
      },
      stop: () => http.stop(),
    },
    rightsWatch(edges.cluster, clock, log),
    ...sources.map((source) => poller(source, listener, clock, log)),
  ];
  await lifecycle.start(parts);
  log.info({ address, phase: feed.latest()?.coordinator.phase }, `holdover ${VERSION} runs`);
  return { address, stop: () => lifecycle.stop() };
}

const agentPart = (agents: AgentOrders, feed: Feed): Part => ({
  name: agents.name,
  start: () => agents.start(feed),
  stop: () => agents.stop(),
});

async function closeEdges(edges: Awaited<ReturnType<typeof openEdges>>): Promise<void> {
  await Promise.all([...Object.values(edges.switches).map((each) => each.close()), edges.cluster?.close()]);
}

function keepSoc(store: RackStore, stateDir: string, clock: Clock, log: Log): Part {
  const stopped = new AbortController();
  const keep = (): void => writeSocNotes(stateDir, store.socNotes(), log);
  return {
    name: 'state of charge',
    start: () => {
      void (async () => {
        while (!stopped.signal.aborted) {
          await clock.sleep(KEEP_SOC_EVERY_MS, stopped.signal).catch(() => {});
          if (!stopped.signal.aborted) keep();
        }
      })();
    },
    stop: () => {
      stopped.abort();
      keep();
    },
  };
}

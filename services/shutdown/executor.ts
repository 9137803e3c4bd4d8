import { LEFT_RUNNING } from './because.ts';
import type {
  ChargerControl,
  ClusterControl,
  DrainReport,
  HostControl,
  Outcome,
  OutputControl,
  PoeSwitch,
} from './promises.ts';
import type { Effect, EffectResult, Input } from './state.ts';

/** What the coordinator acts through. */
export interface Edges {
  readonly cluster?: ClusterControl;
  readonly switches: Readonly<Record<string, PoeSwitch>>;
  readonly hosts: Readonly<Record<string, HostControl>>;
  readonly charger?: ChargerControl;
  /** Packs whose output may be switched. */
  readonly packs?: Readonly<Record<string, OutputControl>>;
}

const absent = (what: string): Outcome => ({ code: 'refused', detail: `${what} is not configured` });

/**
 * Runs effects on the edges and hands what became of them back as inputs. All effects run side by side; every one
 * ends in exactly one final result, also when an edge breaks its promise and throws.
 */
export class Executor {
  readonly #edges: Edges;
  readonly #post: (input: Input) => void;
  readonly #drains = new Map<string, AbortController>();
  /** What is under way, by key; each ends after its result was handed over. */
  readonly #running = new Map<string, Promise<void>>();

  constructor(edges: Edges, post: (input: Input) => void) {
    this.#edges = edges;
    this.#post = post;
  }

  start(effects: readonly Effect[]): void {
    for (const effect of effects) {
      const run = this.#run(effect).then(
        (results) => this.#done(effect, results),
        (error: unknown) => this.#done(effect, failed(effect, error)),
      );
      this.#running.set(effect.key, run);
      void run.finally(() => {
        if (this.#running.get(effect.key) === run) this.#running.delete(effect.key);
      });
    }
  }

  /** Ends an effect at once without doing anything. */
  refuse(effect: Effect, detail: string): void {
    this.#done(
      effect,
      targetsOf(effect).map((host) => ({ host, code: 'refused', detail })),
    );
  }

  /** Asks drains to end early; their results come as always. */
  stopDrains(): void {
    for (const drain of this.#drains.values()) drain.abort();
  }

  /** Stops drains and waits for everything that is under way. */
  async stop(): Promise<void> {
    this.stopDrains();
    await Promise.all(this.#running.values());
  }

  #note(effect: Effect, report: DrainReport): void {
    const over = report.overridden.map((pod) => `${pod} was deleted although its disruption budget said no`);
    const notes = [...over, ...(report.notes ?? [])].slice(0, MOST_NAMES);
    if (notes.length === 0) return;
    this.#post({ kind: 'result', key: effect.key, effectKind: effect.kind, results: [], final: false, notes });
  }

  #done(effect: Effect, results: readonly EffectResult[]): void {
    this.#post({ kind: 'result', key: effect.key, effectKind: effect.kind, results, final: true });
  }

  async #run(effect: Effect): Promise<EffectResult[]> {
    const { cluster, hosts } = this.#edges;
    switch (effect.kind) {
      case 'cordon':
        return one(effect.host, cluster ? await cluster.cordon(effect.node, effect.runId) : absent('the cluster'));
      case 'uncordon':
        return one(effect.host, cluster ? await cluster.uncordon(effect.node, effect.runId) : absent('the cluster'));
      case 'drain':
        return this.#drain(effect);
      case 'stop-drain':
        this.#drains.get(effect.drainKey)?.abort();
        // It has not stopped before the drain has: otherwise it would be asked for again and again.
        await this.#running.get(effect.drainKey);
        return [];
      case 'halt':
        return one(effect.host, (await hosts[effect.host]?.halt()) ?? absent(`host ${effect.host}`));
      case 'wake':
        return one(effect.host, (await hosts[effect.host]?.wake()) ?? absent(`host ${effect.host}`));
      case 'output':
        return one(effect.pack, (await this.#switch(effect)) ?? absent(`switching pack ${effect.pack}`));
      case 'charger':
        return one('charger', (await this.#edges.charger?.setCurrent(effect.amps)) ?? absent('the charger'));
      case 'cut':
        return this.#setPorts(effect, false);
      case 'power':
        return this.#setPorts(effect, true);
    }
  }

  async #switch({ pack, what, on }: Extract<Effect, { kind: 'output' }>): Promise<Outcome | undefined> {
    const board = this.#edges.packs?.[pack];
    if (what === 'charge') return await board?.setCharge?.(on);
    return what === 'balancing' ? await board?.setBalancing?.(on) : await board?.setDischarge(on);
  }

  async #setPorts(effect: Extract<Effect, { kind: 'cut' | 'power' }>, enabled: boolean): Promise<EffectResult[]> {
    const poe = this.#edges.switches[effect.switchId];
    if (poe === undefined) return failed(effect, new Error(`switch ${effect.switchId} is not configured`));
    const outcomes = await poe.setPorts(
      effect.targets.map(({ port }) => port),
      enabled,
      undefined,
      new Map(effect.targets.flatMap((target) => ('asSet' in target ? [[target.port, target.asSet]] : []))),
    );
    return effect.targets.map(({ host, port }) => {
      const outcome = outcomes.find((each) => each.port === port);
      return { host, code: outcome?.code ?? 'timeout', detail: outcome?.detail ?? `port ${port}` };
    });
  }

  /** Nodes are reported as they become empty; what is left comes with the end. */
  async #drain(effect: Extract<Effect, { kind: 'drain' }>): Promise<EffectResult[]> {
    const { cluster } = this.#edges;
    if (cluster === undefined) return failed(effect, new Error('the cluster is not configured'));
    const abort = new AbortController();
    this.#drains.set(effect.key, abort);
    const hostOf = new Map(effect.targets.map(({ host, node }) => [node, host]));
    const drained = new Set<string>();
    try {
      const report = await cluster.drain([...hostOf.keys()], {
        runId: effect.runId,
        deadlineMs: effect.deadlineMs,
        pdbGraceMs: effect.pdbGraceMs,
        partial: effect.partial,
        signal: abort.signal,
        onDrained: (node) => {
          const host = hostOf.get(node);
          if (host === undefined || drained.has(host)) return;
          drained.add(host);
          const results = one(host, { code: 'done' });
          this.#post({ kind: 'result', key: effect.key, effectKind: 'drain', results, final: false });
        },
      });
      this.#note(effect, report);
      const why = [
        report.left.length > 0 ? `${LEFT_RUNNING}: ${report.left.slice(0, 5).join(', ')}` : '',
        ...report.errors.slice(0, 3),
      ].filter((text) => text !== '');
      return effect.targets.map(({ host }) =>
        drained.has(host) || why.length === 0
          ? { host, code: 'done' }
          : { host, code: 'timeout', detail: why.join('; ') },
      );
    } finally {
      if (this.#drains.get(effect.key) === abort) this.#drains.delete(effect.key);
    }
  }
}

/** More than this many names of pods help nobody. */
const MOST_NAMES = 20;

const one = (host: string, outcome: Outcome): EffectResult[] => [{ host, ...outcome }];

function targetsOf(effect: Effect): readonly string[] {
  if (effect.kind === 'stop-drain') return [];
  if (effect.kind === 'output') return [effect.pack];
  if (effect.kind === 'charger') return ['charger'];
  return 'targets' in effect ? effect.targets.map(({ host }) => host) : [effect.host];
}

function failed(effect: Effect, error: unknown): EffectResult[] {
  const detail = error instanceof Error ? error.message : String(error);
  return targetsOf(effect).map((host) => ({ host, code: 'refused', detail }));
}

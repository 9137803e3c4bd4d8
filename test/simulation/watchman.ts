import type { Policy } from '../../services/shutdown/policy.ts';
import type { CoordinatorState, HostPhase, JournalEntry } from '../../services/shutdown/state.ts';

/** What the watchman must know of the world, whatever it is made of. */
export interface Watched {
  readonly timeS: number;
  readonly mains: boolean;
  /** Mains is there, and too low to live from. */
  readonly sags?: boolean;
  /** Is it running right now? */
  runs(host: string): boolean;
}

/** Mains counts as having been there when it was not away within so many seconds: a loss needs time to be believed. */
const LATELY_S = 20;

type EntryOf<K extends JournalEntry['kind']> = Extract<JournalEntry, { kind: K }>;

/** Sees to the rules that are about what may be begun, and when; it knows nothing of how it is decided. */
export class Watchman {
  readonly violations: string[] = [];
  readonly #controlPlane: readonly string[];
  readonly #nodes: readonly string[];
  readonly #expectHaltS: number;
  readonly #controlStage: string;
  #awayS = Number.NEGATIVE_INFINITY;
  #hadMajority = false;
  /** When each host was last told to halt, s. */
  readonly #haltingS = new Map<string, number>();
  /** Somebody has ordered everything down while mains is there. */
  #ordered = false;

  /** @param controlStage the stage that holds the control plane */
  constructor(policy: Policy, controlStage = 'control-plane') {
    this.#controlStage = controlStage;
    this.#expectHaltS = policy.expectS.halt;
    this.#nodes = Object.values(policy.hosts).flatMap(({ id, node }) => (node === undefined ? [] : [id]));
    this.#controlPlane = policy.stages.find(({ name }) => name === controlStage)?.hosts ?? [];
  }

  /** Before the entries are acted upon. */
  saw(before: CoordinatorState, entries: readonly JournalEntry[], world: Watched): void {
    this.#ordered = before.orderedDown !== undefined;
    if (entries.length === 0) return;
    let began = new Set(before.stages.flatMap(({ name, beganMs }) => (beganMs === undefined ? [] : [name])));
    let { phase } = before;
    const phases = new Map(Object.entries(before.hosts).map(([id, host]) => [id, host.phase]));
    for (const entry of entries) {
      if (entry.kind === 'ordered-down') this.#ordered = entry.began;
      if (entry.kind === 'phase') {
        phase = entry.phase;
        if (phase === 'on-battery' && !this.#lately(world) && before.phase !== 'shutting-down')
          this.#blame(world, 'an outage began while mains was there');
      } else if (entry.kind === 'stage') {
        began = this.#stage(entry, began, world);
      } else if (entry.kind === 'host' && entry.change.phase !== undefined) {
        if (entry.change.phase === 'halting') {
          this.#needsApi(entry.host, before, phases, world);
          this.#haltingS.set(entry.host, world.timeS);
          if (phase !== 'dark') this.#needsStage(entry.host, began, world);
        }
        phases.set(entry.host, entry.change.phase);
      }
    }
  }

  #stage(entry: EntryOf<'stage'>, before: ReadonlySet<string>, world: Watched): Set<string> {
    const began = new Set(before);
    if (entry.began) began.add(entry.stage);
    else began.delete(entry.stage);
    if (entry.began && entry.trigger !== 'rehearsal' && !this.#ordered && !this.#lately(world))
      this.#blame(world, `${entry.stage} began while mains was there`);
    return began;
  }

  /** What takes longer than is planned for is not waited for. */
  #justHalts(id: string, world: Watched): boolean {
    return world.timeS - (this.#haltingS.get(id) ?? Number.NEGATIVE_INFINITY) < this.#expectHaltS;
  }

  #needsStage(host: string, began: ReadonlySet<string>, world: Watched): void {
    if (this.#controlPlane.includes(host) && !began.has(this.#controlStage))
      this.#blame(world, `${host} is halted before its stage begins`);
  }

  /** Nobody halts a server of the API while somebody who goes down needs it. */
  #needsApi(host: string, before: CoordinatorState, phases: ReadonlyMap<string, HostPhase>, world: Watched): void {
    // What boots again in the dark has nothing to drain.
    if (!this.#controlPlane.includes(host) || phases.get(host) !== 'drained') return;
    const needing = this.#nodes.filter((id) => {
      const phase = phases.get(id);
      const drains = phase === 'cordoned';
      const skipped = before.hosts[id]?.skipped === true;
      const halts = phase === 'halting' && this.#justHalts(id, world);
      return !skipped && (drains || (!this.#controlPlane.includes(id) && (phase === 'drained' || halts)));
    });
    if (needing.length > 0) this.#blame(world, `${host} is halted while ${needing} need the API`);
  }

  /** Every second: does a majority of the control plane live while nobody wants it down? */
  looks(state: CoordinatorState, world: Watched): void {
    if (!world.mains || world.sags) this.#awayS = world.timeS;
    const living = this.#controlPlane.filter((id) => world.runs(id)).length;
    const majority = living > this.#controlPlane.length / 2;
    const began = state.stages.some(({ name, beganMs }) => name === this.#controlStage && beganMs !== undefined);
    const steady = this.#controlPlane.every((id) => {
      const phase = state.hosts[id]?.phase;
      return phase === 'up' || phase === 'cordoned' || phase === 'drained';
    });
    if (began || !steady || state.phase === 'dark' || state.phase === 'restoring') this.#hadMajority = false;
    else if (this.#hadMajority && !majority) {
      this.#blame(world, `only ${living} of ${this.#controlPlane.length} of the control plane are left`);
      this.#hadMajority = false;
    } else this.#hadMajority = majority;
  }

  /** Something else has just taken machines down. */
  forgive(): void {
    this.#hadMajority = false;
  }

  #lately(world: Watched): boolean {
    return !world.mains || world.sags === true || world.timeS - this.#awayS <= LATELY_S;
  }

  #blame(world: Watched, what: string): void {
    if (this.violations.length < 100) this.violations.push(`${world.timeS}: ${what}`);
  }
}

import { expect } from 'vitest';
import { type Decision, decide } from '../../../services/shutdown/decide.ts';
import { evolve, initialState } from '../../../services/shutdown/evolve.ts';
import type { Policy } from '../../../services/shutdown/policy.ts';
import type { OutcomeCode } from '../../../services/shutdown/promises.ts';
import type {
  Command,
  CoordinatorState,
  Effect,
  HostState,
  Input,
  JournalEntry,
} from '../../../services/shutdown/state.ts';
import { emptyWatch, hostsOf, type Watch } from '../../../services/shutdown/turn.ts';
import { type PolicyChange, RackSketch, smallPolicy } from './small-rack.ts';

type OfKind<K extends Effect['kind']> = Extract<Effect, { kind: K }>;

/**
 * A lab bench around `decide`: it keeps state and watch between inputs, lets time pass, and answers effects only when
 * told to. After every decision it checks that the state is the fold of what was written.
 */
export class Bench {
  readonly policy: Policy;
  readonly rack: RackSketch;
  readonly journal: { readonly atMs: number; readonly entry: JournalEntry }[] = [];
  /** Every effect there ever was, in order. */
  readonly effects: Effect[] = [];
  state: CoordinatorState;
  watch: Watch = emptyWatch;

  constructor(change: PolicyChange = {}, policy = smallPolicy(change)) {
    this.policy = policy;
    this.rack = new RackSketch(policy);
    this.state = initialState(policy, this.rack.nowMs);
  }

  take(input: Input): Decision {
    const before = this.state;
    const decision = decide({ state: before, watch: this.watch }, input, this.rack.snapshot(), this.policy);
    const folded = decision.entries.reduce((state, entry) => evolve(state, entry, this.rack.nowMs), before);
    if (decision.answer?.accepted !== false) expect(decision.state).toEqual(folded);
    this.state = decision.state;
    this.watch = decision.watch;
    for (const entry of decision.entries) this.journal.push({ atMs: this.rack.nowMs, entry });
    this.effects.push(...decision.effects);
    return decision;
  }

  /** Lets time pass second by second, deciding each time. Gives back the effects of all of it. */
  pass(seconds = 1): Effect[] {
    const from = this.effects.length;
    for (let second = 0; second < seconds; second += 1) {
      this.rack.nowMs += 1000;
      if (this.rack.bank.freshness === 'fresh') this.rack.bank = { ...this.rack.bank, measuredAtMs: this.rack.nowMs };
      this.take({ kind: 'tick' });
    }
    return this.effects.slice(from);
  }

  command(command: Command, author = 'ann'): Decision {
    return this.take({ kind: 'command', command, author });
  }

  flying<K extends Effect['kind']>(kind: K): OfKind<K>[] {
    return Object.values(this.watch.inFlight)
      .map(({ effect }) => effect)
      .filter((effect): effect is OfKind<K> => effect.kind === kind);
  }

  /** Ends every effect of a kind that is under way (for these hosts only, when named). */
  answer(kind: Effect['kind'], code: OutcomeCode = 'done', hosts?: readonly string[]): void {
    for (const effect of this.flying(kind)) {
      if (hosts !== undefined && !hostsOf(effect).some((host) => hosts.includes(host))) continue;
      this.end(effect, code);
    }
  }

  end(effect: Effect, code: OutcomeCode = 'done', detail?: string): Decision {
    const results = hostsOf(effect).map((host) => ({ host, code, ...(detail === undefined ? {} : { detail }) }));
    return this.take({ kind: 'result', key: effect.key, effectKind: effect.kind, results, final: true });
  }

  loseMains(): void {
    this.rack.setMains('absent');
    this.pass();
  }

  mainsReturns(): void {
    this.rack.setMains('present');
    this.pass();
  }

  /** Everything begins at once, as when energy is short. */
  runShort(): void {
    this.rack.bank = { ...this.rack.bank, usableWh: 90, usableLowWh: 90 };
    this.pass();
  }

  host(id: string): HostState {
    const host = this.state.hosts[id];
    if (host === undefined) throw new Error(`no host ${id}`);
    return host;
  }

  phases(): Record<string, string> {
    return Object.fromEntries(Object.entries(this.state.hosts).map(([id, { phase }]) => [id, phase]));
  }

  /** All hosts in one phase? */
  all(phase: HostState['phase'], hosts = Object.keys(this.state.hosts)): boolean {
    return hosts.every((id) => this.host(id).phase === phase);
  }

  entries<K extends JournalEntry['kind']>(kind: K): Extract<JournalEntry, { kind: K }>[] {
    return this.journal
      .map(({ entry }) => entry)
      .filter((entry): entry is Extract<JournalEntry, { kind: K }> => entry.kind === kind);
  }

  /** An entry that is not written by `decide`. */
  note(entry: JournalEntry): void {
    this.journal.push({ atMs: this.rack.nowMs, entry });
    this.state = evolve(this.state, entry, this.rack.nowMs);
  }

  /** Another life: another monotonic clock, nothing under way, state only from the journal. */
  restart(shiftMs = 5_000_000): void {
    const { rack } = this;
    rack.nowMs += shiftMs;
    rack.wallOffsetMs -= shiftMs;
    rack.verdictSinceMs += shiftMs;
    const moved = this.journal.map(({ atMs, entry }) => ({ atMs: atMs + shiftMs, entry }));
    this.journal.splice(0, this.journal.length, ...moved);
    this.watch = emptyWatch;
    let state = initialState(this.policy, rack.nowMs);
    for (const { atMs, entry } of this.journal) state = evolve(state, entry, atMs);
    this.state = state;
  }

  /** Goes down all the way by the book: every effect does what it should, every host falls asleep when told to. */
  goDark(): void {
    this.loseMains();
    this.runShort();
    this.answer('cordon');
    this.answer('drain');
    for (let second = 0; second < 60 && this.state.phase !== 'dark'; second += 1) {
      for (const { host } of this.flying('halt')) this.rack.asleep(host);
      this.answer('halt');
      for (const { targets } of this.flying('cut'))
        for (const { host } of targets) Object.assign(this.rack.host(host), { enabled: false, portState: 'disabled' });
      this.answer('cut');
      this.pass();
    }
    expect(this.state.phase).toBe('dark');
  }

  /** Mains is back and stays, and the bank has charged. */
  recharge(): void {
    this.rack.bank = { ...this.rack.bank, powerW: 50, socRatio: 0.9, usableWh: 900, usableLowWh: 880 };
    this.rack.drawnW = 0;
    this.mainsReturns();
  }
}

import type { Rack } from '../rack/rack.ts';
import type { Clock } from '../runtime/clock.ts';
import { messageOf, UserError } from '../runtime/errors.ts';
import type { Part } from '../runtime/lifecycle.ts';
import type { Log } from '../runtime/log.ts';
import { type Decision, decide } from './decide.ts';
import { evolve, initialState } from './evolve.ts';
import { type Edges, Executor } from './executor.ts';
import { forecast } from './forecast.ts';
import { atPeace } from './goal.ts';
import type { JournalKeeper } from './journal.ts';
import { asOf, type Lead, leadEntries, refusal } from './lead.ts';
import { learn, nothingLearned } from './learned.ts';
import type { LearnedFile } from './learned-file.ts';
import { type Policy, withLearned } from './policy.ts';
import { adopt, aged } from './shared-state.ts';
import type { Command, CoordinatorState, Effect, Input, JournalEntry } from './state.ts';
import { emptyWatch, type Watch } from './turn.ts';
import type { Desk, JournalLine, Schedule } from './view.ts';

export interface CoordinatorOptions {
  readonly policy: Policy;
  /** Where durations and draws are kept that were learned; without it they are forgotten with the process. */
  readonly memory?: Pick<LearnedFile, 'read' | 'write'>;
  readonly edges: Edges;
  readonly journal: JournalKeeper;
  /** Where two nodes share a rack: which of them acts. Without it this one does. */
  readonly lead?: Lead;
  /** A fresh snapshot of the rack, whenever it is asked for. */
  readonly rack: () => Rack;
  readonly clock: Clock;
  readonly log: Log;
  /** Called after every decision. */
  readonly onDecision: (rack: Rack, state: CoordinatorState, schedule: Schedule, policy: Policy) => void;
}

const TICK_MS = 1000;

/**
 * Runs `decide` on every tick, on every result and whenever it is nudged; writes what was decided to the journal and
 * then lets the executor act. It holds the state and nothing decides but `decide`.
 */
export class Coordinator implements Part, Desk {
  readonly name = 'coordinator';
  readonly #options: CoordinatorOptions;
  readonly #executor: Executor;
  readonly #stop = new AbortController();
  #policy: Policy;
  #state: CoordinatorState;
  #watch: Watch = emptyWatch;
  #loop: Promise<void> = Promise.resolve();
  #nudged = false;
  #acting = false;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    this.#policy = options.policy;
    this.#state = initialState(options.policy, options.clock.monoMs());
    this.#executor = new Executor(options.edges, (input) => this.#take(input));
  }

  /** Reads the journal, so that it carries on where an earlier life ended. */
  start(): void {
    const { journal, policy, memory, clock, log, lead } = this.#options;
    if (memory !== undefined) this.#policy = withLearned(policy, memory.read());
    const { lines, damage } = openJournal(journal);
    for (const text of damage) log.error({ journal: journal.path }, text);
    this.#state = recover(lines, policy, clock);
    if (this.#state.phase !== 'mains')
      log.warn({ phase: this.#state.phase, run: this.#state.runId }, 'carrying on from the journal');
    lead?.begin(this.#state.lease, () => this.nudge());
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await this.#executor.stop();
    this.#options.journal.close();
  }

  /** Something new was measured: decide soon instead of with the next tick. */
  nudge(): void {
    if (this.#nudged || this.#stop.signal.aborted) return;
    this.#nudged = true;
    setImmediate(() => {
      this.#nudged = false;
      this.#take({ kind: 'tick' });
    });
  }

  command(command: Command, author: string): Promise<{ accepted: boolean; because: string }> {
    const { answer } = this.#take({ kind: 'command', command, author }) ?? {};
    return Promise.resolve(answer ?? { accepted: false, because: 'the coordinator is stopping' });
  }

  journal(limit: number): readonly JournalLine[] {
    return this.#options.journal.tail(limit);
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#stop.signal.aborted) {
      this.#take({ kind: 'tick' });
      await clock.sleep(TICK_MS, this.#stop.signal).catch(() => {});
    }
  }

  #take(input: Input): Pick<Decision, 'answer'> | undefined {
    if (this.#stop.signal.aborted && input.kind !== 'result') return undefined;
    const { journal, log, lead } = this.#options;
    if (lead !== undefined && input.kind === 'command' && input.command.kind === 'lease')
      return this.#orderLease(lead, input.command, input.author);
    const rack = this.#options.rack();
    const told = this.#state;
    if (lead !== undefined && !this.#leads(lead, rack)) return this.#watchOn(lead, input, rack);
    const before = this.#state;
    const decision = decide({ state: before, watch: this.#watch }, input, rack, this.#policy);
    this.#state = decision.state;
    this.#watch = decision.watch;
    for (const entry of decision.entries) report(log, entry);
    const intents = decision.effects.map((effect): JournalEntry => ({ kind: 'intent', effect }));
    const written = journal.append([...decision.entries, ...intents]);
    if (atPeace(decision.state)) journal.rotate(leaseOf(decision.state));
    // A role that was taken just now is told too: what was adopted is ours from here on.
    if (decision.state !== told) lead?.share(aged(decision.state, rack.monoMs));
    if (!this.#stop.signal.aborted) this.#act(decision.effects, written);
    this.#learn(before, decision.entries, rack);
    this.#options.onDecision(rack, decision.state, decision.schedule, this.#policy);
    return decision;
  }

  /** The role follows with the next turn, which the lease asks for. */
  #orderLease(lead: Lead, command: Extract<Command, { kind: 'lease' }>, author: string): Pick<Decision, 'answer'> {
    const { journal, log } = this.#options;
    journal.append([{ kind: 'command', command, author }]);
    const answer = lead.order(command);
    log.warn({ order: command.do, author, accepted: answer.accepted }, `lease: ${answer.because}`);
    if (!answer.accepted) journal.append([{ kind: 'note', text: `refused: ${answer.because}` }]);
    return { answer };
  }

  /** Does this node act? Writes down what changed; whoever leaves the role starts nothing more and stops draining. */
  #leads(lead: Lead, rack: Rack): boolean {
    const { journal, log } = this.#options;
    const view = lead.view();
    const acting = view.role === 'acting';
    const changed = acting !== this.#acting;
    this.#acting = acting;
    const entries = leadEntries(this.#state.lease, view, lead.shared(), changed, rack.wallMs);
    for (const entry of entries) {
      this.#state = evolve(this.#state, entry, rack.monoMs);
      report(log, entry);
    }
    if (entries.length > 0) journal.append(entries);
    if (!changed) return acting;
    this.#watch = emptyWatch;
    if (!acting) this.#executor.stopDrains();
    return acting;
  }

  /** Decides nothing: shows what the other node says of the rack, refuses orders, and notes what ends late. */
  #watchOn(lead: Lead, input: Input, rack: Rack): Pick<Decision, 'answer'> {
    const { journal, onDecision } = this.#options;
    const shared = lead.shared();
    const seen = shared === undefined ? this.#state : adopt(this.#state, asOf(shared, rack.wallMs), rack.monoMs);
    onDecision(rack, seen, forecast(seen, rack, this.#policy, 0, seen.otherW), this.#policy);
    if (input.kind === 'result')
      journal.append([{ kind: 'outcome', key: input.key, effectKind: input.effectKind, results: input.results }]);
    if (input.kind !== 'command') return {};
    const because = refusal(lead.view());
    journal.append([
      { kind: 'command', command: input.command, author: input.author },
      { kind: 'note', text: `refused: ${because}` },
    ]);
    return { answer: { accepted: false, because } };
  }

  #learn(before: CoordinatorState, entries: readonly JournalEntry[], rack: Rack): void {
    const known = this.#policy.learned ?? nothingLearned;
    const learned = learn(known, before, entries, rack, this.#policy);
    if (learned === known) return;
    this.#policy = withLearned(this.#policy, learned);
    this.#options.memory?.write(learned);
  }

  /**
   * Without a journal no power is switched: after a crash nobody would know what to bring back. Pods and hosts are
   * still put to bed, for that can be seen in the cluster and does no harm twice.
   */
  #act(effects: readonly Effect[], written: boolean): void {
    const switching = ({ kind }: Effect): boolean => ['cut', 'power', 'output', 'charger'].includes(kind);
    this.#executor.start(effects.filter((effect) => written || !switching(effect)));
    if (written) return;
    const because = `the journal cannot be written: ${this.#options.journal.failure ?? 'unknown reason'}`;
    // Not from inside this turn: its state is not complete before it returns.
    for (const effect of effects.filter(switching)) setImmediate(() => this.#executor.refuse(effect, because));
  }
}

/** What a new journal file must say at its beginning, because its end is what a restart goes by. */
function leaseOf({ lease }: CoordinatorState): readonly JournalEntry[] {
  return lease === undefined ? [] : [{ kind: 'lease', ...lease }];
}

function openJournal(journal: JournalKeeper): ReturnType<JournalKeeper['open']> {
  try {
    return journal.open();
  } catch (error) {
    throw new UserError(
      `the journal ${journal.path} cannot be opened: ${messageOf(error)}`,
      'name a folder of ours in shutdown.stateDir',
    );
  }
}

/** Folds the journal. Its wall times become this process's monotonic ones; none may lie in the future. */
export function recover(lines: readonly JournalLine[], policy: Policy, clock: Clock): CoordinatorState {
  const nowMs = clock.monoMs();
  const nowWallMs = clock.wallMs();
  let state = initialState(policy, nowMs);
  for (const line of lines) state = evolve(state, line.entry, Math.min(nowMs, nowMs - (nowWallMs - line.wallMs)));
  return state;
}

function report(log: Log, entry: JournalEntry): void {
  switch (entry.kind) {
    case 'phase':
      log.warn({ phase: entry.phase, run: entry.runId }, entry.because);
      return;
    case 'stage':
      log.warn({ stage: entry.stage, trigger: entry.trigger }, entry.began ? 'stage begins' : 'stage is called back');
      return;
    case 'host':
      if (entry.change.trouble) log.error({ host: entry.host }, entry.change.trouble);
      else if (entry.change.phase !== undefined)
        log.info({ host: entry.host, phase: entry.change.phase }, entry.because);
      return;
    case 'lease':
      log.warn({ epoch: entry.epoch }, entry.acting ? 'this node acts' : `${entry.holder ?? 'another node'} acts`);
      return;
    case 'adopted':
      log.warn({ epoch: entry.epoch, phase: entry.state.phase }, `goes on where ${entry.from} ended`);
      return;
    case 'outcome':
      for (const result of entry.results) {
        if (result.code !== 'done' && result.code !== 'already')
          log.warn({ effect: entry.effectKind, host: result.host, code: result.code }, result.detail ?? result.code);
      }
      return;
    default:
      return;
  }
}

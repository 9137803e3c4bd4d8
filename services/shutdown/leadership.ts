/**
 * Which of two management nodes acts. A lease on a medium that keeps the order of its messages and remembers the last
 * one (a retained MQTT topic): the holder renews it, the others listen. One pure function; time is passed in.
 *
 * Every claim has a higher epoch than all before it, and whoever hears a higher epoch steps down. Claims of one epoch
 * are settled by the order of the medium, which is the same for all who listen: the first one stands. A medium that is
 * gone changes nothing: the last holder keeps the role and nobody takes it.
 */

/** `unknown`: has not listened long enough to tell. */
export type Role = 'unknown' | 'watching' | 'acting';

/** What the holder, or who wants to be it, says. Retained. */
export interface LeaseMessage {
  readonly kind: 'lease';
  readonly holder: string;
  /** One per start of a program, so that a restarted one and two of one name are told apart. */
  readonly life: string;
  readonly epoch: number;
  readonly seq: number;
  /** False: a claim that does not stand yet. */
  readonly acting: boolean;
}

/** Comes back to its sender when the medium is alive. On the same topic, so that it overtakes nothing; not retained. */
export interface ProbeMessage {
  readonly kind: 'probe';
  readonly life: string;
  readonly seq: number;
}

export type LeaseOutput = LeaseMessage | ProbeMessage;

/** What is known of the other service by asking it directly. `answers`: it lives, and does not say what it does. */
export type PeerSays = 'acting' | 'idle' | 'answers' | 'silent';

export type LeaseInput =
  | { readonly kind: 'tick' }
  /** Connected and subscribed: from now on nothing is missed. */
  | { readonly kind: 'connected' }
  | { readonly kind: 'disconnected' }
  /** `stored`: it was said before we listened, nobody knows when. */
  | { readonly kind: 'heard'; readonly message: LeaseOutput; readonly stored: boolean }
  | { readonly kind: 'peer'; readonly says: PeerSays }
  /** By a person; what `whyNotOrdered` (lease-order.ts) refuses is not to be given here. */
  | { readonly kind: 'order'; readonly order: LeaseOrder };

/** Take the role, or give it to the other node. `force`: take it although nobody can hear that. */
export interface LeaseOrder {
  readonly do: 'take' | 'give';
  readonly force?: boolean | undefined;
}

export interface LeaseOptions {
  /** Name of this node. */
  readonly holder: string;
  readonly life: string;
  readonly ttlMs: number;
}

interface Claim {
  readonly epoch: number;
  /** When it was made, or when a former holder was last heard since, ms. */
  readonly sinceMs: number;
  /** It came back before any other claim of its epoch. */
  readonly first: boolean;
  /** A person wants it: that the other one acts is no reason to leave it. */
  readonly ordered?: true;
}

export interface LeaseState {
  readonly role: Role;
  readonly bornMs: number;
  readonly lastInputMs: number;
  /** Absent while there is no medium. */
  readonly connectedMs?: number;
  /**
   * When the latest probe was sent that came back, in this connection. The medium keeps its order, so everything that
   * was said before that moment has been heard.
   */
  readonly provenMs?: number;
  /** Probes under way, oldest first. */
  readonly probes: readonly { readonly seq: number; readonly atMs: number }[];
  readonly probedMs: number;
  readonly publishedMs: number;
  readonly seq: number;
  /** Highest epoch ever heard of or held. */
  readonly epoch: number;
  /** Who holds, or claimed last, as far as was heard. */
  readonly known?: Pick<LeaseMessage, 'holder' | 'life'> & { readonly atMs: number; readonly stored: boolean };
  readonly claim?: Claim;
  /** This node acted when its last life, or its attention, ended: it may go on when nobody else has begun to. */
  readonly resumes: boolean;
  readonly peer?: { readonly says: PeerSays; readonly atMs: number };
  /** When another program with our name was last heard. */
  readonly namesakeMs?: number;
  /** When any other node was last heard. */
  readonly otherMs?: number;
  /** The role was given away by order: it is left to others until then. */
  readonly yieldsUntilMs?: number;
}

/** After so many ttl of silence a holder counts as gone. */
const SILENCE_TTL = 1.5;
/** A node that acted before waits so many ttl for a medium before it goes on without. */
const RESUME_TTL = 4;
/** A claim waits so many ttl: by then the former holder has heard of it, or noticed that it could not. */
const CLAIM_TTL = 1;
/** Who was not running for so many ttl may not have read a claim in time. Less than `CLAIM_TTL`. */
const ABSENT_TTL = 0.5;
const MOST_PROBES = 8;
/** Who gave the role away leaves so many ttl to others, twice what they need. */
const YIELD_TTL = 6;

/** A program that has just started. `before`: what its journal says of its earlier life. */
export function firstLease(nowMs: number, before?: { readonly acting: boolean; readonly epoch: number }): LeaseState {
  return {
    role: 'unknown',
    bornMs: nowMs,
    lastInputMs: nowMs,
    probes: [],
    probedMs: Number.NEGATIVE_INFINITY,
    publishedMs: Number.NEGATIVE_INFINITY,
    seq: 0,
    epoch: before?.epoch ?? 0,
    resumes: before?.acting === true,
  };
}

/** One step: the next state, and what is to be published in this order. Pure; `nowMs` is monotonic. */
export function leadership(
  before: LeaseState,
  input: LeaseInput,
  nowMs: number,
  options: LeaseOptions,
): { readonly state: LeaseState; readonly publish: readonly LeaseOutput[] } {
  const step = new Step(awake(before, nowMs, options), nowMs, options);
  step.take(input);
  step.goOn();
  return { state: { ...step.state, lastInputMs: nowMs }, publish: step.publish };
}

/** A holder whose program stood still may have been replaced: it has to ask before it goes on. */
function awake(state: LeaseState, nowMs: number, { ttlMs }: LeaseOptions): LeaseState {
  if (nowMs - state.lastInputMs < ABSENT_TTL * ttlMs) return state;
  const { claim: _claim, provenMs: _proven, ...rest } = state;
  return {
    ...rest,
    // What waits to be read is older than it looks; listening begins anew.
    ...(state.connectedMs === undefined ? {} : { connectedMs: nowMs }),
    bornMs: nowMs,
    probes: [],
    probedMs: Number.NEGATIVE_INFINITY,
    role: state.role === 'acting' ? 'unknown' : state.role,
    resumes: state.resumes || state.role === 'acting',
  };
}

class Step {
  state: LeaseState;
  readonly publish: LeaseOutput[] = [];
  readonly #nowMs: number;
  readonly #options: LeaseOptions;

  constructor(state: LeaseState, nowMs: number, options: LeaseOptions) {
    this.state = state;
    this.#nowMs = nowMs;
    this.#options = options;
  }

  take(input: LeaseInput): void {
    switch (input.kind) {
      case 'tick':
        return;
      case 'connected': {
        const { provenMs: _, ...rest } = this.state;
        const never = Number.NEGATIVE_INFINITY;
        this.state = { ...rest, connectedMs: this.#nowMs, probes: [], probedMs: never, publishedMs: never };
        return;
      }
      case 'disconnected': {
        // A claim that is not settled is lost with the order it would have been settled by.
        const { connectedMs: _connected, provenMs: _proven, claim: _claim, ...rest } = this.state;
        this.state = rest;
        return;
      }
      case 'peer':
        this.state = { ...this.state, peer: { says: input.says, atMs: this.#nowMs } };
        return;
      case 'order':
        this.#obey(input.order);
        return;
      case 'heard':
        if (!input.stored && input.message.life !== this.#options.life)
          this.state = { ...this.state, otherMs: this.#nowMs };
        if (input.message.kind === 'probe') this.#hearProbe(input.message);
        else if (input.message.life === this.#options.life) this.#hearOwn(input.message);
        else this.#hearOther(input.message, input.stored);
    }
  }

  #obey({ do: what }: LeaseOrder): void {
    const { ttlMs } = this.#options;
    if (what === 'give') {
      this.state = {
        ...this.state,
        role: 'watching',
        resumes: false,
        yieldsUntilMs: this.#nowMs + YIELD_TTL * ttlMs,
      };
      return;
    }
    const { yieldsUntilMs: _, ...rest } = this.state;
    const epoch = this.state.epoch + 1;
    this.state = { ...rest, epoch, resumes: false };
    if (!isProven(this.state, this.#nowMs, ttlMs)) {
      this.#act();
      return;
    }
    this.state = { ...this.state, claim: { epoch, sinceMs: this.#nowMs, first: false, ordered: true } };
    this.#say();
  }

  #hearProbe({ life, seq }: ProbeMessage): void {
    if (life !== this.#options.life || this.state.connectedMs === undefined) return;
    // One that was sent before the latest break of attention or connection is no longer listed.
    const sent = this.state.probes.find((probe) => probe.seq === seq);
    if (sent === undefined) return;
    const probes = this.state.probes.filter((probe) => probe.seq > seq);
    this.state = { ...this.state, probes, provenMs: sent.atMs };
  }

  #hearOwn({ epoch }: LeaseMessage): void {
    const { claim } = this.state;
    if (claim?.epoch === epoch) this.state = { ...this.state, claim: { ...claim, first: true } };
  }

  #hearOther(message: LeaseMessage, stored: boolean): void {
    const { holder, life, epoch } = message;
    const { role, claim, known } = this.state;
    const mine = role === 'acting' ? this.state.epoch : claim?.epoch;
    const namesake = holder === this.#options.holder;
    if (namesake && !stored) this.state = { ...this.state, namesakeMs: this.#nowMs };
    if (epoch < this.state.epoch || (mine === epoch && this.#outranks(message, stored))) {
      // The memory of the medium must not keep what does not stand, and a former holder may still act.
      if (role === 'acting') this.#sayAgainSoon();
      if (claim !== undefined && message.acting)
        this.state = { ...this.state, claim: { ...claim, sinceMs: this.#nowMs } };
      return;
    }
    const { claim: _, ...rest } = this.state;
    const heardBefore = known?.life === life && !known.stored;
    const earlier = role === 'unknown' && stored && namesake;
    this.state = {
      ...rest,
      epoch,
      known: { holder, life, atMs: this.#nowMs, stored: stored && !heardBefore },
      role: earlier ? 'unknown' : 'watching',
      // Whoever holds a newer lease than ours was has taken over what we did.
      resumes: earlier && this.state.resumes,
    };
  }

  /** Of two claims of one epoch the first in the order of the medium stands; of two that act, the smaller name. */
  #outranks(message: LeaseMessage, stored: boolean): boolean {
    if (this.state.role !== 'acting') return this.state.claim?.first === true && !message.acting;
    const { holder, life } = this.#options;
    // What is stored under our name was said by an earlier life of ours.
    if (!message.acting || (stored && message.holder === holder)) return true;
    return holder < message.holder || (holder === message.holder && life < message.life);
  }

  #sayAgainSoon(): void {
    const { ttlMs } = this.#options;
    // Two that contradict each other must not do so as fast as the medium can carry it.
    const soonMs = this.#nowMs - ttlMs / 3 + ttlMs / 10;
    this.state = { ...this.state, publishedMs: Math.min(this.state.publishedMs, soonMs) };
  }

  goOn(): void {
    const { ttlMs } = this.#options;
    if (this.state.role === 'unknown' && this.state.resumes && this.#mayGoOnWithoutMedium())
      this.state = { ...this.state, role: 'acting', resumes: false };
    if (this.state.connectedMs === undefined) return;
    if (this.state.role !== 'acting') this.#seek();
    if (this.#nowMs - this.state.probedMs >= this.#probeEveryMs()) this.#probe();
    // Before the first probe is back, somebody's newer lease may still be on its way to us.
    const speaks =
      (this.state.role === 'acting' && this.state.provenMs !== undefined) || this.state.claim !== undefined;
    if (speaks && this.#nowMs - this.state.publishedMs >= ttlMs / 3) this.#say();
  }

  /** The broker may stand on the rack that is dark, and only we can bring it back. */
  #mayGoOnWithoutMedium(): boolean {
    const { ttlMs } = this.#options;
    const waited = this.#nowMs - this.state.bornMs >= RESUME_TTL * ttlMs;
    return waited && this.state.provenMs === undefined && this.#peerSays() !== 'acting';
  }

  /** Often while something is waited for. */
  #probeEveryMs(): number {
    const { ttlMs } = this.#options;
    const { role, claim, known } = this.state;
    const waits = claim !== undefined || this.#nowMs - (known?.atMs ?? 0) > ttlMs;
    return role !== 'acting' && waits ? ttlMs / 6 : ttlMs / 3;
  }

  #seek(): void {
    const { claim, connectedMs = this.#nowMs, provenMs, known } = this.state;
    const { ttlMs, holder, life } = this.#options;
    const peer = this.#peerSays();
    if (claim !== undefined) {
      if (peer === 'acting' && claim.ordered === undefined) {
        const { claim: _, ...rest } = this.state;
        this.state = rest;
      } else if (claim.first && provenMs !== undefined && provenMs - claim.sinceMs >= CLAIM_TTL * ttlMs) this.#act();
      return;
    }
    const listenedMs = this.#nowMs - connectedMs;
    if (this.state.role === 'unknown' && !this.state.resumes && listenedMs >= SILENCE_TTL * ttlMs)
      this.state = { ...this.state, role: 'watching' };
    if (provenMs === undefined || peer === 'acting' || (this.state.yieldsUntilMs ?? 0) > this.#nowMs) return;
    // Nobody has said anything newer than what we said ourselves before we were inattentive.
    if (this.state.role === 'unknown' && this.state.resumes && known?.life === life) {
      this.#act();
      return;
    }
    // What is stored names us: nobody has taken over while we were away.
    const ours = this.state.role === 'unknown' && known?.holder === holder && known.stored;
    if (!ours && peer === 'answers') return;
    if (!ours && provenMs - Math.max(connectedMs, known?.atMs ?? connectedMs) < SILENCE_TTL * ttlMs) return;
    const epoch = this.state.epoch + 1;
    this.state = { ...this.state, epoch, claim: { epoch, sinceMs: this.#nowMs, first: false } };
    this.#say();
  }

  #act(): void {
    const { claim: _, ...rest } = this.state;
    const { holder, life } = this.#options;
    this.state = {
      ...rest,
      role: 'acting',
      resumes: false,
      known: { holder, life, atMs: this.#nowMs, stored: false },
      publishedMs: Number.NEGATIVE_INFINITY,
    };
  }

  #peerSays(): PeerSays | undefined {
    const { peer } = this.state;
    return peer !== undefined && this.#nowMs - peer.atMs < this.#options.ttlMs ? peer.says : undefined;
  }

  #probe(): void {
    const seq = this.state.seq + 1;
    const probes = [...this.state.probes, { seq, atMs: this.#nowMs }].slice(-MOST_PROBES);
    this.state = { ...this.state, seq, probes, probedMs: this.#nowMs };
    this.publish.push({ kind: 'probe', life: this.#options.life, seq });
  }

  #say(): void {
    const { holder, life } = this.#options;
    const { epoch, role } = this.state;
    const seq = this.state.seq + 1;
    this.state = { ...this.state, seq, publishedMs: this.#nowMs };
    this.publish.push({ kind: 'lease', holder, life, epoch, seq, acting: role === 'acting' });
  }
}

/** What we say comes back. */
export const isProven = ({ connectedMs, provenMs }: LeaseState, nowMs: number, ttlMs: number): boolean =>
  connectedMs !== undefined && provenMs !== undefined && nowMs - provenMs < ttlMs;

/** For everybody to see. */
export interface LeaseView {
  /** Name of this node. */
  readonly self: string;
  readonly role: Role;
  /** Who acts, as far as is known. */
  readonly holder?: string;
  readonly epoch: number;
  /** `alive`: what we say comes back. `doubtful`: connected, and nothing comes back. */
  readonly medium: 'alive' | 'doubtful' | 'gone';
  /** Another program uses our name. */
  readonly namesake?: true;
}

/** What to show of it. Pure; `nowMs` is monotonic. */
export function leaseView(state: LeaseState, nowMs: number, { holder, ttlMs }: LeaseOptions): LeaseView {
  const proven = isProven(state, nowMs, ttlMs);
  const named = state.role === 'acting' ? holder : state.known?.holder;
  return {
    self: holder,
    role: state.role,
    ...(named === undefined ? {} : { holder: named }),
    epoch: state.epoch,
    medium: state.connectedMs === undefined ? 'gone' : proven ? 'alive' : 'doubtful',
    ...(state.namesakeMs !== undefined && nowMs - state.namesakeMs < 3 * ttlMs ? { namesake: true as const } : {}),
  };
}

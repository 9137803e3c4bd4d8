import { judgeMains, type MainsState, type MainsWitness, unknownMains } from '../../services/mains/judge.ts';
import type { Rack } from '../../services/rack/rack.ts';
import type { Policy } from '../../services/shutdown/policy.ts';
import type { Effect, EffectResult } from '../../services/shutdown/state.ts';
import type { Seen } from './orders.ts';
import type { Random } from './random.ts';

/**
 * A rack small enough to run a hundred thousand times: hosts, ports, nodes and a battery as plain numbers, in steps of
 * one virtual second. It knows nothing of how the coordinator decides; it only does what effects ask and keeps a record
 * of rules that were broken.
 */

export interface ToyHost {
  readonly id: string;
  readonly node: boolean;
  readonly port: string | undefined;
  state: 'off' | 'booting' | 'running' | 'halting' | 'halted';
  untilS: number;
  boot: number;
  /** Never halts, whatever it is told. */
  readonly hangs: boolean;
  portOn: boolean;
  unschedulable: boolean;
  mark: string | undefined;
  readonly cordonedByPerson: boolean;
  /** Its port was off before us: it lives from a supply of its own. */
  readonly ownSupply: boolean;
  /** Its port must never be switched off. */
  readonly protected: boolean;
  pods: number;
  heartbeatS: number;
}

/** Who is odd in this story. */
export interface ToyOdd {
  /** Never halt, whatever they are told. */
  readonly hanging: ReadonlySet<string>;
  readonly cordoned: ReadonlySet<string>;
  readonly ownSupply: ReadonlySet<string>;
}

/** What the switch can give, W. All ports at once would need more while everything boots. */
export const BUDGET_W = 69.5;
const BOOT_W = 9.5;

export interface ToyFaults {
  /** Share of effects that fail. */
  readonly failing: number;
  /** Share of packs' polls that are lost. */
  readonly silentPack: boolean;
  readonly apiGone: boolean;
}

export class ToyRack {
  timeS = 0;
  mains = true;
  energyWh: number;
  readonly fullWh: number;
  readonly hosts: ToyHost[];
  readonly violations: string[] = [];
  /** Nodes that were halted although something evictable ran on them. */
  readonly haltedWithPods: string[] = [];
  readonly #random: Random;
  #mainsState: MainsState = unknownMains(0);
  #bankAtS = 0;
  #bankWh: number;
  faults: ToyFaults = { failing: 0, silentPack: false, apiGone: false };
  /** Hosts that a person has ordered to be left alone. */
  excused: ReadonlySet<string> = new Set();
  /** Told of every fault that bit. */
  readonly #bit: (fault: string) => void;

  constructor(
    policy: Policy,
    fullWh: number,
    rng: Random,
    { hanging, cordoned, ownSupply }: ToyOdd,
    bit: (fault: string) => void = () => {},
  ) {
    this.#bit = bit;
    this.fullWh = fullWh;
    this.energyWh = fullWh;
    this.#bankWh = fullWh;
    this.#random = rng;
    this.hosts = Object.values(policy.hosts).map((host) => ({
      id: host.id,
      node: host.node !== undefined,
      port: host.port,
      state: 'running',
      untilS: 0,
      boot: 1,
      hangs: hanging.has(host.id),
      portOn: !ownSupply.has(host.id),
      unschedulable: cordoned.has(host.id),
      mark: undefined,
      cordonedByPerson: cordoned.has(host.id),
      ownSupply: ownSupply.has(host.id),
      protected: host.protected,
      pods: 5,
      heartbeatS: 0,
    }));
  }

  get loadW(): number {
    return 40 + this.hosts.reduce((sum, host) => sum + this.drawOf(host), 0) / 0.8;
  }

  /** What all ports draw, W. */
  get portsW(): number {
    return this.hosts.reduce((sum, host) => sum + (host.port === undefined ? 0 : this.drawOf(host)), 0);
  }

  runs(id: string): boolean {
    return this.hosts.find((host) => host.id === id)?.state === 'running';
  }

  /** What a person sees who walks up to the rack. */
  visible(): Seen[] {
    return this.hosts.map(({ id, state }) => ({
      id,
      runs: state === 'running',
      off: state === 'halted' || state === 'off',
    }));
  }

  drawOf(host: ToyHost): number {
    if (host.port !== undefined && !host.portOn) return 0;
    if (host.state === 'halted' || host.state === 'off') return 1.2;
    return host.state === 'booting' ? BOOT_W : 7;
  }

  step(): void {
    this.timeS += 1;
    if (this.mains) this.energyWh = Math.min(this.fullWh, this.energyWh + 400 / 3600);
    else this.energyWh -= this.loadW / 3600;
    if (this.energyWh <= 0) {
      this.energyWh = 0;
      const awake = this.hosts.filter(
        ({ id, state, hangs, ownSupply }) =>
          !hangs && !ownSupply && !this.excused.has(id) && state !== 'off' && state !== 'halted',
      );
      if (awake.length > 0) this.violations.push(`${this.timeS}: battery empty under ${awake.map(({ id }) => id)}`);
    }
    for (const host of this.hosts) this.#live(host);
    if (this.portsW > BUDGET_W) this.violations.push(`${this.timeS}: the switch gives ${this.portsW} W`);
  }

  #live(host: ToyHost): void {
    if (host.state === 'halting' && this.timeS >= host.untilS) host.state = 'halted';
    if (host.ownSupply && host.state === 'halted') this.#restartByHand(host);
    if (host.state === 'off' && host.portOn) [host.state, host.untilS] = ['booting', this.timeS + 18];
    if (host.state === 'booting' && this.timeS >= host.untilS)
      [host.state, host.boot, host.pods] = ['running', host.boot + 1, host.unschedulable ? 0 : 5];
    if (host.state === 'running' && this.timeS % 10 === 0) host.heartbeatS = this.timeS;
  }

  /** Nobody but a person starts it again: somebody comes by while mains is there. */
  #restartByHand(host: ToyHost): void {
    if (this.mains && this.timeS % 60 === 0) [host.state, host.untilS] = ['booting', this.timeS + 25];
  }

  /** `said`: the coordinator has written that this cut is forced. */
  setPort(host: ToyHost, on: boolean, said: boolean): void {
    if (host.ownSupply) {
      host.portOn = on;
      return;
    }
    if (host.portOn && !on) {
      if (host.protected) this.violations.push(`${this.timeS}: the protected port of ${host.id} was cut`);
      const alive = host.state === 'running' || host.state === 'halting' || host.state === 'booting';
      if (alive && !said) this.violations.push(`${this.timeS}: ${host.id} lost power while ${host.state}`);
      host.state = 'off';
    }
    host.portOn = on;
  }

  /** Does what the effect asks and says what became of it. */
  perform(effect: Effect, forced: ReadonlySet<string>): { results: EffectResult[]; takesS: number } {
    const targets =
      'targets' in effect ? effect.targets.map(({ host }) => host) : 'host' in effect ? [effect.host] : [];
    const api = effect.kind === 'cordon' || effect.kind === 'uncordon' || effect.kind === 'drain';
    const results = targets.map((id): EffectResult => {
      const host = this.hosts.find((each) => each.id === id);
      if (host === undefined) return { host: id, code: 'refused' };
      const unreachable = api && this.faults.apiGone;
      if (unreachable || this.#random() < this.faults.failing) {
        this.#bit(unreachable ? 'api-gone' : 'failing-call');
        // A call that failed for us may still have worked over there.
        if (this.#random() < 0.5 && !(api && this.faults.apiGone)) this.#apply(effect, host, forced.has(id));
        return { host: id, code: 'timeout' };
      }
      return { host: id, code: this.#apply(effect, host, forced.has(id)) };
    });
    return {
      results,
      takesS: effect.kind === 'drain' ? 4 + Math.floor(this.#random() * 6) : Math.floor(this.#random() * 3),
    };
  }

  #apply(effect: Effect, host: ToyHost, said: boolean): EffectResult['code'] {
    switch (effect.kind) {
      case 'cordon':
        if (host.unschedulable && host.mark === undefined) return 'left-alone';
        [host.unschedulable, host.mark] = [true, effect.runId];
        return 'done';
      case 'uncordon':
        if (host.mark !== effect.runId) return 'left-alone';
        [host.unschedulable, host.mark, host.pods] = [false, undefined, 5];
        return 'done';
      case 'drain':
        host.pods = 0;
        return 'done';
      case 'halt':
        if (host.hangs) this.#bit('hung-host');
        if (host.state === 'running' && host.node && host.pods > 0) this.haltedWithPods.push(host.id);
        if (host.state === 'running' && !host.hangs)
          [host.state, host.untilS] = ['halting', this.timeS + 5 + Math.floor(this.#random() * 8)];
        // What boots does not listen yet; what halts already takes it once more.
        return host.state === 'running' || host.state === 'halting' ? 'done' : 'unreachable';
      case 'cut':
        this.setPort(host, false, said);
        return 'done';
      case 'power':
        this.setPort(host, true, said);
        return 'done';
      case 'wake':
        if (host.state === 'halted') [host.state, host.untilS] = ['booting', this.timeS + 25];
        return 'done';
      case 'stop-drain':
      case 'output':
      case 'charger':
        return 'done';
    }
  }

  /** The snapshot the service would have: measured, aged, and judged. */
  snapshot(monoOffsetMs: number): Rack {
    const nowMs = this.timeS * 1000 + monoOffsetMs;
    const wallMs = 1_780_000_000_000 + this.timeS * 1000;
    if (!this.faults.silentPack) [this.#bankAtS, this.#bankWh] = [this.timeS, this.energyWh];
    const bankFresh = this.timeS - this.#bankAtS < 5;
    const powerW = this.mains ? (this.energyWh < this.fullWh ? 400 : 0) : -this.loadW;
    const votes: MainsWitness[] = [
      bankFresh
        ? { source: 'pack', kind: 'pack', says: powerW < 0 ? 'absent' : powerW > 0 ? 'present' : 'silent', because: '' }
        : { source: 'pack', kind: 'pack', says: 'silent', because: '' },
      { source: 'meter', kind: 'meter', says: this.mains ? 'present' : 'absent', because: '' },
    ];
    const policy = { confirmLossMs: 3000, confirmReturnMs: 5000 };
    const judged = judgeMains(this.#mainsState, votes, policy, nowMs);
    this.#mainsState = judged.state;
    const fresh = { receivedAtMs: nowMs, ageMs: 0, freshness: 'fresh' } as const;
    const soc = this.#bankWh / this.fullWh;
    return {
      wallMs,
      monoMs: nowMs,
      packs: {},
      bank: {
        complete: bankFresh,
        measuredAtMs: this.#bankAtS * 1000 + monoOffsetMs,
        freshness: bankFresh ? 'fresh' : 'stale',
        ...(bankFresh ? { powerW } : {}),
        socRatio: soc,
        usableWh: this.#bankWh,
        usableLowWh: this.#bankWh * 0.97,
        fullWh: this.fullWh,
      },
      meters: {},
      switches: {
        sw1: {
          ...fresh,
          sample: {
            kind: 'switch',
            measuredAtMs: wallMs,
            budgetW: BUDGET_W,
            drawnW: this.portsW,
            totalTrusted: true,
            ports: this.hosts.flatMap((host) =>
              host.port === undefined
                ? []
                : [
                    {
                      port: host.port,
                      enabled: host.portOn,
                      state: host.portOn ? ('delivering' as const) : ('disabled' as const),
                      powerW: this.drawOf(host),
                    },
                  ],
            ),
          },
        },
      },
      hosts: Object.fromEntries(
        this.hosts.map((host) => [
          host.id,
          { ...fresh, sample: { kind: 'host', measuredAtMs: wallMs, reachable: host.state === 'running' } },
        ]),
      ),
      ...(this.faults.apiGone
        ? {}
        : {
            cluster: {
              ...fresh,
              sample: {
                kind: 'cluster' as const,
                measuredAtMs: wallMs,
                serverNowMs: wallMs,
                nodes: this.hosts
                  .filter(({ node }) => node)
                  .map((host) => ({
                    name: host.id,
                    // The API repeats what it knew for 40 s after the last heartbeat.
                    ready: this.timeS - host.heartbeatS < 40 ? ('true' as const) : ('unknown' as const),
                    unschedulable: host.unschedulable,
                    ...(host.mark === undefined ? {} : { cordonedBy: host.mark }),
                    bootId: `boot-${host.boot}`,
                    heartbeatAtMs: 1_780_000_000_000 + host.heartbeatS * 1000,
                    evictablePods: host.pods,
                    controlPlane: host.id.startsWith('cp'),
                  })),
              },
            },
          }),
      mains: judged.view,
      circuit: { limitA: 16, freshness: 'absent' },
      alarms: [],
    };
  }

  /** The judge's memory is the service's, not the world's: a restart forgets it. */
  forgetJudgement(nowMs: number): void {
    this.#mainsState = unknownMains(nowMs);
  }
}

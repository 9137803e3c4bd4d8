import type { MeterSample, PackSample, UpsSample } from '#bms/model';
import type { Config } from '../config/schema.ts';
import { bankWitness, NO_ROUNDS, nextRounds, type Rounds } from '../mains/bank-witness.ts';
import { judgeMains, type MainsState, type MainsWitness, unknownMains } from '../mains/judge.ts';
import { canaryWitness, meterWitness } from '../mains/witnesses.ts';
import type { MainsView, Observed } from './rack.ts';
import type { HostSample } from './samples.ts';
import { namedUpsWitness, upsWitnesses } from './ups-view.ts';

type Seen<S> = Readonly<Record<string, Observed<S>>>;

/** What the witnesses are made of. */
export interface Evidence {
  readonly packs: Seen<PackSample>;
  readonly meters: Seen<MeterSample>;
  readonly ups: Seen<UpsSample>;
  readonly hosts: Seen<HostSample>;
}

/** Half of mains is no mains and four fifths is: brown-outs in between are left to other witnesses. */
const PRESENT_SHARE = 0.8;
/** Discharge of the bank that speaks against mains where no evidence is configured, A. */
const DISCHARGE_A = 1;

/** Calls the witnesses that are configured and keeps what the verdict on mains has to remember. */
export class MainsWatch {
  readonly #config: Config;
  #state: MainsState;
  #rounds: Rounds = NO_ROUNDS;

  constructor(config: Config, nowMs: number) {
    this.#config = config;
    this.#state = unknownMains(nowMs);
  }

  /** The verdict at `nowMs`, monotonic. */
  judge(evidence: Evidence, nowMs: number): MainsView {
    const { confirmLoss, confirmReturn } = this.#config.shutdown;
    this.#rounds = nextRounds(this.#rounds, evidence.packs);
    const policy = { confirmLossMs: confirmLoss * 1000, confirmReturnMs: confirmReturn * 1000 };
    const { state, view } = judgeMains(this.#state, this.#witnesses(evidence), policy, nowMs);
    this.#state = state;
    return view;
  }

  #witnesses({ packs, meters, ups, hosts }: Evidence): MainsWitness[] {
    const config = this.#config;
    const presentAboveV = config.site.circuit.volts * PRESENT_SHARE;
    const named = config.mains.evidence;
    if (named.length === 0) {
      return [
        ...Object.entries(meters).map(([id, meter]) => meterWitness(id, meter, presentAboveV)),
        ...(config.packs.length === 0 ? [] : [bankWitness(packs, DISCHARGE_A, this.#rounds)]),
        ...upsWitnesses(config, ups),
      ];
    }
    // All packs are on one bus: whichever of them is named, they speak together, and once.
    const bank = named.filter((each) => 'pack' in each);
    const dischargeAboveA = Math.min(...bank.map((each) => each.dischargeAboveA));
    return named.flatMap((each): MainsWitness[] => {
      if ('meter' in each) return [meterWitness(each.meter, meters[each.meter], each.presentAboveV ?? presentAboveV)];
      if ('pack' in each) return each === bank[0] ? [bankWitness(packs, dischargeAboveA, this.#rounds)] : [];
      if ('canary' in each) return [canaryWitness(each.canary, hosts[each.canary])];
      return [namedUpsWitness(config, each, ups)];
    });
  }
}

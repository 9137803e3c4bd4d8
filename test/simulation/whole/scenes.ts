import type { Command, CoordinatorState, HostPhase, Phase } from '../../../services/shutdown/state.ts';
import type { TroubledRack } from './troubled-rack.ts';
import type { Fault } from './troubles.ts';

/**
 * What has to be arranged so that a fault can bite in its phase at all. Nothing is asked of a switch in the dark unless
 * something has come up there by itself, and nobody halts while nothing is wanted off unless mains flickers just then.
 */
export interface Scene {
  /** The fault waits for this moment of its phase. */
  ready?(now: Now): boolean;
  /** Called every second. */
  direct?(now: Now, hand: Hand): void;
}

export interface Now {
  readonly phase: Phase;
  readonly phaseS: number;
  readonly state: CoordinatorState;
  readonly rack: TroubledRack;
}

/** What the director can do. */
export interface Hand {
  order(command: Command): void;
  /** Mains is (not) there for so long, whatever the plan says. */
  mains(present: boolean, forS: number): void;
  begin(fault: Fault, forS: number): void;
  restartSwitch(): void;
}

/** Pairs that no story can bring about, and why. */
export const IMPOSSIBLE: Readonly<Record<string, string>> = {
  'on-battery×pdb-never-opens': 'drains begin for hosts that are wanted off, and before a stage has begun none is',
  'restoring×pdb-never-opens': 'drains begin for hosts that are wanted off, and while mains is back none is',
};

const some = ({ state }: Now, ...phases: readonly HostPhase[]): boolean =>
  Object.values(state.hosts).some(({ phase }) => phases.includes(phase));

const halted = ({ rack }: Now): boolean => [...rack.machines.values()].some(({ state }) => state === 'halted');

/** Mains is back while somebody halts, for `forS`; then it is away again. */
function flicker(forS: number, early: readonly Fault[] = []): Scene {
  let flickered = false;
  return {
    direct: (now, hand) => {
      if (flickered || now.phase !== 'shutting-down') return;
      if (some(now, 'cordoned', 'drained')) for (const fault of early) hand.begin(fault, 60);
      if (!some(now, 'halting')) return;
      flickered = true;
      hand.mains(true, forS);
    },
  };
}

/** Just long enough to be believed, and to be believed away again while machines still go down. */
const FLICKER_S = 8;
const FOR_GOOD_S = 120;
/** Everything that was ordered off is off, and the switches have been read since. */
const SETTLED_S = 12;
const DARK_S = 200;

/** Mains fails again as soon as the first are being started. */
const failsAgain = (): Scene => {
  let failed = false;
  return {
    ready: (now) => some(now, 'powering') || halted(now),
    direct: (now, hand) => {
      if (failed || now.phase !== 'restoring' || !some(now, 'powering')) return;
      failed = true;
      hand.mains(false, 90);
    },
  };
};

/** Something comes up in the dark by itself and has to go down once more. */
const disturbedDark = (disturb: (hand: Hand) => void): Scene => {
  const disturbs = once(disturb);
  return {
    ready: ({ phaseS }) => phaseS >= SETTLED_S,
    direct: ({ phase, phaseS }, hand) => {
      if (phase !== 'dark' || phaseS < SETTLED_S) return;
      disturbs(hand);
      if (phaseS < SETTLED_S + 2) hand.mains(false, DARK_S);
    },
  };
};

/** The control plane is kept awake by a person, who then lets one of it go, in the dark. */
function lateOrder(): Scene {
  const skips = once((hand) => {
    for (const host of ['cp1', 'cp2', 'cp3']) hand.order({ kind: 'skip', host });
  });
  const unskips = once((hand) => {
    hand.mains(false, 300);
    hand.order({ kind: 'unskip', host: 'cp1' });
  });
  return {
    direct: ({ phase, phaseS }, hand) => {
      if (phase === 'on-battery') skips(hand);
      else if (phase === 'dark' && phaseS >= 1) unskips(hand);
    },
  };
}

function once(act: (hand: Hand) => void): (hand: Hand) => void {
  let done = false;
  return (hand) => {
    if (!done) act(hand);
    done = true;
  };
}

/** Rehearses what has machines without a port: these are not cut and may boot. */
const rehearsed = (): Scene => {
  const rehearses = once((hand) => hand.order({ kind: 'rehearse', stage: 'workers', depth: 'whole' }));
  return { ready: halted, direct: ({ phase, phaseS }, hand) => phase === 'mains' && phaseS > 40 && rehearses(hand) };
};

/** The first are starting, and will want their cordons taken away. */
const risen = (): Scene => ({ ready: (now) => some(now, 'powering') });

const SCENES: Readonly<Record<string, () => Scene>> = {
  'mains×host-boots-itself': rehearsed,
  'on-battery×host-boots-itself': failsAgain,
  'on-battery×api-fails': failsAgain,
  'on-battery×api-slow': failsAgain,
  'on-battery×ssh-hangs': () => flicker(FLICKER_S, ['ssh-fails']),
  'on-battery×ssh-fails': () => flicker(FLICKER_S, ['ssh-fails']),
  'on-battery×deaf-host': () => flicker(FLICKER_S, ['ssh-fails']),
  'on-battery×switch-disobeys': () => flicker(FLICKER_S),
  'on-battery×switch-fails': () => flicker(FLICKER_S),
  'dark×api-fails': lateOrder,
  'dark×api-slow': lateOrder,
  'dark×pdb-never-opens': lateOrder,
  'dark×ssh-hangs': () => disturbedDark((hand) => hand.begin('host-boots-itself', 30)),
  'dark×ssh-fails': () => disturbedDark((hand) => hand.begin('host-boots-itself', 30)),
  'dark×deaf-host': () => disturbedDark((hand) => hand.restartSwitch()),
  'dark×switch-disobeys': () => disturbedDark((hand) => hand.restartSwitch()),
  'dark×switch-fails': () => disturbedDark((hand) => hand.restartSwitch()),
  'restoring×api-fails': risen,
  'restoring×api-slow': risen,
  'restoring×ssh-hangs': () => flicker(FOR_GOOD_S, ['ssh-fails']),
  'restoring×ssh-fails': () => flicker(FOR_GOOD_S, ['ssh-fails']),
  'restoring×deaf-host': () => flicker(FOR_GOOD_S, ['ssh-fails']),
};

/** The scene for a fault in a phase, new for every story; most need none. */
export const sceneFor = (fault: Fault, phase: Phase): Scene => SCENES[`${phase}×${fault}`]?.() ?? {};

import type { Host, HostPhase, Lease, Picture, Stage } from './wire.ts';

/**
 * What a person may order now, and why not otherwise. Pure. The service decides and its answer counts; here is only
 * what can be seen beforehand, so that nobody is offered what cannot be.
 */

export type Order =
  | { readonly kind: 'begin'; readonly onMains?: true }
  | { readonly kind: 'abort' }
  | { readonly kind: 'hold'; readonly forS: number }
  | { readonly kind: 'skip' | 'unskip'; readonly host: string }
  | { readonly kind: 'take-over'; readonly host: string; readonly as: 'up' | 'off' }
  | { readonly kind: 'power-cycle'; readonly host: string; readonly force: boolean }
  | { readonly kind: 'rehearse'; readonly stage: string; readonly depth: 'drain' | 'whole' };

export interface Choice {
  readonly order: Order;
  readonly name: string;
  /** What it does, in few words. */
  readonly does: string;
  /** Asked before it is sent. */
  readonly question: string;
  /** It takes something down, or overrules something. */
  readonly grave: boolean;
  /** To be typed before it is sent. */
  readonly typed?: string;
  /** Why it cannot be ordered now. */
  readonly whyNot?: string | undefined;
}

/** On a node that only watches nothing can be ordered. */
const here = ({ coordinator: { lease } }: Picture, choices: readonly Choice[]): readonly Choice[] => {
  const whyNot = notHere(lease);
  return whyNot === undefined ? choices : choices.map((choice) => ({ ...choice, whyNot }));
};

/** Why orders cannot be given here; the node that acts takes them. */
function notHere(lease: Lease | undefined): string | undefined {
  if (lease === undefined || lease.role === 'acting') return undefined;
  if (lease.role === 'unknown') return 'this node does not know yet which node acts';
  if (lease.holder === undefined || lease.holder === lease.self) return 'this node watches, and nobody is known to act';
  return `this node only watches; give the order to ${lease.holder}, which acts`;
}

/** About everything. */
export const wholeChoices = (picture: Picture): readonly Choice[] => here(picture, aboutAll(picture));

/** About one host; none for a host that holdover never touches. */
export const hostChoices = (picture: Picture, host: Host): readonly Choice[] =>
  here(picture, host.stage === undefined ? [] : aboutHost(picture, host));

/** About one stage. */
export const stageChoices = (picture: Picture, stage: Stage): readonly Choice[] =>
  here(picture, aboutStage(picture, stage));

function aboutAll({ coordinator }: Picture): readonly Choice[] {
  const { phase, rehearsal, orderedDown } = coordinator;
  if (orderedDown !== undefined && (phase === 'mains' || phase === 'restoring')) {
    return [
      {
        order: { kind: 'abort' },
        name: 'Bring back',
        does: `brings everything back that ${orderedDown} has ordered down`,
        question: `Bring everything back that ${orderedDown} has ordered down?`,
        grave: true,
      },
    ];
  }
  if (rehearsal !== undefined) {
    return [
      {
        order: { kind: 'abort' },
        name: 'End the rehearsal',
        does: `brings ${rehearsal.stage} back now`,
        question: `End the rehearsal of ${rehearsal.stage} and bring back what was taken down?`,
        grave: false,
      },
    ];
  }
  const whyNot = phase === 'on-battery' || phase === 'shutting-down' ? undefined : WHEN_NOTHING[phase];
  return [
    phase === 'mains'
      ? SHUT_DOWN
      : {
          order: { kind: 'begin' },
          name: 'Begin now',
          does: 'shuts every stage down at once',
          question: 'Shut every stage down now, whatever the battery holds?',
          grave: true,
          whyNot,
        },
    {
      order: { kind: 'hold', forS: 600 },
      name: 'Hold 10 min',
      does: 'only a battery that runs low begins a stage',
      question: 'Hold the schedule for 10 minutes? Only a battery that runs low will begin a stage.',
      grave: false,
      whyNot,
    },
    {
      order: { kind: 'abort' },
      name: 'Abort',
      does: 'turns the shutdown round; what was not halted stays',
      question: 'Turn the shutdown round and bring the hosts back?',
      grave: true,
      whyNot,
    },
  ];
}

const SHUT_DOWN: Choice = {
  order: { kind: 'begin', onMains: true },
  name: 'Shut down',
  does: 'shuts every stage down although mains is there, until you bring it back',
  question: 'Shut every stage down although mains is there? Everything stays down until you bring it back.',
  grave: true,
  typed: 'shut down',
};

const WHEN_NOTHING: Readonly<Record<'mains' | 'dark' | 'restoring', string>> = {
  mains: 'mains is there: nothing goes down',
  dark: 'everything is off already',
  restoring: 'everything is coming back already',
};

/** From `halting` on a machine cannot be called back. */
const SKIPPABLE: ReadonlySet<HostPhase> = new Set(['up', 'cordoned', 'drained']);

function aboutHost(picture: Picture, host: Host): readonly Choice[] {
  const { id } = host;
  const seenTo = host.trouble === undefined && host.phase === 'up' ? 'it is up and nothing troubles it' : undefined;
  return [
    skipChoice(picture, host),
    {
      order: { kind: 'take-over', host: id, as: 'up' },
      name: 'Take over as up',
      does: 'you have seen to it: its trouble is forgotten',
      question: `Take over ${id}: count it as up, and forget what troubled it?`,
      grave: false,
      whyNot: seenTo,
    },
    {
      order: { kind: 'take-over', host: id, as: 'off' },
      name: 'Take over as off',
      does: 'you have seen to it: its power may be cut and given back',
      question: `Take over ${id}: count it as off? Its port may then be cut without looking again.`,
      grave: true,
      // Nobody knows better than holdover as long as it is not stuck.
      ...(host.trouble === undefined ? { typed: id } : {}),
      whyNot: seenTo,
    },
    cycleChoice(picture, host),
  ];
}

function skipChoice({ coordinator: { phase, rehearsal } }: Picture, { id, phase: at, skipped }: Host): Choice {
  if (skipped) {
    return {
      order: { kind: 'unskip', host: id },
      name: 'Take part again',
      does: 'goes down with its stage like all others',
      question: `Let ${id} take part in the shutdown again?`,
      grave: true,
    };
  }
  const onMains = phase === 'mains' && rehearsal === undefined;
  return {
    order: { kind: 'skip', host: id },
    name: 'Skip',
    does: 'left alone until mains is back; its draw shortens the time of all others',
    question: `Leave ${id} alone until mains is back? What it draws shortens the time for all others.`,
    grave: false,
    whyNot: onMains
      ? 'mains is there: take it out of its stage in the configuration instead'
      : SKIPPABLE.has(at)
        ? undefined
        : `it is ${at} and cannot be called back any more`,
  };
}

function cycleChoice(picture: Picture, host: Host): Choice {
  const force = host.reachable === true;
  const about = { order: { kind: 'power-cycle', host: host.id, force }, grave: true } as const;
  const whyNot = whyNotCycle(picture, host);
  if (!force) {
    return {
      ...about,
      name: 'Power-cycle',
      does: 'for a host that hangs: its port is switched off and on',
      question: `Cut the power of ${host.id} and give it back? What it has not written is lost.`,
      whyNot,
    };
  }
  return {
    ...about,
    name: 'Power-cycle by force',
    does: 'it answers, and would rather be restarted from within',
    question: `${host.id} answers on the network: it runs. Cut its power all the same? What it has not written is lost.`,
    typed: host.id,
    whyNot,
  };
}

function whyNotCycle({ coordinator }: Picture, host: Host): string | undefined {
  const { phase, rehearsal, waitingFor } = coordinator;
  if (phase !== 'mains' && phase !== 'restoring') return 'mains is away: it could not be started again';
  if (rehearsal !== undefined) return `${rehearsal.stage} is being rehearsed`;
  if (waitingFor !== undefined) return `it could not be started again: ${waitingFor}`;
  if (host.port === undefined || host.protected) return 'it has no port that may be switched';
  if (host.phase !== 'up' && host.phase !== 'powering') return `it is ${host.phase} already`;
  return undefined;
}

function aboutStage(picture: Picture, { name }: Stage): readonly Choice[] {
  const whyNot = whyNotRehearse(picture);
  return [
    {
      order: { kind: 'rehearse', stage: name, depth: 'drain' },
      name: 'Rehearse the drain',
      does: 'really cordons and drains its nodes, and brings them back',
      question: `Really drain ${name}, and bring it back? Its pods move to other nodes.`,
      grave: true,
      whyNot,
    },
    {
      order: { kind: 'rehearse', stage: name, depth: 'whole' },
      name: 'Rehearse it whole',
      does: 'also halts its hosts, cuts their ports, and starts them again',
      question: `Really take ${name} down: drain it, halt its hosts, cut their ports, and start them again?`,
      grave: true,
      typed: name,
      whyNot,
    },
  ];
}

function whyNotRehearse({ coordinator, rack }: Picture): string | undefined {
  const { phase, rehearsal, hosts } = coordinator;
  if (phase !== 'mains') return 'only while mains is there and nothing else goes on';
  if (rehearsal !== undefined) return `${rehearsal.stage} is being rehearsed`;
  const notUp = hosts.find((host) => host.stage !== undefined && host.phase !== 'up');
  if (notUp !== undefined) return `${notUp.id} is ${notUp.phase}`;
  if (rack.mains.verdict !== 'present') return 'mains is not confirmed';
  if (rack.bank.freshness !== 'fresh' && Object.keys(rack.packs).length > 0) return 'the bank is not heard';
  return undefined;
}

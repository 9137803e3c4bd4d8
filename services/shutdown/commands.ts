import { type Answer, accept, refuse } from './answer.ts';
import { switchBoard } from './board-orders.ts';
import { isOrderedDown, onMains } from './goal.ts';
import { powerCycle, skip, takeOver } from './host-orders.ts';
import { beginByHand, overrule } from './ordered-down.ts';
import { callOff, rehearse } from './rehearsal.ts';
import type { Command } from './state.ts';
import type { Turn } from './turn.ts';

const LONGEST_HOLD_S = 3600;

/** What a person asks for. Refusals say why; what is accepted is in the journal with its author. */
export function obey(turn: Turn, command: Command, author: string): Answer {
  const answer = act(turn, command);
  if (answer.accepted) turn.entries.unshift({ kind: 'command', command, author });
  return answer;
}

function act(turn: Turn, command: Command): Answer {
  switch (command.kind) {
    case 'begin':
      return begin(turn, command.onMains ?? false);
    case 'hold':
      return onBattery(turn, command) ?? hold(turn, command.forS);
    case 'abort':
      if (turn.state.rehearsal !== undefined) return callOff(turn, 'called off by a person');
      if (isOrderedDown(turn.state) && onMains(turn.state)) return overrule(turn);
      return onBattery(turn, command) ?? abort(turn);
    case 'skip':
    case 'unskip':
      return skip(turn, command.host, command.kind === 'skip');
    case 'take-over':
      return takeOver(turn, command.host, command.as);
    case 'power-cycle':
      return powerCycle(turn, command.host, command.force ?? false);
    case 'lease':
      return refuse('there is only one management node');
    case 'switch-board':
      return switchBoard(turn, command);
    case 'rehearse':
      return rehearse(turn, command.stage, command.depth);
  }
}

function onBattery(turn: Turn, command: Command): Answer | undefined {
  const { phase } = turn.state;
  if (phase === 'on-battery' || phase === 'shutting-down') return undefined;
  return refuse(`nothing to ${command.kind} in phase ${phase}`);
}

function begin(turn: Turn, alsoOnMains: boolean): Answer {
  if (onMains(turn.state)) {
    if (alsoOnMains) return beginByHand(turn);
    return refuse(
      `nothing to begin in phase ${turn.state.phase}; with onMains (--on-mains) everything goes down all the same`,
    );
  }
  const refused = onBattery(turn, { kind: 'begin' });
  if (refused !== undefined) return refused;
  turn.beginAll('operator');
  return accept('all stages begin now');
}

function hold(turn: Turn, wantedS: number): Answer {
  const forS = Math.min(wantedS, LONGEST_HOLD_S);
  turn.write({ kind: 'hold', forS });
  return accept(`set triggers are held for ${forS} s; the energy trigger is not`);
}

/** Shutdowns that no person began and no person may end. */
const NOT_OURS_TO_END: Readonly<Record<string, string>> = {
  energy: 'the energy that is left demands this shutdown; only mains can end it',
  external: 'whoever commands the UPS has ordered this shutdown; only mains can end it',
};

function abort(turn: Turn): Answer {
  for (const { trigger } of turn.state.stages) {
    const because = trigger === undefined ? undefined : NOT_OURS_TO_END[trigger];
    if (because !== undefined) return refuse(because);
  }
  // What a person had ordered on mains is not to go on when mains is back.
  if (isOrderedDown(turn.state) && turn.state.orderedDown?.ups === undefined) overrule(turn);
  for (const stage of turn.state.stages) {
    if (stage.beganMs !== undefined) turn.write({ kind: 'stage', stage: stage.name, began: false });
  }
  turn.write({ kind: 'hold', forS: LONGEST_HOLD_S });
  return accept('hosts that were not halted stay; set triggers are held for an hour');
}

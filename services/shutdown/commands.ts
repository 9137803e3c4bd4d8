import type { Command } from './state.ts';
import type { Turn } from './turn.ts';

const LONGEST_HOLD_S = 3600;

/** What a person asks for. Refusals say why; what is accepted is in the journal with its author. */
export function obey(turn: Turn, command: Command, author: string): { accepted: boolean; because: string } {
  const answer = refusal(turn, command) ?? act(turn, command);
  if (answer.accepted) turn.entries.unshift({ kind: 'command', command, author });
  return answer;
}

function refusal(turn: Turn, command: Command): { accepted: false; because: string } | undefined {
  const onBattery = turn.state.phase === 'on-battery' || turn.state.phase === 'shutting-down';
  if (!onBattery) return { accepted: false, because: `nothing to ${command.kind} in phase ${turn.state.phase}` };
  if (command.kind === 'abort' && turn.state.stages.some(({ trigger }) => trigger === 'energy'))
    return { accepted: false, because: 'the energy that is left demands this shutdown; only mains can end it' };
  return undefined;
}

function act(turn: Turn, command: Command): { accepted: true; because: string } {
  switch (command.kind) {
    case 'begin':
      for (const stage of turn.state.stages) {
        if (stage.beganMs === undefined)
          turn.write({ kind: 'stage', stage: stage.name, began: true, trigger: 'operator' });
      }
      return { accepted: true, because: 'all stages begin now' };
    case 'hold': {
      const forS = Math.min(command.forS, LONGEST_HOLD_S);
      turn.write({ kind: 'hold', forS });
      return { accepted: true, because: `set triggers are held for ${forS} s; the energy trigger is not` };
    }
    case 'abort':
      for (const stage of turn.state.stages) {
        if (stage.beganMs !== undefined) turn.write({ kind: 'stage', stage: stage.name, began: false });
      }
      turn.write({ kind: 'hold', forS: LONGEST_HOLD_S });
      return { accepted: true, because: 'hosts that were not halted stay; set triggers are held for an hour' };
  }
}

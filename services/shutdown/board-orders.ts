import { type Answer, accept, refuse } from './answer.ts';
import { stagedHosts } from './goal.ts';
import { BY_HAND, isSurelyOff } from './last-act.ts';
import type { Command } from './state.ts';
import type { Turn } from './turn.ts';

type Order = Extract<Command, { kind: 'switch-board' }>;

/** What a person orders about a pack's board. It is done once: what came of it, read back, is in the journal. */
export function switchBoard(turn: Turn, order: Order): Answer {
  const { pack, what, on } = order;
  const because = whyNot(turn, order);
  if (because !== undefined) return refuse(because);
  // What was switched off in the dark comes back with mains, like the last act.
  if (what === 'discharge' && !on && turn.state.phase === 'dark')
    turn.write({ kind: 'output', pack, on: false, because: 'ordered by a person' });
  turn.emit({ kind: 'output', key: `${BY_HAND}${pack}`, pack, on, ...(what === 'discharge' ? {} : { what }) });
  return accept(
    `${what} of ${pack} is being switched ${on ? 'on' : 'off'} and read back; the journal tells what came of it`,
  );
}

function whyNot(turn: Turn, { pack, what, on, force = false }: Order): string | undefined {
  const { policy, state } = turn;
  const allowed = policy.boards?.[pack];
  const key = what === 'balancing' ? 'balancing' : 'mosfets';
  if (allowed === undefined && !(pack in turn.rack.packs)) return `no pack is called ${pack.slice(0, 64)}`;
  if (allowed?.[key] !== true)
    return `nothing may switch ${what} of ${pack}: say control: { ${key}: true } in that pack`;
  if (turn.busy('output', pack)) return `${pack} is being switched already`;
  if (what !== 'discharge') return undefined;
  if (on) {
    const held = state.phase === 'dark' && (policy.lastAct?.packs.includes(pack) ?? false);
    return held ? `shutdown.lastAct keeps ${pack} off until mains is back` : undefined;
  }
  return force ? undefined : whoLives(turn, pack);
}

/** Only a rack that is dark, every host of it seen to be off, has nothing to lose. */
function whoLives(turn: Turn, pack: string): string | undefined {
  const anyway = 'say force to switch it off all the same';
  const alive = stagedHosts(turn).find((member) => !isSurelyOff(turn)(member));
  if (alive !== undefined) return `${alive[0].id} is not seen to be off, and may live from ${pack}: ${anyway}`;
  if (turn.state.phase === 'dark') return undefined;
  return `whatever lives from ${pack} would lose its power, this program too: ${anyway}`;
}

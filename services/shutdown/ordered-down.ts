import { type Answer, accept } from './answer.ts';
import { isOrderedDown, onMains, stagedHosts } from './goal.ts';
import { callOff } from './rehearsal.ts';
import type { Turn } from './turn.ts';

/**
 * An order to go down that is given while mains is there (`upsmon -c fsd`, or the primary of a UPS that is about to be
 * switched off). NUT's clients obey it whatever the mains, and so does the rack. It was seen to be raised: a flag that
 * upsd kept from an outage is no order (`ups-orders.ts`). It lasts until the UPS is seen without its flag again, for
 * upsd may be silent for as long as its own machine is down, or until a person overrules it.
 */
export function followOrder(turn: Turn): void {
  const { orderedDown } = turn.state;
  if (orderedDown === undefined) begin(turn);
  else if (isTakenBack(turn, orderedDown.ups)) end(turn, orderedDown.ups);
  // An outage in between called all stages back when mains returned.
  if (isOrderedDown(turn.state) && onMains(turn.state)) turn.beginAll('external');
}

function begin(turn: Turn): void {
  const { forcedShutdown, mains, wallMs } = turn.rack;
  if (!forcedShutdown?.onMains || mains.verdict !== 'present' || !onMains(turn.state)) return;
  if (stagedHosts(turn).length === 0) return;
  const { ups, because } = forcedShutdown;
  callOff(turn, because);
  const runId = turn.state.runId ?? `order-${new Date(wallMs).toISOString().replace(/[:.]/g, '-')}`;
  turn.write({ kind: 'ordered-down', ups, began: true, because, runId });
}

/** Not while it is not heard: what it says is not known. */
function isTakenBack({ rack }: Turn, ups: string): boolean {
  const observed = rack.ups?.[ups];
  return observed === undefined || (observed.freshness === 'fresh' && !observed.sample?.forcedShutdown);
}

function end(turn: Turn, ups: string): void {
  const followed = isOrderedDown(turn.state);
  turn.write({ kind: 'ordered-down', ups, began: false, because: `ups ${ups} no longer orders it` });
  if (followed) callBack(turn);
}

/** A person wants the rack up although the UPS says otherwise; that holds until the UPS takes its order back. */
export function overrule(turn: Turn, ups: string): Answer {
  turn.write({ kind: 'ordered-down', ups, began: true, overruled: true, because: 'overruled by a person' });
  callBack(turn);
  return accept(`the order of ups ${ups} is overruled; what was taken down comes back`);
}

function callBack(turn: Turn): void {
  if (!onMains(turn.state)) return;
  for (const stage of turn.state.stages) {
    if (stage.beganMs !== undefined) turn.write({ kind: 'stage', stage: stage.name, began: false });
  }
}

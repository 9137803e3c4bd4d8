import { type Answer, accept, refuse } from './answer.ts';
import { isOrderedDown, onMains, stagedHosts } from './goal.ts';
import { callOff } from './rehearsal.ts';
import type { Turn } from './turn.ts';

/**
 * An order to go down that is given while mains is there: by a person, or by a UPS (`upsmon -c fsd`, or the primary of
 * one that is about to be switched off). NUT's clients obey it whatever the mains, and so does the rack. It was seen to
 * be raised: a flag that upsd kept from an outage is no order (`ups-orders.ts`). It lasts until the UPS is seen without
 * its flag again, for upsd may be silent for as long as its own machine is down, or until a person ends it.
 */
export function followOrder(turn: Turn): void {
  const { orderedDown } = turn.state;
  if (orderedDown === undefined) beginFor(turn);
  else if (orderedDown.ups !== undefined && isTakenBack(turn, orderedDown.ups)) end(turn, orderedDown.ups);
  // An outage in between called all stages back when mains returned.
  if (isOrderedDown(turn.state) && onMains(turn.state))
    turn.beginAll(turn.state.orderedDown?.ups === undefined ? 'operator' : 'external');
}

/** A shutdown that a person wants while mains is there: to move the rack, or to work on its supply. */
export function beginByHand(turn: Turn): Answer {
  if (stagedHosts(turn).length === 0) return refuse('no stage has a host');
  if (isOrderedDown(turn.state)) return refuse('everything is ordered down already');
  begin(turn, { because: 'ordered by a person' });
  return accept('everything goes down, and stays down until an abort');
}

function beginFor(turn: Turn): void {
  const { forcedShutdown, mains } = turn.rack;
  if (!forcedShutdown?.onMains || mains.verdict !== 'present' || !onMains(turn.state)) return;
  if (stagedHosts(turn).length > 0) begin(turn, forcedShutdown);
}

function begin(turn: Turn, { ups, because }: { readonly ups?: string; readonly because: string }): void {
  callOff(turn, because);
  const runId = turn.state.runId ?? `order-${new Date(turn.rack.wallMs).toISOString().replace(/[:.]/g, '-')}`;
  turn.write({ kind: 'ordered-down', ...(ups === undefined ? {} : { ups }), began: true, because, runId });
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

/** A person wants the rack up: the order of a UPS is overruled until it takes it back, one by hand is over. */
export function overrule(turn: Turn): Answer {
  const { ups } = turn.state.orderedDown ?? {};
  if (ups === undefined) turn.write({ kind: 'ordered-down', began: false, because: 'taken back by a person' });
  else turn.write({ kind: 'ordered-down', ups, began: true, overruled: true, because: 'overruled by a person' });
  callBack(turn);
  const order = ups === undefined ? 'the order is taken back' : `the order of ups ${ups} is overruled`;
  return accept(`${order}; what was taken down comes back`);
}

function callBack(turn: Turn): void {
  if (!onMains(turn.state)) return;
  for (const stage of turn.state.stages) {
    if (stage.beganMs !== undefined) turn.write({ kind: 'stage', stage: stage.name, began: false });
  }
}

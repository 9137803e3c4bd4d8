import type { Answer } from './answer.ts';
import type { LeaseOrder, LeaseView } from './leadership.ts';
import { type AgedState, older, type SharedState } from './shared-state.ts';
import type { CoordinatorState, JournalEntry } from './state.ts';

/** What the coordinator needs of the lease, where two management nodes share a rack. */
export interface Lead {
  /** Called once, with what the journal says of an earlier life, before anything else. `onChange`: the role changed. */
  begin(before: CoordinatorState['lease'], onChange: () => void): void;
  /** The role at this very moment: a program that stood still does not know whether it still acts. */
  view(): LeaseView;
  /** Tells the other node how things stand. Never blocks; only the newest state counts. */
  share(state: AgedState): void;
  /** What the node that acts, or acted last, said most recently. */
  shared(): SharedState | undefined;
  /** A person takes the role for this node, or gives it away. */
  order(order: LeaseOrder): Answer;
}

/** What goes into the journal because of the role; nothing while it is as the journal has it. Pure. */
export function leadEntries(
  lease: CoordinatorState['lease'],
  view: LeaseView,
  shared: SharedState | undefined,
  begins: boolean,
  wallMs: number,
): JournalEntry[] {
  const { role, epoch, holder } = view;
  if (role === 'acting') {
    const entries: JournalEntry[] = [];
    if (begins && shared !== undefined && isNewer(shared, lease, view.self))
      entries.push({ kind: 'adopted', from: shared.holder, epoch: shared.epoch, state: asOf(shared, wallMs) });
    if (lease?.acting !== true || lease.epoch !== epoch) entries.push({ kind: 'lease', epoch, acting: true });
    return entries;
  }
  // While it is unknown who acts, the journal goes on saying what was true last: after a restart that matters.
  if (role === 'unknown' || lease?.acting !== true) return [];
  return [{ kind: 'lease', epoch, acting: false, ...(holder === undefined ? {} : { holder }) }];
}

/** What we told ourselves in an earlier life is in our journal, and later. */
function isNewer(shared: SharedState, lease: CoordinatorState['lease'], self: string): boolean {
  const known = lease?.epoch ?? 0;
  return shared.epoch > known || (shared.epoch === known && shared.holder !== self);
}

/** The shared state with its times as ages at `wallMs`; the clocks of two machines do not agree to the second. */
export function asOf({ state, wallMs: saidMs }: SharedState, wallMs: number): AgedState {
  return older(state, Math.max(0, wallMs - saidMs));
}

/** To an order that is given to the node that watches. */
export function refusal({ role, holder, self }: LeaseView): string {
  if (role === 'unknown')
    return 'this node does not know yet whether the other one acts; ask again in a minute, or ask the other one';
  if (holder === undefined || holder === self) return 'this node watches, and nobody is known to act';
  return `this node only watches: give the order to ${holder}, which acts`;
}

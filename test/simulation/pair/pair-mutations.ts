import type { Lead } from '../../../services/shutdown/lead.ts';
import type { LeaseView } from '../../../services/shutdown/leadership.ts';
import type { PairMutation } from './pair-story.ts';

/** What is promised of two nodes, broken on purpose. The simulation must notice every one. */
export const PAIR_MUTATIONS: readonly PairMutation[] = [
  {
    name: 'never looks at the lease',
    breaks: 'of two nodes one acts, and one does',
    lead: (lead) => seeing(lead, (view) => ({ ...view, role: 'acting' })),
  },
  {
    name: 'keeps the role once it has it: a higher epoch does not fence it off',
    breaks: 'of two nodes one acts, and one does',
    lead: stubborn,
  },
  { name: 'goes on after it stood still, without asking', breaks: 'of two nodes one acts, and one does', dozes: true },
  {
    name: 'takes over without what the other one knew',
    breaks: 'no node is left cordoned',
    lead: (lead) => ({ ...bound(lead), shared: () => undefined }),
  },
  {
    name: 'watches for ever',
    breaks: 'of two nodes one acts, and one does',
    lead: (lead) => seeing(lead, (view) => ({ ...view, role: 'watching' })),
  },
];

function bound(lead: Lead): Lead {
  return {
    begin: (...args) => lead.begin(...args),
    view: () => lead.view(),
    share: (state) => lead.share(state),
    shared: () => lead.shared(),
    order: (order) => lead.order(order),
  };
}

const seeing = (lead: Lead, see: (view: LeaseView) => LeaseView): Lead => ({
  ...bound(lead),
  view: () => see(lead.view()),
});

function stubborn(lead: Lead): Lead {
  let held: LeaseView | undefined;
  return seeing(lead, (view) => {
    if (view.role === 'acting') held = view;
    return held ?? view;
  });
}

import type { Rack } from '../rack/rack.ts';
import { portOf, reachable } from './evidence.ts';
import { isOrderedDown, orderedBy } from './goal.ts';
import type { HostPolicy, Policy } from './policy.ts';
import { restoreGate } from './restore-gate.ts';
import type { CoordinatorState } from './state.ts';
import type { CoordinatorView, HostView, Schedule } from './view.ts';

/** What the outside sees of the coordinator. Monotonic times become wall times. Pure. */
export function picture(state: CoordinatorState, schedule: Schedule, rack: Rack, policy: Policy): CoordinatorView {
  const wallOf = (monoMs: number): number => Math.round(rack.wallMs - (rack.monoMs - monoMs));
  const onBattery = state.phase !== 'mains' && state.phase !== 'restoring';
  const heldForS = ((state.holdUntilMs ?? 0) - rack.monoMs) / 1000;
  const waits = !onBattery && Object.values(state.hosts).some(({ phase }) => phase === 'cut' || phase === 'halted');
  const waitingFor = waits ? restoreGate(state, rack, policy) : undefined;
  return {
    phase: state.phase,
    sinceWallMs: wallOf(state.phaseSinceMs),
    ...(state.runId === undefined ? {} : { runId: state.runId }),
    ...(onBattery && state.outageSinceMs !== undefined
      ? { onBatteryS: (rack.monoMs - state.outageSinceMs) / 1000 }
      : {}),
    schedule,
    ...(waitingFor === undefined ? {} : { waitingFor }),
    ...(heldForS > 0 ? { heldForS } : {}),
    ...(state.rehearsal === undefined
      ? {}
      : { rehearsal: { stage: state.rehearsal.stage, depth: state.rehearsal.depth } }),
    ...(state.orderedDown !== undefined && isOrderedDown(state) ? { orderedDown: orderedBy(state.orderedDown) } : {}),
    hosts: Object.values(policy.hosts).map((host) => viewHost(host, state, rack, wallOf)),
  };
}

function viewHost(host: HostPolicy, state: CoordinatorState, rack: Rack, wallOf: (monoMs: number) => number): HostView {
  const known = state.hosts[host.id];
  const answers = reachable(rack, host);
  const measured = portOf(rack, host);
  const measuredW = measured.observed?.freshness === 'fresh' ? measured.port?.powerW : undefined;
  return {
    id: host.id,
    phase: known?.phase ?? 'up',
    sinceWallMs: wallOf(known?.sinceMs ?? state.phaseSinceMs),
    ...(host.stage === undefined ? {} : { stage: host.stage }),
    ...(host.node === undefined ? {} : { node: host.node }),
    ...(host.switchId === undefined ? {} : { switchId: host.switchId }),
    ...(host.port === undefined ? {} : { port: host.port }),
    protected: host.protected,
    ...(answers === undefined ? {} : { reachable: answers }),
    ...(measuredW === undefined ? {} : { powerW: measuredW }),
    forced: known?.forced ?? false,
    ...(known?.trouble === undefined ? {} : { trouble: known.trouble }),
    ...(known?.skipped ? { skipped: true } : {}),
  };
}

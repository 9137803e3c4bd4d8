import type { Rack } from '../rack/rack.ts';
import { secondsUntilWindow } from './clock-window.ts';
import { CHAIN_EFFICIENCY, energyOf } from './energy.ts';
import { drawW, servesTheApi } from './evidence.ts';
import { isOff, type Member, membersOf, takesPart } from './goal.ts';
import { plannedStepS, takenBy } from './learned.ts';
import type { Policy, StagePolicy } from './policy.ts';
import { planSchedule, type StagePlan } from './schedule.ts';
import type { CoordinatorState } from './state.ts';
import type { Schedule } from './view.ts';

/** Mains is away as far as the coordinator is concerned. */
export const livesOffBattery = (state: CoordinatorState): boolean =>
  state.phase !== 'mains' && state.phase !== 'restoring';

/** The schedule for the rack as it is: live while mains is away, otherwise what would happen if it failed now. */
export function forecast(
  state: CoordinatorState,
  rack: Rack,
  policy: Policy,
  spentWh: number,
  otherW?: number,
): Schedule {
  const onBattery = livesOffBattery(state);
  const energy = energyOf(rack, policy, state, onBattery, spentWh, otherW);
  return planSchedule({
    basis: onBattery ? 'live' : 'if-mains-failed',
    ...(energy.usableWh === undefined ? {} : { usableWh: energy.usableWh }),
    fullWh: energy.fullWh,
    ...(energy.socRatio === undefined ? {} : { socRatio: energy.socRatio }),
    reserveWh: policy.reserveRatio * energy.fullWh,
    margin: policy.margin,
    loadW: energy.loadW,
    onBatteryS: onBattery && state.outageSinceMs !== undefined ? (rack.monoMs - state.outageSinceMs) / 1000 : 0,
    held: state.holdUntilMs !== undefined && rack.monoMs < state.holdUntilMs,
    stages: policy.stages.map((stage) => planStage(state, rack, policy, stage, onBattery)),
  });
}

/**
 * Energy to put the whole rack to bed once more with everything running, reserve included, Wh. Mains may fail again
 * the minute after machines were started, so less than this must not start them.
 */
export function wholeShutdownWh(state: CoordinatorState, rack: Rack, policy: Policy): number {
  const { loadW, fullWh } = energyOf(rack, policy, state, false);
  let wholeLoadW = loadW;
  let durationS = 0;
  for (const stage of policy.stages) {
    const hosts = membersOf(state, policy, stage.name);
    durationS += plannedS(rack, policy, stage, hosts);
    for (const [host, each] of hosts) {
      if (each.phase === 'cut' || each.phase === 'halted')
        wholeLoadW += (each.drawBeforeW ?? host.powerW) / CHAIN_EFFICIENCY;
    }
  }
  return policy.reserveRatio * fullWh + (wholeLoadW * durationS) / 3600;
}

function planStage(
  state: CoordinatorState,
  rack: Rack,
  policy: Policy,
  stage: StagePolicy,
  onBattery: boolean,
): StagePlan {
  const beganMs = state.stages.find(({ name }) => name === stage.name)?.beganMs;
  const hosts = membersOf(state, policy, stage.name).filter(takesPart);
  const durationS = plannedS(rack, policy, stage, hosts);
  const elapsedS = beganMs === undefined ? 0 : (rack.monoMs - beganMs) / 1000;
  // A cautious drop: what the ports show, without the losses before them that go away as well.
  const dropW = hosts.reduce((sum, [host, each]) => sum + (isOff(host, each) ? 0 : drawW(rack, host)), 0);
  return {
    name: stage.name,
    hosts: stage.hosts,
    state: stageState(hosts, beganMs, onBattery),
    dropW,
    durationS: Math.max(1, durationS - elapsedS),
    ...(stage.afterS === undefined ? {} : { afterS: stage.afterS }),
    ...(stage.belowSoc === undefined ? {} : { belowSoc: stage.belowSoc }),
    ...(stage.belowRuntimeS === undefined ? {} : { belowRuntimeS: stage.belowRuntimeS }),
    ...(stage.fasterThanPerH === undefined ? {} : { fasterThanPerH: stage.fasterThanPerH }),
    ...(stage.windows === undefined
      ? {}
      : { windowInS: secondsUntilWindow(rack.wallMs, stage.windows, policy.timeZone) }),
  };
}

function stageState(hosts: readonly Member[], beganMs: number | undefined, onBattery: boolean): StagePlan['state'] {
  const somebody = hosts.length > 0 || beganMs !== undefined;
  if (somebody && hosts.every(([host, state]) => isOff(host, state))) return 'down';
  if (beganMs !== undefined) return 'going-down';
  if (!onBattery && hosts.some(([, state]) => state.phase !== 'up')) return 'coming-back';
  return 'waiting';
}

/** Planned time from begin to the last cut, with margin, s; only what this stage has to do. */
function plannedS(rack: Rack, policy: Policy, stage: StagePolicy, hosts: readonly Member[]): number {
  const { expectS, margin, learned } = policy;
  const unlimited = Number.POSITIVE_INFINITY;
  const step = (name: 'cordon' | 'drain' | 'halt' | 'cut', limitS = unlimited): number => {
    const taken = learned === undefined ? undefined : takenBy(learned, name, stage);
    return Math.min(plannedStepS(taken, Math.min(expectS[name], limitS), margin), limitS * margin);
  };
  const nodes = hosts.filter(([host]) => host.node !== undefined);
  const servers = nodes.filter(([host]) => servesTheApi(rack, policy, host));
  // Servers go when the workers are off: where one stage has both, it halts twice.
  const halts = servers.length > 0 && servers.length < nodes.length ? 2 : 1;
  const longestHaltS = Math.max(0, ...hosts.map(([host]) => host.haltTimeoutS));
  return (
    (nodes.length > 0 ? step('cordon') + step('drain', stage.drainTimeoutS) : 0) +
    halts * step('halt', longestHaltS) +
    (hosts.some(([host]) => host.cuttable) ? step('cut') : 0)
  );
}

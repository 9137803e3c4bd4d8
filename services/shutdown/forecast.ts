import type { Rack } from '../rack/rack.ts';
import { CHAIN_EFFICIENCY, energyOf } from './energy.ts';
import { drawW } from './evidence.ts';
import { isOff, type Member, membersOf } from './goal.ts';
import type { Policy, StagePolicy } from './policy.ts';
import { planSchedule, type StagePlan } from './schedule.ts';
import type { CoordinatorState } from './state.ts';
import type { Schedule } from './view.ts';

/** Mains is away as far as the coordinator is concerned. */
export const livesOffBattery = (state: CoordinatorState): boolean =>
  state.phase !== 'mains' && state.phase !== 'restoring';

/** The schedule for the rack as it is: live while mains is away, otherwise what would happen if it failed now. */
export function forecast(state: CoordinatorState, rack: Rack, policy: Policy, spentWh: number): Schedule {
  const onBattery = livesOffBattery(state);
  const energy = energyOf(rack, policy, state, onBattery, spentWh);
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
    durationS += plannedS(policy, stage, hosts);
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
  const hosts = membersOf(state, policy, stage.name);
  const durationS = plannedS(policy, stage, hosts);
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
  };
}

function stageState(hosts: readonly Member[], beganMs: number | undefined, onBattery: boolean): StagePlan['state'] {
  if (hosts.length > 0 && hosts.every(([host, state]) => isOff(host, state))) return 'down';
  if (beganMs !== undefined) return 'going-down';
  if (!onBattery && hosts.some(([, state]) => state.phase !== 'up')) return 'coming-back';
  return 'waiting';
}

/** Expected time from begin to the last cut, with margin, s; only what this stage has to do. */
function plannedS(policy: Policy, stage: StagePolicy, hosts: readonly Member[]): number {
  const { expectS, margin } = policy;
  const hasNodes = hosts.some(([host]) => host.node !== undefined);
  const longestHaltS = Math.max(0, ...hosts.map(([host]) => host.haltTimeoutS));
  const sumS =
    (hasNodes ? expectS.cordon + Math.min(expectS.drain, stage.drainTimeoutS) : 0) +
    Math.min(expectS.halt, longestHaltS) +
    (hosts.some(([host]) => host.cuttable) ? expectS.cut : 0);
  return sumS * margin;
}

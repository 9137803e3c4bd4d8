import type { CoordinatorState } from '../../../services/shutdown/state.ts';
import type { Machine } from '../../../services/twin/world/machine.ts';
import type { TroubledRack } from './troubled-rack.ts';

/** What is not as it was before the first outage. `cordonedBefore`: hosts whose node a person had cordoned. */
export function complaintsOf(
  rack: TroubledRack,
  state: CoordinatorState,
  cordonedBefore: ReadonlySet<string>,
): string[] {
  return [
    ...(state.phase === 'mains' ? [] : [`phase is ${state.phase}`]),
    ...(state.runId === undefined ? [] : ['the run is not closed']),
    ...((state.outputsOff ?? []).length === 0 ? [] : ['an output counts as off']),
    ...[...rack.machines.values()].flatMap((machine) => [
      ...ofMachine(rack, machine, state),
      ...ofNode(rack, machine.id, cordonedBefore.has(machine.id)),
    ]),
  ];
}

function ofMachine(rack: TroubledRack, { id, state, port }: Machine, { hosts }: CoordinatorState): string[] {
  const known = hosts[id];
  return [
    ...(state === 'running' ? [] : [`${id} is ${state}`]),
    ...(port === undefined || isOn(rack, port) ? [] : [`${id}: port is off`]),
    ...(known?.phase === 'up' ? [] : [`${id} counts as ${known?.phase} (${known?.trouble ?? ''})`]),
  ];
}

function ofNode(rack: TroubledRack, id: string, cordoned: boolean): string[] {
  const node = rack.node(id);
  if (node === undefined) return [];
  return [
    ...(node.unschedulable === cordoned ? [] : [`${id}: schedulable differs from before`]),
    ...(node.mark === undefined ? [] : [`${id}: our mark is left`]),
  ];
}

function isOn(rack: TroubledRack, port: string): boolean {
  const [id = '', number] = port.split('/');
  return rack.switchSample(id, undefined).ports.find((each) => each.port === number)?.enabled ?? false;
}

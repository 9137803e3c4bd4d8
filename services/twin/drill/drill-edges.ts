import type { Config } from '../../config/schema.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Edges } from '../../shutdown/executor.ts';
import type {
  ChargerControl,
  ClusterControl,
  DrainReport,
  HostControl,
  Outcome,
  PoeSwitch,
} from '../../shutdown/promises.ts';
import type { DrillRack } from './drill-rack.ts';

/** How long things take that a drill does not see happen, s. */
export interface DrillTimes {
  readonly callS: number;
  readonly portS: number;
  readonly drainS: number;
}

const done: Outcome = { code: 'done' };
const gone: Outcome = { code: 'unreachable', detail: 'the API does not answer' };

/** The promises of the coordinator, kept by a rack in numbers; nothing leaves the process. */
export function drillEdges(config: Config, rack: DrillRack, clock: Clock, times: DrillTimes): Edges {
  const hosts = config.hosts.map((host) => [host.id, hostOf(host.id, rack, clock, times)] as const);
  const switches = config.switches.map((each) => [each.id, switchOf(each, rack, clock, times)] as const);
  return {
    hosts: Object.fromEntries(hosts),
    switches: Object.fromEntries(switches),
    ...(config.charger === undefined ? {} : { charger: chargerOf(rack, clock, times) }),
    ...(config.cluster === undefined ? {} : { cluster: clusterOf(rack, clock, times) }),
  };
}

const chargerOf = (rack: DrillRack, clock: Clock, { callS }: DrillTimes): ChargerControl => ({
  setCurrent: async (amps) => {
    await clock.sleep(callS * 1000);
    rack.chargerA = amps;
    return done;
  },
});

function hostOf(id: string, rack: DrillRack, clock: Clock, { callS }: DrillTimes): HostControl {
  const machine = () => rack.machines.get(id);
  return {
    id,
    halt: async () => {
      await clock.sleep(callS * 1000);
      if (machine()?.state !== 'running') return { code: 'unreachable', detail: 'does not answer' };
      machine()?.halt();
      return done;
    },
    wake: async () => {
      await clock.sleep(callS * 1000);
      machine()?.wake();
      return done;
    },
    reachable: () => Promise.resolve(machine()?.state === 'running'),
  };
}

function switchOf(
  { id, budgetW }: { id: string; budgetW?: number | undefined },
  rack: DrillRack,
  clock: Clock,
  { portS }: DrillTimes,
): PoeSwitch {
  const isOn = (port: string): boolean =>
    rack.switchSample(id, budgetW).ports.find((each) => each.port === port)?.enabled ?? true;
  return {
    id,
    read: () => Promise.resolve(rack.switchSample(id, budgetW)),
    setPorts: async (ports, enabled) => {
      await clock.sleep(portS * 1000);
      if (rack.silent(id)) return ports.map((port) => ({ port, code: 'unreachable' as const }));
      for (const port of ports) rack.setPort(`${id}/${port}`, enabled);
      return ports.map((port) => ({ port, code: isOn(port) === enabled ? ('done' as const) : ('disobeyed' as const) }));
    },
    close: () => Promise.resolve(),
  };
}

function clusterOf(rack: DrillRack, clock: Clock, { callS, drainS }: DrillTimes): ClusterControl {
  const call = async (): Promise<boolean> => {
    await clock.sleep(callS * 1000);
    return rack.apiAvailable;
  };
  return {
    observe: () => Promise.resolve(rack.clusterSample()),
    cordon: async (name, runId) => {
      if (!(await call())) return gone;
      const node = rack.node(name);
      if (node === undefined) return { code: 'refused', detail: `no node ${name}` };
      if (node.unschedulable && node.mark === undefined) return { code: 'left-alone' };
      Object.assign(node, { unschedulable: true, mark: runId });
      return done;
    },
    uncordon: async (name, runId) => {
      if (!(await call())) return gone;
      const node = rack.node(name);
      if (node?.mark !== runId) return { code: 'left-alone' };
      Object.assign(node, { unschedulable: false, mark: undefined });
      return done;
    },
    drain: async (nodes, { deadlineMs, signal, onDrained }): Promise<DrainReport> => {
      const nothing = { evicted: 0, overridden: [], left: [], errors: [] };
      if (!(await call())) return { ...nothing, errors: [gone.detail ?? ''] };
      const wait = (ms: number): Promise<void> => clock.sleep(Math.max(0, ms), signal).catch(() => {});
      const stuck = nodes.filter((node) => rack.isStuck(node));
      // One after the other, the last of them after the whole time.
      const eachMs = Math.min(drainS * 1000, deadlineMs) / nodes.length;
      for (const node of nodes) {
        await wait(eachMs);
        if (!rack.apiAvailable) return { ...nothing, left: [`pods on ${node}`], errors: [gone.detail ?? ''] };
        if (!stuck.includes(node) && !signal.aborted) onDrained(node);
      }
      if (stuck.length === 0) return nothing;
      await wait(deadlineMs - drainS * 1000);
      return { ...nothing, left: stuck.map((node) => `pods on ${node}`) };
    },
    close: () => Promise.resolve(),
  };
}

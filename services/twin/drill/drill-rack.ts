import type { MeterSample, PackSample } from '#bms/model';
import type { Config } from '../../config/schema.ts';
import type { ClusterSample, HostSample, NodeSample, SwitchSample } from '../../rack/samples.ts';
import { isAlive, Machine } from '../world/machine.ts';
import { DrillBank, type DrillPackPlan } from './drill-bank.ts';

/** What goes wrong in a drill, named as on the command line. */
export interface DrillFaults {
  /** Devices that fall silent when mains goes away: ids of packs, meters and switches, or `api`. */
  readonly silent: ReadonlySet<string>;
  /** Hosts that never halt. */
  readonly hang: ReadonlySet<string>;
  /** Switches that say yes and do nothing. */
  readonly disobey: ReadonlySet<string>;
  /** Nodes whose pods never leave; `all` for every one. */
  readonly stuck: ReadonlySet<string>;
  /** Packs with a cell that is empty long before the others. */
  readonly weak?: ReadonlySet<string>;
}

export interface DrillRackPlan {
  readonly config: Config;
  readonly packs: readonly DrillPackPlan[];
  /** Draw of each host, W. */
  readonly hostW: Readonly<Record<string, number>>;
  /** What the bank feeds besides the hosts, W. */
  readonly otherW: number;
  readonly haltS: Readonly<Record<string, number>>;
  readonly bootS: number;
  readonly controlPlane: ReadonlySet<string>;
  readonly faults: DrillFaults;
  /** How fast mains charges the bank, as a multiple of its capacity per hour; 0.2 when absent. */
  readonly chargeC?: number;
  readonly seed: number;
  readonly wallMs: number;
}

interface NodeState {
  unschedulable: boolean;
  mark: string | undefined;
  heartbeatS: number;
}

/** Node watts to watts at the pack: PoE, its supply, the inverter; the same figure the coordinator uses. */
const CHAIN_EFFICIENCY = 0.8;
const CHARGE_C = 0.2;
const CHARGER_EFFICIENCY = 0.92;
/** The API calls a node NotReady so long after its last sign of life, s. */
const NOT_READY_S = 40;
const HALTED_W = 1.2;

/** Somebody's rack in numbers: hosts that take their time, ports, nodes, and a bank that runs down. Moves by `step`. */
export class DrillRack {
  timeS = 0;
  mains = true;
  readonly machines: ReadonlyMap<string, Machine>;
  readonly bank: DrillBank;
  /** What its charger is set to, A; absent: it cannot be set. */
  chargerA: number | undefined;
  /** Hosts that lost power while they were running. */
  readonly casualties: { readonly atS: number; readonly host: string; readonly why: 'cut' | 'battery empty' }[] = [];
  readonly #plan: DrillRackPlan;
  readonly #portOff = new Set<string>();
  readonly #nodes = new Map<string, NodeState>();

  constructor(plan: DrillRackPlan) {
    this.#plan = plan;
    this.bank = new DrillBank(plan.packs);
    this.chargerA = plan.config.charger?.normalA;
    const site = {
      nowS: () => this.timeS,
      haltIgnored: (id: string) => plan.faults.hang.has(id),
      changed: () => {},
    };
    const machines = plan.config.hosts.map((host) => {
      const runningW = plan.hostW[host.id] ?? host.powerW;
      const options = {
        id: host.id,
        runningW,
        haltedW: Math.min(HALTED_W, runningW / 4),
        bootS: plan.bootS,
        haltS: plan.haltS[host.id] ?? 10,
        wakeable: host.wake !== undefined,
        noiseRatio: 0,
        ...(host.node === undefined ? {} : { node: host.node }),
        ...(host.poe === undefined ? {} : { port: host.poe }),
      };
      const machine = new Machine(options, site, plan.seed);
      machine.startRunning();
      return [host.id, machine] as const;
    });
    this.machines = new Map(machines);
    for (const { node } of plan.config.hosts)
      if (node !== undefined) this.#nodes.set(node, { unschedulable: false, mark: undefined, heartbeatS: 0 });
  }

  /** What the bank would have to feed, W. */
  get loadW(): number {
    let hostsW = 0;
    for (const machine of this.machines.values()) if (this.#isFed(machine)) hostsW += machine.powerW;
    return this.#plan.otherW + hostsW / CHAIN_EFFICIENCY;
  }

  get apiAvailable(): boolean {
    if (this.silent('api')) return false;
    const planes = [...this.#plan.controlPlane].map((id) => this.machines.get(id));
    const running = planes.filter((machine) => machine?.state === 'running').length;
    return planes.length === 0 || running > planes.length / 2;
  }

  silent(what: string): boolean {
    return !this.mains && this.#plan.faults.silent.has(what);
  }

  step(dtS: number): void {
    this.timeS += dtS;
    if (this.mains) this.bank.step(this.#chargeW(), dtS);
    else this.bank.step(-this.loadW, dtS);
    for (const machine of this.machines.values()) machine.advance();
    if (this.bank.open && !this.mains) this.#starveAll();
    for (const [name, node] of this.#nodes) {
      if (this.#machineOf(name)?.state === 'running' && this.timeS - node.heartbeatS >= 10)
        node.heartbeatS = this.timeS;
    }
  }

  setMains(present: boolean): void {
    this.mains = present;
    if (!present) return;
    this.bank.open = false;
    for (const machine of this.machines.values()) if (this.#isFed(machine)) machine.feed();
  }

  setPort(port: string, on: boolean): void {
    if (this.#plan.faults.disobey.has(port.split('/')[0] ?? '')) return;
    const machine = [...this.machines.values()].find((each) => each.port === port);
    if (on) this.#portOff.delete(port);
    else this.#portOff.add(port);
    if (machine === undefined) return;
    if (on) machine.feed();
    else this.#starve(machine, 'cut');
  }

  node(name: string): NodeState | undefined {
    return this.#nodes.get(name);
  }

  isStuck(node: string): boolean {
    return this.#plan.faults.stuck.has('all') || this.#plan.faults.stuck.has(node);
  }

  packSample(id: string): PackSample {
    return this.bank.sample(id, this.#wallMs());
  }

  /** @param of how many meters share what the circuit carries */
  meterSample(of = 1): MeterSample {
    const { volts } = this.#plan.config.site.circuit;
    if (!this.mains) return { kind: 'meter', measuredAtMs: this.#wallMs(), voltageV: 0, currentA: 0, powerW: 0 };
    const powerW = (this.loadW * 0.93 + this.#chargeW() / CHARGER_EFFICIENCY) / of;
    const currentA = powerW / volts / 0.95;
    return { kind: 'meter', measuredAtMs: this.#wallMs(), voltageV: volts, currentA, powerW };
  }

  switchSample(id: string, budgetW: number | undefined): SwitchSample {
    const ports = [...this.machines.values()]
      .filter(({ port }) => port?.startsWith(`${id}/`))
      .map((machine) => {
        const port = machine.port ?? '';
        const enabled = !this.#portOff.has(port);
        const delivering = enabled && machine.state !== 'off';
        return {
          port: port.slice(id.length + 1),
          enabled,
          state: delivering ? ('delivering' as const) : enabled ? ('searching' as const) : ('disabled' as const),
          powerW: delivering ? machine.powerW : 0,
        };
      });
    return {
      kind: 'switch',
      measuredAtMs: this.#wallMs(),
      ...(budgetW === undefined ? {} : { budgetW }),
      drawnW: ports.reduce((sum, { powerW }) => sum + powerW, 0),
      totalTrusted: true,
      ports,
    };
  }

  hostSample(id: string): HostSample {
    return { kind: 'host', measuredAtMs: this.#wallMs(), reachable: this.machines.get(id)?.state === 'running' };
  }

  clusterSample(): ClusterSample {
    const nodes = [...this.#nodes].map(([name, node]): NodeSample => {
      const machine = this.#machineOf(name);
      return {
        name,
        ready: this.timeS - node.heartbeatS < NOT_READY_S ? 'true' : 'unknown',
        unschedulable: node.unschedulable,
        ...(node.mark === undefined ? {} : { cordonedBy: node.mark }),
        ...(machine === undefined ? {} : { bootId: machine.bootId }),
        heartbeatAtMs: this.#plan.wallMs + node.heartbeatS * 1000,
        evictablePods: 0,
        controlPlane: machine !== undefined && this.#plan.controlPlane.has(machine.id),
      };
    });
    return { kind: 'cluster', measuredAtMs: this.#wallMs(), serverNowMs: this.#wallMs(), nodes };
  }

  #wallMs(): number {
    return this.#plan.wallMs + this.timeS * 1000;
  }

  #machineOf(node: string): Machine | undefined {
    return [...this.machines.values()].find((machine) => machine.node === node);
  }

  #isFed(machine: Machine): boolean {
    return machine.port === undefined || !this.#portOff.has(machine.port);
  }

  /** As much as the packs take and the circuit has left. */
  #chargeW(): number {
    const { circuit } = this.#plan.config.site;
    const limitW = circuit.volts * circuit.breakerAmps * circuit.continuousRatio * 0.95;
    const wantedW = this.#plan.packs.reduce((sum, { spec }) => {
      return sum + (this.#plan.chargeC ?? CHARGE_C) * spec.capacityAh * spec.cells * spec.chemistry.facts.nominalCellV;
    }, 0);
    if (this.bank.socRatio >= 1) return 0;
    const [first] = this.#plan.packs;
    const busV = first === undefined ? 0 : first.spec.cells * first.spec.chemistry.facts.nominalCellV;
    const setW = this.chargerA === undefined ? Number.POSITIVE_INFINITY : this.chargerA * busV;
    return Math.max(0, Math.min(wantedW, setW, (limitW - this.loadW * 0.93) * CHARGER_EFFICIENCY));
  }

  #starveAll(): void {
    for (const machine of this.machines.values()) this.#starve(machine, 'battery empty');
  }

  #starve(machine: Machine, why: 'cut' | 'battery empty'): void {
    if (isAlive(machine.starve())) this.casualties.push({ atS: this.timeS, host: machine.id, why });
  }
}

import type { WorldPort, WorldSwitch } from '../model.ts';
import { detectionS, type Machine } from './machine.ts';
import { hash32, hashText } from './random.ts';
import { portPowerW, supplyInputW } from './supply.ts';

export interface SwitchOptions {
  /** `sw1` when absent. */
  readonly id?: string;
  /** Ports are named 1 … n; 24 when absent. */
  readonly ports?: number;
  readonly budgetW: number;
  /** Its own draw behind the supply, W; 25 when absent. */
  readonly selfW?: number;
  /** Rated output of its supply, W; budget and 50 W when absent. */
  readonly supplyW?: number;
  /** 802.3 class of a fed device; 3 when absent. */
  readonly poeClass?: number;
  /** From power to the first port being looked at, s; 10 when absent. */
  readonly bootS?: number;
}

/** What a switch needs of the world it stands in. */
export interface SwitchSite {
  nowS(): number;
  disobeys(): boolean;
  portChanged(port: Port): void;
  /** The device on a port lost power. */
  cut(machine: Machine, why: 'disabled' | 'overload' | 'no-power'): void;
  changedFromOutside(): void;
}

/** Class power at the switch, W (802.3af/at/bt). */
const CLASS_W: readonly number[] = [15.4, 4, 7, 15.4, 30, 45, 60, 75, 90];
/** A port that was denied looks again after this, s. */
const RETRY_S = 5;

/** One port of a power sourcing switch. */
export class Port implements WorldPort {
  readonly port: string;
  readonly index: number;
  readonly hostId?: string;
  readonly machine: Machine | undefined;
  enabled = true;
  state: WorldPort['state'] = 'searching';
  priority: 1 | 2 | 3 = 3;
  deniedCount = 0;
  /** When the search ends, s of world time. */
  untilS = Number.POSITIVE_INFINITY;
  searches = 0;
  readonly #class: number;

  constructor(index: number, machine: Machine | undefined, poeClass: number) {
    this.index = index;
    this.port = String(index);
    this.machine = machine;
    if (machine) this.hostId = machine.id;
    this.#class = poeClass;
  }

  get poeClass(): number {
    return this.state === 'delivering' ? this.#class : 0;
  }

  get classW(): number {
    return CLASS_W[this.#class] ?? 15.4;
  }

  get powerW(): number {
    return this.state === 'delivering' && this.machine ? portPowerW(this.machine.powerW) : 0;
  }
}

/** A PoE switch that manages its budget by what is really drawn. The admin state of its ports survives a loss of power. */
export class PoeSwitch implements WorldSwitch {
  readonly id: string;
  readonly budgetW: number;
  readonly ports: readonly Port[];
  powered = true;
  readonly #options: Required<SwitchOptions>;
  readonly #site: SwitchSite;
  readonly #salt: number;
  #readyS = 0;

  constructor(options: SwitchOptions, machines: Iterable<Machine>, site: SwitchSite, seed: number) {
    const { budgetW } = options;
    this.#options = { id: 'sw1', ports: 24, selfW: 25, supplyW: budgetW + 50, poeClass: 3, bootS: 10, ...options };
    this.id = this.#options.id;
    this.budgetW = budgetW;
    this.#site = site;
    this.#salt = hash32(seed, hashText(this.id));
    const byPort = new Map<string, Machine>();
    for (const machine of machines) {
      if (machine.port === undefined) continue;
      if (byPort.has(machine.port)) throw new RangeError(`${machine.id}: port ${machine.port} feeds another machine`);
      byPort.set(machine.port, machine);
    }
    this.ports = Array.from({ length: this.#options.ports }, (_, at) => {
      const machine = byPort.get(String(at + 1));
      byPort.delete(String(at + 1));
      return new Port(at + 1, machine, this.#options.poeClass);
    });
    const [lost] = byPort.values();
    if (lost) throw new RangeError(`${lost.id}: switch ${this.id} has no port ${lost.port}`);
  }

  get drawnW(): number {
    return this.ports.reduce((sum, port) => sum + port.powerW, 0);
  }

  /** What it takes from the AC bus, W. */
  get inputW(): number {
    return this.powered ? supplyInputW(this.#options.selfW + this.drawnW, this.#options.supplyW) : 0;
  }

  /** When something changes by itself, s of world time. */
  get untilS(): number {
    let untilS = Number.POSITIVE_INFINITY;
    for (const port of this.ports) untilS = Math.min(untilS, port.untilS);
    return untilS;
  }

  setEnabled(name: string, enabled: boolean): void {
    const port = this.#port(name);
    if (this.#site.disobeys() || port.enabled === enabled) return;
    port.enabled = enabled;
    if (enabled) this.#search(port);
    else {
      this.#leave(port, 'disabled');
      if (port.machine) this.#site.cut(port.machine, 'disabled');
    }
    this.#site.changedFromOutside();
  }

  setPriority(name: string, priority: 1 | 2 | 3): void {
    const port = this.#port(name);
    if (this.#site.disobeys()) return;
    port.priority = priority;
    this.#site.changedFromOutside();
  }

  /** The whole switch gets or loses power. */
  setPowered(powered: boolean): void {
    if (powered === this.powered) return;
    this.powered = powered;
    this.#readyS = this.#site.nowS() + this.#options.bootS;
    for (const port of this.ports) {
      if (!port.enabled) continue;
      if (powered) this.#search(port);
      else {
        this.#leave(port, 'searching');
        if (port.machine) this.#site.cut(port.machine, 'no-power');
      }
    }
  }

  /** Everything that has a device delivers when the world begins. */
  startDelivering(): void {
    for (const port of this.ports) if (port.machine) port.state = 'delivering';
  }

  /** Every enabled port looks for its device, as after a power-up. */
  startSearching(): void {
    for (const port of this.ports) this.#search(port);
  }

  /** Carries out what was due by now, then sheds ports while more is drawn than the budget allows. */
  advance(): void {
    for (const port of this.ports) if (this.#site.nowS() >= port.untilS) this.#found(port);
    while (this.drawnW > this.budgetW) {
      const last = this.#leastImportant();
      if (!last) return;
      last.deniedCount += 1;
      this.#leave(last, 'searching');
      last.untilS = this.#site.nowS() + RETRY_S;
      if (last.machine) this.#site.cut(last.machine, 'overload');
    }
  }

  #search(port: Port): void {
    port.searches += 1;
    port.state = 'searching';
    const fromS = Math.max(this.#site.nowS(), this.#readyS);
    port.untilS =
      this.powered && port.machine
        ? fromS + detectionS(this.#salt, port.index, port.searches)
        : Number.POSITIVE_INFINITY;
    this.#site.portChanged(port);
  }

  #found(port: Port): void {
    if (this.drawnW + port.classW > this.budgetW) {
      port.deniedCount += 1;
      port.untilS = this.#site.nowS() + RETRY_S;
      return;
    }
    port.untilS = Number.POSITIVE_INFINITY;
    port.state = 'delivering';
    this.#site.portChanged(port);
    port.machine?.feed();
  }

  #leave(port: Port, state: 'disabled' | 'searching'): void {
    const changes = port.state !== state;
    port.state = state;
    port.untilS = Number.POSITIVE_INFINITY;
    if (changes) this.#site.portChanged(port);
  }

  #leastImportant(): Port | undefined {
    return this.ports
      .filter((port) => port.state === 'delivering' && port.machine)
      .toSorted((a, b) => b.priority - a.priority || b.index - a.index)[0];
  }

  #port(name: string): Port {
    const port = this.ports.find((candidate) => candidate.port === name);
    if (!port) throw new RangeError(`switch ${this.id} has no port ${JSON.stringify(name)}`);
    return port;
  }
}

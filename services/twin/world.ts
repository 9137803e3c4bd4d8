import type { MachineState, World, WorldFaults, WorldHost } from './model.ts';
import { isAlive, Machine, type MachineOptions } from './world/machine.ts';
import { type FeedOptions, MainsMeter } from './world/mains-meter.ts';
import { type PackOptions, SimPack } from './world/pack.ts';
import { PoeSwitch, type Port, type SwitchOptions } from './world/poe-switch.ts';
import { Charger, type ChargerOptions } from './world/supply.ts';

export interface WorldOptions {
  /** Same seed, same story; 1 when absent. */
  readonly seed?: number;
  /** The world's wall clock at its beginning, ms since the epoch; 2026-01-01T00:00Z when absent. */
  readonly startWallMs?: number;
  readonly mainsPresent?: boolean;
  /** Everything is up and fed at the beginning; otherwise it starts with the power just switched on. True when absent. */
  readonly startRunning?: boolean;
  readonly pack: PackOptions;
  readonly charger: ChargerOptions;
  /** AC out / DC in; 0.93 when absent. */
  readonly inverterEfficiency?: number;
  readonly switch: SwitchOptions;
  readonly hosts: readonly MachineOptions[];
  readonly feed?: FeedOptions;
}

/** Something that really happened, at its exact moment. */
export interface WorldEvent {
  readonly atS: number;
  readonly kind: 'mains' | 'supply' | 'host' | 'port' | 'fault' | 'violation';
  readonly subject: string;
  readonly detail: string;
}

/** A world with what only its keepers look at. */
export interface SimWorld extends World {
  readonly pack: SimPack;
  /** What all loads together take from the AC bus right now, W. */
  readonly loadW: number;
  /** AC bus is alive: mains, or the inverter. */
  readonly supplied: boolean;
  /** Called at the moment of each event; must not change the world. */
  onEvent(listener: (event: WorldEvent) => void): () => void;
}

/** Longest stretch that is computed at once, s. */
const STRETCH_S = 0.5;
/** Violations beyond this are not kept: a story that broken is told already. */
const VIOLATIONS_KEPT = 1000;

/** A rack that moves only by `step`; deterministic for a seed and for what is done to it from outside. */
export function createWorld(options: WorldOptions): SimWorld {
  return new RackWorld(options);
}

class RackWorld implements SimWorld {
  timeS = 0;
  mainsPresent: boolean;
  supplied = true;
  readonly pack: SimPack;
  readonly meter: MainsMeter;
  readonly switch: PoeSwitch;
  readonly hosts: ReadonlyMap<string, WorldHost>;
  readonly violations: { atS: number; rule: string; detail: string }[] = [];
  readonly faults = {
    silent: new Set<string>(),
    switchDisobeys: false,
    haltIgnored: new Set<string>(),
    stuckBudgets: new Set<string>(),
  };
  readonly #machines: readonly Machine[];
  readonly #charger: Charger;
  readonly #inverterEfficiency: number;
  readonly #startWallMs: number;
  readonly #changeListeners = new Set<() => void>();
  readonly #eventListeners = new Set<(event: WorldEvent) => void>();
  #stepping = false;

  constructor(options: WorldOptions) {
    const { seed = 1, startWallMs = Date.UTC(2026, 0, 1), mainsPresent = true, startRunning = true } = options;
    this.#startWallMs = startWallMs;
    this.mainsPresent = mainsPresent;
    this.#inverterEfficiency = options.inverterEfficiency ?? 0.93;
    this.#charger = new Charger(options.charger);
    this.pack = new SimPack(options.pack, seed);
    this.meter = new MainsMeter(options.feed ?? {}, seed, 120_000);
    this.#machines = options.hosts.map((host) => new Machine(host, this.#machineSite(), seed));
    this.hosts = new Map(this.#machines.map((machine) => [machine.id, machine]));
    if (this.hosts.size !== this.#machines.length) throw new RangeError('two hosts have the same id');
    this.switch = new PoeSwitch(options.switch, this.#machines, this.#switchSite(), seed);
    if (startRunning) {
      for (const machine of this.#machines) machine.startRunning();
      this.switch.startDelivering();
    } else {
      for (const machine of this.#machines) if (machine.port === undefined) machine.feed();
      this.switch.startSearching();
    }
    this.#look();
  }

  get wallMs(): number {
    return this.#startWallMs + this.timeS * 1000;
  }

  get loadW(): number {
    if (!this.supplied) return 0;
    let loadW = this.switch.inputW;
    for (const machine of this.#machines) if (machine.port === undefined) loadW += machine.powerW;
    return loadW;
  }

  setMains(present: boolean): void {
    if (present === this.mainsPresent) return;
    this.mainsPresent = present;
    this.#emit('mains', 'mains', present ? 'returned' : 'lost');
    this.#settleSupply();
    this.#look();
    this.#notify();
  }

  setFault(name: keyof WorldFaults, value: boolean | readonly string[]): void {
    if (name === 'switchDisobeys') {
      if (typeof value !== 'boolean') throw new RangeError('switchDisobeys is true or false');
      this.faults.switchDisobeys = value;
    } else {
      const names = this.faults[name] as Set<string> | undefined;
      if (names === undefined) {
        throw new RangeError(`no such fault: ${name}; one of ${Object.keys(this.faults).join(', ')}`);
      }
      if (value === true) throw new RangeError(`${name} takes a list of names, or false to clear it`);
      names.clear();
      for (const entry of value || []) names.add(entry);
    }
    this.#emit('fault', name, JSON.stringify(value));
    this.#notify();
  }

  step(dtS: number): void {
    if (!(dtS >= 0 && Number.isFinite(dtS))) throw new RangeError(`a world cannot move by ${dtS} s`);
    const targetS = this.timeS + dtS;
    this.#stepping = true;
    try {
      while (this.timeS < targetS) this.#stretch(this.#nextS(targetS));
    } finally {
      this.#stepping = false;
    }
    this.#notify();
  }

  onChange(listener: () => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  onEvent(listener: (event: WorldEvent) => void): () => void {
    this.#eventListeners.add(listener);
    return () => this.#eventListeners.delete(listener);
  }

  /** The next moment anything has to be computed anew: a grid point, or something that falls due. */
  #nextS(targetS: number): number {
    let nextS = Math.min(targetS, (Math.floor(this.timeS / STRETCH_S + 1e-9) + 1) * STRETCH_S);
    const due = (atS: number) => {
      if (atS > this.timeS && atS < nextS) nextS = atS;
    };
    for (const machine of this.#machines) due(machine.untilS);
    due(this.switch.untilS);
    return nextS;
  }

  #stretch(untilS: number): void {
    const dtS = untilS - this.timeS;
    const loadW = this.loadW;
    let feedW = 0;
    if (this.mainsPresent) {
      feedW = loadW + this.#charger.run(this.pack, dtS);
      this.meter.count(feedW, dtS);
    } else if (this.supplied) this.pack.discharge(loadW / this.#inverterEfficiency, dtS);
    else this.pack.rest(dtS);
    this.timeS = untilS;
    this.#settleSupply();
    for (const machine of this.#machines) machine.advance();
    this.switch.advance();
    this.#look(feedW);
  }

  /** Mains feeds the bus; without it the inverter does, while the pack's board lets it. */
  #settleSupply(): void {
    const supplied = this.mainsPresent || this.pack.dischargeFetClosed;
    if (supplied === this.supplied) return;
    this.supplied = supplied;
    this.#emit('supply', 'ac-bus', supplied ? 'alive' : 'dead');
    this.switch.setPowered(supplied);
    for (const machine of this.#machines) {
      if (machine.port !== undefined) continue;
      if (supplied) machine.feed();
      else this.#blame('battery ran flat under a running host', machine, machine.starve());
    }
  }

  #look(feedW = this.loadW): void {
    this.meter.see(this.mainsPresent, feedW, this.timeS);
  }

  #machineSite() {
    return {
      nowS: () => this.timeS,
      haltIgnored: (id: string) => this.faults.haltIgnored.has(id),
      changed: (machine: Machine, from: MachineState) => {
        this.#emit('host', machine.id, `${from} → ${machine.state}`);
        this.#notify();
      },
    };
  }

  #switchSite() {
    return {
      nowS: () => this.timeS,
      disobeys: () => this.faults.switchDisobeys,
      portChanged: (port: Port) => {
        this.#emit('port', `${this.switch.id}/${port.port}`, port.state);
      },
      cut: (machine: Machine, why: 'disabled' | 'overload' | 'no-power') => {
        const rule = why === 'no-power' ? 'battery ran flat under a running host' : 'power cut under a running host';
        this.#blame(rule, machine, machine.starve(), why);
      },
      changedFromOutside: () => this.#notify(),
    };
  }

  #blame(rule: string, machine: Machine, caught: MachineState, why = 'no-power'): void {
    if (!isAlive(caught)) return;
    const where = machine.port === undefined ? 'AC bus' : `port ${this.switch.id}/${machine.port}`;
    const detail = `${machine.id} was ${caught} on ${where} (${why})`;
    if (this.violations.length < VIOLATIONS_KEPT) this.violations.push({ atS: this.timeS, rule, detail });
    this.#emit('violation', machine.id, `${rule}: ${detail}`);
  }

  #emit(kind: WorldEvent['kind'], subject: string, detail: string): void {
    const event = { atS: this.timeS, kind, subject, detail };
    for (const listener of this.#eventListeners) listener(event);
  }

  /** Within a step listeners hear once, at its end. */
  #notify(): void {
    if (this.#stepping) return;
    for (const listener of this.#changeListeners) listener();
  }
}

/**
 * The words of the simulated rack. `world.ts` moves it through time; `devices/` show it on real wires.
 * A device face reads these and calls these, nothing else, and never imports a driver.
 */

export type MachineState = 'off' | 'booting' | 'running' | 'halting' | 'halted';

export interface WorldHost {
  readonly id: string;
  readonly node?: string;
  readonly controlPlane: boolean;
  readonly state: MachineState;
  /** Changes with every boot. */
  readonly bootId: string;
  /** Draw at its input right now, W. */
  readonly powerW: number;
  readonly port?: string;
  /** The machine was told to stop; it takes its time. Ignored unless running. */
  halt(): void;
  /** Magic packet: a halted machine that is fed and can be woken boots. */
  wake(): void;
}

export interface WorldPort {
  readonly port: string;
  readonly index: number;
  readonly enabled: boolean;
  readonly state: 'disabled' | 'searching' | 'delivering' | 'fault';
  readonly powerW: number;
  readonly poeClass: number;
  readonly priority: 1 | 2 | 3;
  readonly deniedCount: number;
  readonly hostId?: string;
}

export interface WorldSwitch {
  readonly id: string;
  readonly budgetW: number;
  readonly drawnW: number;
  readonly powered: boolean;
  readonly ports: readonly WorldPort[];
  /** Writes the admin state. Cutting a running host is recorded as a violation. */
  setEnabled(port: string, enabled: boolean): void;
  setPriority(port: string, priority: 1 | 2 | 3): void;
}

export interface WorldPack {
  readonly cells: number;
  readonly capacityAh: number;
  readonly remainingAh: number;
  readonly socRatio: number;
  readonly voltageV: number;
  /** Positive charges. */
  readonly currentA: number;
  readonly cellsV: readonly number[];
  readonly temperaturesC: readonly number[];
  readonly cycles: number;
  /** False once the BMS has opened its switch: nothing on the bus has power. */
  readonly dischargeFetClosed: boolean;
  readonly chargeFetClosed: boolean;
  /** Which switches somebody has switched off by command; the board leaves those open whatever the cells do. */
  readonly locked?: SwitchLock;
  lock?(locked: SwitchLock): void;
}

/** True: switched off by command. */
export interface SwitchLock {
  readonly charge: boolean;
  readonly discharge: boolean;
}

export interface WorldMeter {
  readonly voltageV: number;
  readonly currentA: number;
  readonly powerW: number;
  readonly apparentVa: number;
  readonly powerFactor: number;
  readonly frequencyHz: number;
  readonly importWh: number;
}

/** Switches for accidents; a device face asks before it answers. */
export interface WorldFaults {
  /** Devices that do not answer: `bms`, `meter`, `switch`, `api`, or `ssh:<host>`. */
  readonly silent: ReadonlySet<string>;
  /** The switch accepts writes and does nothing. */
  readonly switchDisobeys: boolean;
  /** Hosts that ignore the halt command. */
  readonly haltIgnored: ReadonlySet<string>;
  /** Pods whose budget never allows a disruption, `namespace/name` of the PDB. */
  readonly stuckBudgets: ReadonlySet<string>;
}

export interface World {
  /** Seconds since the world began, in its own time. */
  readonly timeS: number;
  /** The world's wall clock, ms since the epoch. */
  readonly wallMs: number;
  readonly mainsPresent: boolean;
  readonly pack: WorldPack;
  readonly meter: WorldMeter;
  readonly switch: WorldSwitch;
  readonly hosts: ReadonlyMap<string, WorldHost>;
  readonly faults: WorldFaults;
  /** Rules that were broken: a running host lost power, … Empty at the end of a good story. */
  readonly violations: readonly { readonly atS: number; readonly rule: string; readonly detail: string }[];
  setMains(present: boolean): void;
  setFault(name: keyof WorldFaults, value: boolean | readonly string[]): void;
  /** Moves everything by `dtS` seconds of its own time. */
  step(dtS: number): void;
  /** Called after every step and after every change from outside. */
  onChange(listener: () => void): () => void;
}

/** A device face that is being served. */
export interface DeviceHandle {
  readonly name: string;
  /** `127.0.0.1:4001` or a path; what a configuration would name. */
  readonly address: string;
  close(): Promise<void>;
}

import type { MachineState, WorldHost } from '../model.ts';
import { hash32, hashText, signedUnit, unit, uuidOf } from './random.ts';

export interface MachineOptions {
  readonly id: string;
  /** Kubernetes node name, if it is one. */
  readonly node?: string;
  readonly controlPlane?: boolean;
  /** Switch port that feeds it; absent: it hangs on the AC bus. */
  readonly port?: string;
  /** Draw at its own input, W. */
  readonly runningW: number;
  readonly haltedW: number;
  /** While booting; `runningW` and a fifth when absent. */
  readonly bootW?: number;
  /** How far the running draw wanders, ratio; 0.02 when absent. */
  readonly noiseRatio?: number;
  /** From power to running, s; 20 when absent. Each boot differs by up to a tenth. */
  readonly bootS?: number;
  /** From the command to halted, s; 8 when absent. Each halt differs by up to a fifth. */
  readonly haltS?: number;
  /** Has Wake-on-LAN. */
  readonly wakeable?: boolean;
}

/** What a machine needs of the world it stands in. */
export interface MachineSite {
  nowS(): number;
  haltIgnored(id: string): boolean;
  changed(machine: Machine, from: MachineState): void;
}

/** One computer: takes its time to boot and to halt, and loses everything at once without power. */
export class Machine implements WorldHost {
  readonly id: string;
  readonly node?: string;
  readonly controlPlane: boolean;
  readonly port?: string;
  /** When the state changes by itself, s of world time. */
  untilS = Number.POSITIVE_INFINITY;
  readonly #options: Required<Omit<MachineOptions, 'node' | 'port'>>;
  readonly #site: MachineSite;
  readonly #salt: number;
  #state: MachineState = 'off';
  #boots = 0;
  #halts = 0;
  #bootId = '';
  /** Without power since it was running: it starts by itself when power returns, as a firmware set to "last state" does. */
  #startsWithPower = true;

  constructor(options: MachineOptions, site: MachineSite, seed: number) {
    const { runningW } = options;
    this.#options = {
      controlPlane: false,
      bootW: runningW * 1.2,
      noiseRatio: 0.02,
      bootS: 20,
      haltS: 8,
      wakeable: false,
      ...options,
    };
    this.id = options.id;
    if (options.node !== undefined) this.node = options.node;
    if (options.port !== undefined) this.port = options.port;
    this.controlPlane = this.#options.controlPlane;
    this.#site = site;
    this.#salt = hash32(seed, hashText(options.id));
  }

  get state(): MachineState {
    return this.#state;
  }

  get bootId(): string {
    return this.#bootId;
  }

  get powerW(): number {
    const { runningW, haltedW, bootW, noiseRatio } = this.#options;
    const wobble = 1 + noiseRatio * signedUnit(this.#salt, Math.floor(this.#site.nowS() / 2));
    if (this.#state === 'off') return 0;
    if (this.#state === 'halted') return haltedW;
    return wobble * (this.#state === 'booting' ? bootW : runningW);
  }

  halt(): void {
    if (this.#state !== 'running' || this.#site.haltIgnored(this.id)) return;
    this.#halts += 1;
    const spread = 1 + 0.2 * signedUnit(this.#salt, 2, this.#halts);
    this.#enter('halting', this.#site.nowS() + this.#options.haltS * spread);
  }

  wake(): void {
    if (this.#state === 'halted' && this.#options.wakeable) this.#boot();
  }

  /** Power came. On a PoE port it always boots; on the AC bus it goes back to what it was. */
  feed(): void {
    if (this.#state !== 'off') return;
    if (this.port !== undefined || this.#startsWithPower) this.#boot();
    else this.#enter('halted');
  }

  /** Power went; the state it was caught in. */
  starve(): MachineState {
    const caught = this.#state;
    if (caught === 'off') return caught;
    this.#startsWithPower = caught !== 'halted';
    this.#enter('off');
    return caught;
  }

  /** Already up when the world begins. */
  startRunning(): void {
    this.#renewBootId();
    this.#state = 'running';
  }

  /** Carries out what was due by now. */
  advance(): void {
    if (this.#site.nowS() < this.untilS) return;
    if (this.#state === 'booting') this.#enter('running');
    else if (this.#state === 'halting') this.#enter('halted');
  }

  #boot(): void {
    this.#renewBootId();
    const spread = 1 + 0.1 * signedUnit(this.#salt, 1, this.#boots);
    this.#enter('booting', this.#site.nowS() + this.#options.bootS * spread);
  }

  #renewBootId(): void {
    this.#boots += 1;
    this.#bootId = uuidOf(this.#salt, this.#boots);
  }

  #enter(state: MachineState, untilS = Number.POSITIVE_INFINITY): void {
    const from = this.#state;
    this.#state = state;
    this.untilS = untilS;
    this.#site.changed(this, from);
  }
}

/** Losing power in this state is an accident. */
export const isAlive = (state: MachineState): boolean =>
  state === 'running' || state === 'booting' || state === 'halting';

/** Seconds a port needs to find and class a device, 1..2. */
export const detectionS = (...keys: readonly number[]): number => 1 + unit(...keys);

import type { MeterSample, PackSample } from '#bms/model';
import { DrillRack, type DrillRackPlan } from '../../../services/twin/drill/drill-rack.ts';
import { isAlive, type Machine } from '../../../services/twin/world/machine.ts';
import type { Seen } from '../orders.ts';
import type { Watched } from '../watchman.ts';
import type { Active } from './troubles.ts';

/** See `wholeConfig`. */
const PROTECTED: ReadonlySet<string> = new Set(['pi5']);
/** A switch is away for so long when it restarts, s. */
const RESTART_S = 8;
/** The longest boot of a machine without a port, s. */
const BOOT_S = 30;
/** A switch and a probe are asked again, and say the same twice, within this, s. */
const SEEN_WITHIN_S = 10;

/** The rack of a drill, with everything going wrong that a story wants to go wrong. */
export class TroubledRack extends DrillRack implements Watched {
  readonly violations: string[] = [];
  /** What is fed besides at present, W. */
  stepW = 0;
  /** Says of a host whether a forced cut of it is in the journal. */
  forced: (host: string) => boolean = () => false;
  /** The output of the bank is switched off: what boots when mains flickers has nothing behind it. */
  outputIsOff: () => boolean = () => false;
  /** Hosts that a person has ordered to be left alone. */
  excused: ReadonlySet<string> = new Set();
  /** Switch ids and until when they restart, s. */
  readonly #restarts = new Map<string, number>();
  /** Booting by themselves under a switch that is silent: nobody can know before they answer. */
  readonly #unseen = new Set<string>();
  /** Since when a machine is not off, s. */
  readonly #awake = new Map<string, number>();
  readonly #active: Active;
  #flat = false;

  constructor(plan: DrillRackPlan, active: Active) {
    super(plan);
    this.#active = active;
  }

  override get loadW(): number {
    return super.loadW + (this.stepW ?? 0);
  }

  override get apiAvailable(): boolean {
    return !this.#active.on('api-gone') && super.apiAvailable;
  }

  get sags(): boolean {
    return this.#active.on('brown-out');
  }

  runs(host: string): boolean {
    return this.machines.get(host)?.state === 'running';
  }

  visible(): Seen[] {
    return [...this.machines.values()].map(({ id, state }) => ({
      id,
      runs: state === 'running',
      off: state === 'halted' || state === 'off',
    }));
  }

  override step(dtS: number): void {
    const alive = [...this.machines.values()].filter(({ state }) => isAlive(state));
    super.step(dtS);
    for (const { id, off, runs } of this.visible()) {
      if (off || runs) this.#unseen.delete(id);
      if (off) this.#awake.delete(id);
      else if (!this.#awake.has(id)) this.#awake.set(id, this.timeS);
    }
    for (const [id, untilS] of this.#restarts) if (this.timeS >= untilS) this.#restarted(id);
    const nowFlat = this.bank.open && !this.mains;
    if (nowFlat && !this.#flat && !this.outputIsOff()) {
      const lost = alive.filter(({ id, state }) => state === 'off' && !this.excused.has(id));
      if (lost.length > 0) this.violations.push(`${this.timeS}: battery empty under ${lost.map(({ id }) => id)}`);
    }
    this.#flat = nowFlat;
  }

  /** Machines of which somebody who looks can know that they are not off. */
  knownAwake(): string[] {
    return [...this.#awake].filter(([id, sinceS]) => this.timeS - sinceS > this.#unseenS(id)).map(([id]) => id);
  }

  /** A port shows the draw of a machine that boots; without one nobody sees it before it answers. */
  #unseenS(id: string): number {
    return this.machines.get(id)?.port === undefined ? BOOT_S + SEEN_WITHIN_S : SEEN_WITHIN_S;
  }

  override setPort(port: string, on: boolean): void {
    const [switchId = ''] = port.split('/');
    if (this.#active.bites('switch-disobeys') || this.#restarts.has(switchId)) return;
    const machine = this.at(port);
    const state = machine?.state;
    if (!on && machine !== undefined && PROTECTED.has(machine.id))
      this.violations.push(`${this.timeS}: the protected port of ${machine.id} was cut`);
    const id = machine?.id ?? '';
    const known = state !== 'booting' || (this.knownAwake().includes(id) && !this.#unseen.has(id));
    if (!on && machine !== undefined && state !== undefined && isAlive(state) && known && !this.forced(machine.id))
      this.violations.push(`${this.timeS}: ${machine.id} lost power while ${state}`);
    // Nothing is fed on a dead bus.
    if (on && this.bank.open && !this.mains) return;
    super.setPort(port, on);
  }

  setMainsIfOther(present: boolean): void {
    if (present !== this.mains) this.setMains(present);
  }

  at(port: string): Machine | undefined {
    return [...this.machines.values()].find((machine) => machine.port === port);
  }

  /** It starts anew and feeds every port, whatever it was told before. */
  restartSwitch(id: string): void {
    this.#restarts.set(id, this.timeS + RESTART_S);
    for (const machine of this.#on(id)) machine.starve();
  }

  restarting(id: string): boolean {
    return this.#restarts.has(id);
  }

  #restarted(id: string): void {
    this.#restarts.delete(id);
    if (this.bank.open && !this.mains) return;
    for (const { port } of this.#on(id)) if (port !== undefined) super.setPort(port, true);
  }

  #on(id: string): Machine[] {
    return [...this.machines.values()].filter(({ port }) => port?.startsWith(`${id}/`));
  }

  /** A machine that has halted boots for a reason of its own; false when there is none. */
  bootByItself(): boolean {
    const machine = [...this.machines.values()].find(({ state }) => state === 'halted');
    if (machine === undefined || (this.bank.open && !this.mains)) return false;
    machine.starve();
    machine.feed();
    machine.wake();
    this.#active.bit('host-boots-itself');
    if (this.#active.on('silent-switch')) this.#unseen.add(machine.id);
    return true;
  }

  override packSample(id: string): PackSample {
    const sample = super.packSample(id);
    if (this.#active.bites('absurd-sample')) return absurd(sample, Math.round(this.timeS));
    if (this.#active.bites('wrong-soc')) return { ...sample, socRatio: (this.timeS % 10) / 10 };
    return sample;
  }

  override meterSample(of?: number): MeterSample {
    const sample = super.meterSample(of);
    if (!this.#active.bites('brown-out')) return sample;
    return { ...sample, voltageV: this.mains ? 75 : 60 };
  }
}

/** What no such pack can say. */
function absurd(sample: PackSample, timeS: number): PackSample {
  switch (timeS % 4) {
    case 0:
      return { ...sample, voltageV: 655.35, cellsV: sample.cellsV?.map(() => 65.535) ?? [] };
    case 1:
      return { ...sample, currentA: -32_768, powerW: -1_600_000 };
    case 2:
      return { ...sample, voltageV: 0, cellsV: sample.cellsV?.map(() => 0) ?? [], socRatio: 0 };
    default:
      return { ...sample, socRatio: 2.55, temperaturesC: [-273] };
  }
}

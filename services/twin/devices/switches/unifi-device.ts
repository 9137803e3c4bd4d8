import type { World, WorldPort } from '../../model.ts';
import { figuresOf } from './port-figures.ts';

type Row = Readonly<Record<string, unknown>>;

export interface UnifiDeviceOptions {
  readonly mac: string;
  /** From one report of the switch to the next, s of world time; 10 when absent. */
  readonly informEveryS?: number;
}

export const PROFILE = '5a32aa4ee4babd4452422ddd22222';
const ID = '60aa00000000000000000001';

/**
 * A switch as its controller knows it: what the operator wants is written at once, the switch hears of it and tells of
 * itself with its next report. Every switch has an uplink behind its PoE ports, which has no PoE.
 */
export class UnifiDevice {
  readonly mac: string;
  readonly id = ID;
  readonly #world: World;
  readonly #informEveryS: number;
  readonly #unsubscribe: () => void;
  #overrides: readonly unknown[] = [];
  #table: readonly Row[] = [];
  #connected = true;
  #informedAtS: number;

  constructor(world: World, { mac, informEveryS = 10 }: UnifiDeviceOptions) {
    this.mac = mac;
    this.#world = world;
    this.#informEveryS = informEveryS;
    this.#informedAtS = world.timeS;
    this.#table = tableOf(world);
    this.#unsubscribe = world.onChange(() => this.#inform());
  }

  /** Port numbers of the newest report and whether each is enabled and has power. */
  get table(): readonly Row[] {
    return this.#table;
  }

  get connected(): boolean {
    return this.#connected;
  }

  stop(): void {
    this.#unsubscribe();
  }

  /** An entry of `stat/device`. */
  entry(): Row {
    const { budgetW } = this.#world.switch;
    return {
      _id: ID,
      mac: this.mac,
      type: 'usw',
      model: 'USPP24P',
      version: '7.1.26.15869',
      name: 'rack-poe',
      state: this.#connected ? 1 : 0,
      total_max_power: Math.round(budgetW),
      port_overrides: this.#overrides,
      port_table: this.#table,
    };
  }

  /** Replaces the whole list; what is not in it falls back to the profile, which says `auto`. */
  setOverrides(overrides: readonly unknown[]): void {
    this.#overrides = overrides;
  }

  #inform(): void {
    const { timeS, faults } = this.#world;
    this.#connected = this.#world.switch.powered && !faults.silent.has('switch');
    if (!this.#connected || timeS - this.#informedAtS < this.#informEveryS) return;
    this.#informedAtS = timeS;
    const modes = new Map(
      this.#overrides.flatMap((each): [unknown, unknown][] => {
        const { port_idx: port, poe_mode: mode } = Object(each) as Row;
        return port === undefined || mode === undefined ? [] : [[port, mode]];
      }),
    );
    for (const port of this.#world.switch.ports) {
      const enabled = modes.get(port.index) !== 'off';
      if (port.enabled !== enabled) this.#world.switch.setEnabled(port.port, enabled);
    }
    this.#table = tableOf(this.#world);
  }
}

/** Figures are decimal text, the current in mA. */
function tableOf({ switch: { ports } }: World): readonly Row[] {
  const uplink = {
    port_idx: ports.length + 1,
    name: 'SFP 1',
    media: 'SFP+',
    port_poe: false,
    poe_caps: 0,
    enable: true,
    is_uplink: true,
    up: true,
    portconf_id: PROFILE,
  };
  return [...ports.map(rowOf), uplink];
}

function rowOf(port: WorldPort): Row {
  const figures = figuresOf(port);
  return {
    port_idx: port.index,
    name: port.hostId ?? `Port ${port.index}`,
    media: 'GE',
    port_poe: true,
    poe_caps: 7,
    poe_class: figures === undefined ? 'Unknown' : `Class ${port.poeClass}`,
    poe_current: ((figures?.currentA ?? 0) * 1000).toFixed(2),
    poe_voltage: (figures?.voltageV ?? 0).toFixed(2),
    poe_power: (figures?.powerW ?? 0).toFixed(2),
    poe_enable: port.state === 'delivering',
    poe_good: port.state === 'delivering',
    poe_mode: port.enabled ? 'auto' : 'off',
    enable: true,
    is_uplink: false,
    up: port.state === 'delivering',
    portconf_id: PROFILE,
  };
}

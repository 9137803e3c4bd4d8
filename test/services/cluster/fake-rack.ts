import type { MachineState, World, WorldFaults, WorldHost } from '../../../services/twin/model.ts';

/** A host whose state the test sets by hand. */
export interface FakeHost extends WorldHost {
  state: MachineState;
  bootId: string;
}

export interface FakeWorld extends World {
  readonly hosts: ReadonlyMap<string, FakeHost>;
  /** Sets a host's state; a host that begins to run gets a new boot id. */
  set(host: string, state: MachineState): void;
}

const START_MS = Date.UTC(2026, 0, 31, 12);

/** Just enough of a world for a cluster to stand in: hosts, time and faults. `n1` … are nodes, the first ones control plane. */
export function fakeWorld(options: { readonly nodes: number; readonly controlPlane?: number }): FakeWorld {
  const listeners = new Set<() => void>();
  const changed = () => {
    for (const listener of listeners) listener();
  };
  const hosts = new Map<string, FakeHost>();
  for (let index = 1; index <= options.nodes; index += 1) {
    const id = `n${index}`;
    hosts.set(id, {
      id,
      node: id,
      controlPlane: index <= (options.controlPlane ?? 1),
      state: 'running',
      bootId: `boot-1-of-${id}`,
      powerW: 5,
      halt: () => undefined,
      wake: () => undefined,
    });
  }
  let boots = 1;
  let timeS = 0;
  const faults: { -readonly [K in keyof WorldFaults]: WorldFaults[K] } = {
    silent: new Set(),
    switchDisobeys: false,
    haltIgnored: new Set(),
    stuckBudgets: new Set(),
  };
  const absent = (): never => {
    throw new Error('the fake world has no such part');
  };
  return {
    hosts,
    faults,
    mainsPresent: true,
    violations: [],
    get timeS() {
      return timeS;
    },
    get wallMs() {
      return START_MS + timeS * 1000;
    },
    get pack() {
      return absent();
    },
    get meter() {
      return absent();
    },
    get switch() {
      return absent();
    },
    setMains: absent,
    setFault(name, value) {
      if (name === 'switchDisobeys') faults.switchDisobeys = value === true;
      else faults[name] = new Set(Array.isArray(value) ? value : []);
      changed();
    },
    step(dtS) {
      timeS += dtS;
      changed();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    set(id, state) {
      const host = hosts.get(id);
      if (host === undefined) throw new Error(`no host ${id}`);
      if (state === 'running' && host.state !== 'running') {
        boots += 1;
        host.bootId = `boot-${boots}-of-${id}`;
      }
      host.state = state;
      changed();
    },
  };
}

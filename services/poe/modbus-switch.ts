import { BridgeError, type RegisterTable, type WritableExchange } from '#bridge';
import type { ModbusSwitchConfig } from '../config/modbus-switch.ts';
import type { PortSample } from '../rack/samples.ts';
import { known, plausible } from './figures.ts';
import { type MapPlace, MapWords, quantityOf, readsOf, stateOf } from './modbus-map.ts';
import { type ControlReading, oneByOne, type PortControl } from './port-control.ts';

/** A PoE switch that is read and switched by registers of a user's own map. */

const TABLES: Readonly<Record<number, RegisterTable>> = { 1: 'coil', 2: 'discrete', 3: 'holding', 4: 'input' };

/** A control over an exchange, which it closes at its end. */
export function modbusControl(config: ModbusSwitchConfig, exchange: WritableExchange): PortControl {
  const { unit, ports, map } = config;
  const timeoutMs = config.requestTimeout * 1000;
  const { set, ...quantities } = map;
  const places: MapPlace[] = [];
  for (const place of Object.values(quantities)) {
    if (place === undefined) continue;
    places.push('stride' in place ? { place, stride: place.stride, count: ports } : { place, stride: 1, count: 1 });
  }
  const names = Array.from({ length: ports }, (_, at) => String(at + 1));

  const words = async (signal?: AbortSignal): Promise<MapWords> => {
    const all = new MapWords();
    for (const read of readsOf(places)) {
      const { fc, address, count } = read;
      const table = TABLES[fc] ?? 'holding';
      const given = signal === undefined ? {} : { signal };
      all.add(read, await exchange.read({ unit, table, address, count, timeoutMs, ...given }));
    }
    return all;
  };

  const writeRun = (run: readonly string[], enabled: boolean, signal?: AbortSignal): Promise<void> => {
    if (set === undefined)
      throw new BridgeError('refused', exchange.name, `its map has no set:`, { reason: 'read_only' });
    const address = set.base + (Number(run[0]) - 1) * set.stride;
    const values = run.map(() => (enabled ? set.on : set.off));
    return exchange.write({
      unit,
      functionCode: set.fc,
      address,
      values,
      timeoutMs,
      ...(signal === undefined ? {} : { signal }),
    });
  };

  return {
    name: exchange.name,
    read: async (signal) => decodeMap(config, names, await words(signal)),
    write: async (wanted, enabled, signal) => {
      const runs = new Map(runsOf(wanted, set).map((run) => [run.join(), run]));
      const failures = await oneByOne(
        [...runs.keys()],
        async (key) => writeRun(runs.get(key) ?? [], enabled, signal),
        (error) =>
          error instanceof BridgeError
            ? error
            : new BridgeError('refused', exchange.name, String(error), { reason: 'bad_answer' }),
      );
      return new Map([...failures].flatMap(([key, failure]) => (runs.get(key) ?? []).map((port) => [port, failure])));
    },
    close: () => exchange.close(),
  };
}

/** Ports that lie side by side go in one write, where the function can write several; no other port is between them. */
function runsOf(ports: readonly string[], set: ModbusSwitchConfig['map']['set']): readonly (readonly string[])[] {
  if (set === undefined || set.fc < 15 || set.stride !== 1) return ports.map((port) => [port]);
  const runs: string[][] = [];
  for (const port of ports.toSorted((a, b) => Number(a) - Number(b))) {
    const run = runs.at(-1);
    if (run !== undefined && Number(run.at(-1)) + 1 === Number(port)) run.push(port);
    else runs.push([port]);
  }
  return runs;
}

/** All ports of a map. Pure: what the device does not tell is absent. */
export function decodeMap(
  { map }: Pick<ModbusSwitchConfig, 'map'>,
  names: readonly string[],
  words: MapWords,
): ControlReading {
  const at = (place: { readonly stride: number }, port: number): number => port * place.stride;
  const ports = names.map((port, index): PortSample => {
    const of = (kind: 'powerW' | 'voltageV' | 'currentA'): number | undefined => {
      const quantity = map[kind];
      return quantity === undefined ? undefined : plausible(kind, quantityOf(words, quantity, at(quantity, index)));
    };
    const [enabled, fed] = (['enabled', 'delivering'] as const).map((kind) => {
      const state = map[kind];
      return state === undefined ? undefined : stateOf(words, state, at(state, index));
    });
    const powerW = of('powerW');
    const delivering = fed ?? (powerW !== undefined && powerW > 0 ? true : undefined);
    const state = delivering
      ? 'delivering'
      : enabled === false
        ? 'disabled'
        : delivering === false
          ? 'searching'
          : 'unknown';
    return { port, state, ...known({ enabled, powerW, voltageV: of('voltageV'), currentA: of('currentA') }) };
  });
  const total = (kind: 'totalW' | 'budgetW'): number | undefined => {
    const quantity = map[kind];
    return quantity === undefined ? undefined : plausible('budgetW', quantityOf(words, quantity));
  };
  return {
    ports,
    ...known({ drawnW: total('totalW'), budgetW: total('budgetW') }),
    ...(map.set === undefined
      ? { refusals: new Map(names.map((port) => [port, `port ${port} is not switched: its map has no set:`])) }
      : {}),
  };
}

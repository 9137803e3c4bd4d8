import { stageInputW } from '../model/load.ts';
import { poeLink } from '../model/poe.ts';
import type { LoadLevel } from '../scenario/schema.ts';
import type { Resolved, ResolvedLoad, ResolvedSwitch } from './resolve.ts';

/** Where the watts of a rack go, from the nodes outwards; every converter at its real load. */

/** Watts that go from one place to the next. `pack` and `mains` are where they come from, `… loss` where they end as heat. */
export interface Flow {
  readonly from: string;
  readonly to: string;
  readonly watts: number;
}

export interface ChainLoad {
  readonly id: string;
  readonly name: string;
  readonly count: number;
  readonly feed: ResolvedLoad['feed'];
  /** Of all of them, where they were measured. */
  readonly usefulW: number;
  /** Into their converters. */
  readonly inputW: number;
  /** Of one, at the switch. */
  readonly portW?: number;
  /** The cable cannot carry it at all; its loss is then left out. */
  readonly overloaded?: boolean;
  readonly powerFactor: number;
}

export interface ChainSwitch {
  readonly id: string;
  readonly name: string;
  readonly count: number;
  readonly from: 'mains' | 'pack';
  readonly selfW: number;
  /** Out of the ports of all of them. */
  readonly poeW: number;
  /** As the switches count their budget: by class, or the same. */
  readonly budgetedW: number;
  /** Into all of them. */
  readonly inputW: number;
  /** Out of the supply of one. */
  readonly supplyW: number;
  readonly portsUsed: number;
}

export interface Chain {
  readonly level: LoadLevel;
  readonly loads: readonly ChainLoad[];
  readonly switches: readonly ChainSwitch[];
  /** All devices where they were measured, switches included. */
  readonly usefulW: number;
  /** What needs mains, behind the inverter. */
  readonly acW: number;
  /** What the pack feeds without it. */
  readonly dcW: number;
  readonly packW: number;
  /** They sum to `packW`. */
  readonly parts: readonly { readonly what: string; readonly watts: number }[];
  readonly flows: readonly Flow[];
}

/**
 * @param off ids of loads and switches that are switched off
 */
export function chainOf(rack: Resolved, level: LoadLevel, off: ReadonlySet<string> = new Set()): Chain {
  const flows: Flow[] = [];
  const loads = rack.loads
    .filter(({ id, poe = '' }) => !off.has(id) && !off.has(poe))
    .map((load) => ofLoad(load, level, rack));
  const switches = rack.switches.filter(({ id }) => !off.has(id)).map((one) => ofSwitch(one, level, loads, rack));
  const feeds = [
    ...switches.map(({ id, from, inputW }) => ({ id, from, inputW })),
    ...loads.flatMap(({ id, feed, inputW }) => (feed === 'poe' ? [] : [{ id, from: feed, inputW }])),
  ];
  const total = (from: 'mains' | 'pack'): number =>
    sum(feeds.filter((feed) => feed.from === from).map((f) => f.inputW));
  const acW = total('mains');
  const dcW = total('pack');
  const inverterInW = acW > 0 ? stageInputW(rack.inverter, acW) : 0;
  const push = (from: string, to: string, watts: number): void => {
    if (watts > 1e-9) flows.push({ from, to, watts });
  };
  push('pack', 'inverter', inverterInW);
  push('inverter', 'inverter loss', inverterInW - acW);
  for (const { id, from, inputW } of feeds) push(from === 'mains' ? 'inverter' : 'pack', id, inputW);
  const heat = { supply: 0, cable: 0, converter: 0, self: 0 };
  for (const { id, inputW, selfW, poeW } of switches) {
    heat.supply += inputW - selfW - poeW;
    heat.self += selfW;
    push(id, 'supply loss', inputW - selfW - poeW);
    push(id, 'switches themselves', selfW);
  }
  for (const { id, feed, count, usefulW, inputW, portW = 0 } of loads) {
    const switchId = rack.loads.find((load) => load.id === id)?.poe ?? '';
    heat.converter += inputW - usefulW;
    push(id, 'converter loss', inputW - usefulW);
    push(id, 'devices', usefulW);
    if (feed !== 'poe') continue;
    heat.cable += count * portW - inputW;
    push(switchId, id, inputW);
    push(switchId, 'cable loss', count * portW - inputW);
  }
  const devicesW = sum(loads.map(({ usefulW }) => usefulW));
  return {
    level,
    loads,
    switches,
    usefulW: devicesW + heat.self,
    acW,
    dcW,
    packW: inverterInW + dcW,
    parts: [
      { what: 'devices', watts: devicesW },
      { what: 'converters and adapters', watts: heat.converter },
      { what: 'PoE cables', watts: heat.cable },
      { what: 'switches themselves', watts: heat.self },
      { what: 'switch supplies', watts: heat.supply },
      { what: 'inverter', watts: inverterInW - acW },
    ],
    flows,
  };
}

function ofLoad(load: ResolvedLoad, level: LoadLevel, rack: Resolved): ChainLoad {
  const { id, name, count, feed, powerFactor } = load;
  const oneW = load.watts[level];
  const inputW = stageInputW(load.converter, oneW);
  const base = { id, name, count, feed, usefulW: count * oneW, inputW: count * inputW, powerFactor };
  if (feed !== 'poe') return base;
  const portV = rack.switches.find((one) => one.id === load.poe)?.portV ?? 0;
  if (load.atPort) return { ...base, portW: inputW };
  const link = poeLink({ sourceV: portV, loopOhm: load.loopOhm, deviceW: inputW });
  return link === undefined ? { ...base, portW: inputW, overloaded: true } : { ...base, portW: link.sourceW };
}

function ofSwitch(one: ResolvedSwitch, level: LoadLevel, loads: readonly ChainLoad[], rack: Resolved): ChainSwitch {
  const { id, name, count, from } = one;
  const fed = loads.filter((load) => rack.loads.find((each) => each.id === load.id)?.poe === id);
  const poeW = sum(fed.map((load) => load.count * (load.portW ?? 0)));
  const byClass = (load: ChainLoad): number =>
    rack.loads.find((each) => each.id === load.id)?.allocatedW ?? load.portW ?? 0;
  const selfW = count * one.selfW[level];
  const supplyW = (selfW + poeW) / count;
  return {
    id,
    name,
    count,
    from,
    selfW,
    poeW,
    budgetedW: one.allocates === 'class' ? sum(fed.map((load) => load.count * byClass(load))) : poeW,
    inputW: count * stageInputW(one.supply, supplyW),
    supplyW,
    portsUsed: sum(fed.map((load) => load.count)),
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

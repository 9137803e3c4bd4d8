import { chargerHeadroom, circuitBudget, inrushLimitA, inrushPeakA, plugLimitA } from '../model/circuit.ts';
import type { Facts } from '../model/facts.ts';
import { wireDrop } from '../model/wire.ts';
import type { LoadLevel, Scenario } from '../scenario/schema.ts';
import type { Answer, Assumption, Finding } from './answer.ts';
import { type Chain, chainOf } from './chain.ts';
import { CIRCUIT_CHECKLIST, findingsOf, sortedFindings } from './findings.ts';
import { type ResolvedPack, resolvePack } from './pack.ts';
import { type Resolved, type ResolvedSwitch, resolve } from './resolve.ts';

export type BudgetLevel = LoadLevel | 'nameplate';

export interface BudgetRow {
  readonly level: BudgetLevel;
  /** All devices where they were measured. */
  readonly devicesW: number;
  readonly mainsW: number;
  readonly apparentVa: number;
  /** Arithmetic sum: the safe upper bound. */
  readonly currentA: number;
  /** With the phases, for information. */
  readonly vectorCurrentA: number;
  /** Of the continuous limit, below 0 when it does not fit. */
  readonly headroomA: number;
  readonly usedRatio: number;
  /** From the pack, when mains is away; undefined for the nameplate, which no runtime may be asked for. */
  readonly packW?: number;
  /** DC amperes into the pack that still fit beside this load, at its nominal voltage. */
  readonly chargerFitsA?: number;
  /** To be set: what fits at its highest voltage, and no more than cells and BMS take. */
  readonly chargerSetA?: number;
  readonly chargerFitsAcW?: number;
}

export interface Consumer {
  readonly id: string;
  readonly name: string;
  readonly count: number;
  readonly mainsW: number;
  readonly powerFactor: number;
  readonly apparentVa: number;
  readonly currentA: number;
}

export interface SwitchBudget {
  readonly id: string;
  readonly name: string;
  readonly count: number;
  readonly portsUsed: number;
  readonly ports?: number;
  /** Of one switch, at most load. */
  readonly consumedW: number;
  readonly budgetedW: number;
  readonly budgetW?: number;
  readonly allocates: 'measured' | 'class';
  /** The hungriest port, and what that port may give. */
  readonly portW: number;
  readonly portLimitW?: number;
  /** Lost in all cables of it. */
  readonly cableLossW: number;
}

export interface BudgetAnswer extends Answer {
  readonly circuit: {
    readonly volts: number;
    readonly breakerA: number;
    readonly limitA: number;
    readonly limitVa: number;
    readonly plug?: string;
    readonly plugLimitA?: number;
    readonly dropV?: number;
    readonly dropRatio?: number;
  };
  readonly rows: readonly BudgetRow[];
  /** Into mains at most load, the hungriest first. */
  readonly consumers: readonly Consumer[];
  readonly switches: readonly SwitchBudget[];
  readonly charger?: {
    /** As planned. */
    readonly dcA: number;
    readonly mainsW: number;
    readonly currentA: number;
    readonly fits: boolean;
  };
  readonly inrush: { readonly peakA: number; readonly limitA: number; readonly supplies: number };
}

interface MainsLoad {
  readonly id: string;
  readonly name: string;
  readonly count: number;
  readonly powerW: number;
  readonly powerFactor: number;
}

const LEVELS: readonly LoadLevel[] = ['idle', 'typical', 'max'];

/** Does it fit the circuit, the switches and the supplies? */
export function budgetOf(scenario: Scenario): BudgetAnswer {
  const rack = resolve(scenario);
  const pack = scenario.pack === undefined ? undefined : resolvePack(scenario.pack, scenario);
  const circuit = {
    volts: scenario.circuit.volts,
    breakerA: scenario.circuit.breakerAmps,
    continuousFactor: scenario.circuit.continuousRatio,
  };
  const rowOf = (level: BudgetLevel, chain: Chain, loads: readonly MainsLoad[]): BudgetRow => {
    const sum = circuitBudget(circuit, loads);
    const free = pack === undefined ? undefined : chargerHeadroom(circuit, loads, chargerOf(scenario, pack));
    return {
      level,
      devicesW: level === 'nameplate' ? sumOf(loads, ({ powerW }) => powerW) : chain.usefulW,
      mainsW: sumOf(loads, ({ powerW }) => powerW),
      apparentVa: sum.apparentVa,
      currentA: sum.currentA,
      vectorCurrentA: sum.vectorCurrentA,
      headroomA: sum.headroomA,
      usedRatio: sum.currentA / sum.limitA,
      ...(level !== 'nameplate' && { packW: scenario.packWatts ?? chain.packW }),
      ...(free !== undefined &&
        pack !== undefined && {
          chargerFitsA: free.chargerDcA,
          chargerSetA: Math.min((free.chargerDcA * pack.figures.nominalV) / pack.figures.fullV, packTakesA(pack)),
          chargerFitsAcW: free.chargerAcW,
        }),
    };
  };
  const chains = LEVELS.map((level) => chainOf(rack, level));
  const most = chains.at(-1) ?? chainOf(rack, 'max');
  const loads = mainsLoads(scenario, rack, most);
  const rows = [
    ...chains.map((chain) => rowOf(chain.level, chain, mainsLoads(scenario, rack, chain))),
    rowOf('nameplate', most, nameplates(rack, most)),
  ];
  const { limitA, limitVa, currentA } = circuitBudget(circuit, loads);
  const charger = plannedCharger(scenario, pack, limitA - currentA);
  const drop = wireOf(scenario, currentA + (charger?.currentA ?? 0));
  const supplies = sumOf(loads, ({ count }) => count);
  const peakA = sumOf(rack.loads, ({ feed, count, inrushA }) =>
    feed === 'mains' ? count * (inrushA ?? inrushPeakA(1)) : 0,
  );
  const inrushA = peakA + inrushPeakA(sumOf(rack.switches, ({ from, count }) => (from === 'mains' ? count : 0)));
  const { plug } = scenario.circuit;
  const facts: Facts = {
    ...circuit,
    loads,
    chargerAcA: charger?.currentA,
    plug,
    continuousA: currentA + (charger?.currentA ?? 0),
    dropRatio: drop?.dropRatio,
    inrushA,
  };
  return {
    name: scenario.name,
    circuit: { volts: circuit.volts, breakerA: circuit.breakerA, limitA, limitVa, ...plugOf(plug), ...drop },
    rows,
    consumers: consumersOf(loads, circuit.volts),
    switches: rack.switches.map((one) => switchBudget(one, rack, most)),
    ...(charger !== undefined && { charger }),
    inrush: { peakA: inrushA, limitA: inrushLimitA(circuit.breakerA), supplies },
    findings: sortedFindings([findingsOf(facts), ...poeFindings(rack, most, pack), ...supplyFindings(rack, most)]),
    assumptions: [...rack.assumptions, ...chargerAssumptions(scenario)],
    checklist: CIRCUIT_CHECKLIST,
  };
}

const plugOf = (plug: string | undefined): { plug?: string; plugLimitA?: number } => {
  const limitA = plug === undefined ? undefined : plugLimitA(plug);
  return { ...(plug !== undefined && { plug }), ...(limitA !== undefined && { plugLimitA: limitA }) };
};

function sumOf<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

/** What hangs on the circuit while mains is there; what the pack feeds comes through the charger. */
function mainsLoads(scenario: Scenario, rack: Resolved, chain: Chain): readonly MainsLoad[] {
  const switches = chain.switches.flatMap(({ id, name, count, from, inputW }) => {
    const powerFactor = rack.switches.find((one) => one.id === id)?.powerFactor ?? 1;
    return from === 'mains' ? [{ id, name, count, powerW: inputW, powerFactor }] : [];
  });
  const direct = chain.loads.flatMap(({ id, name, count, feed, inputW, powerFactor }) =>
    feed === 'mains' ? [{ id, name, count, powerW: inputW, powerFactor }] : [],
  );
  const { efficiency, powerFactor } = scenario.charger ?? USUAL_CHARGER;
  const fromPack =
    chain.dcW > 0
      ? [
          {
            id: 'charger',
            name: 'what the pack feeds, through the charger',
            count: 1,
            powerW: chain.dcW / efficiency,
            powerFactor,
          },
        ]
      : [];
  return [...switches, ...direct, ...fromPack];
}

const USUAL_CHARGER = { efficiency: 0.92, powerFactor: 0.95 } as const;

/** As the labels say; of a switch what it takes at most when nothing is printed. */
function nameplates(rack: Resolved, most: Chain): readonly MainsLoad[] {
  const switches = rack.switches.map((one) => {
    const inputW = most.switches.find(({ id }) => id === one.id)?.inputW ?? 0;
    const powerW = one.nameplateW === undefined ? inputW : one.nameplateW * one.count;
    return { id: one.id, name: one.name, count: one.count, powerW, powerFactor: one.powerFactor };
  });
  const loads = rack.loads.flatMap(({ id, name, count, feed, nameplateW, powerFactor }) =>
    feed === 'poe' ? [] : [{ id, name, count, powerW: count * nameplateW, powerFactor }],
  );
  return [...switches, ...loads];
}

function consumersOf(loads: readonly MainsLoad[], volts: number): readonly Consumer[] {
  return loads
    .map(({ id, name, count, powerW, powerFactor }) => ({
      id,
      name,
      count,
      mainsW: powerW,
      powerFactor,
      apparentVa: powerW / powerFactor,
      currentA: powerW / powerFactor / volts,
    }))
    .sort((a, b) => b.currentA - a.currentA);
}

const chargerOf = (scenario: Scenario, pack: ResolvedPack): Parameters<typeof chargerHeadroom>[2] => ({
  powerFactor: scenario.charger?.powerFactor ?? USUAL_CHARGER.powerFactor,
  efficiencyRatio: scenario.charger?.efficiency ?? USUAL_CHARGER.efficiency,
  packV: pack.figures.nominalV,
});

/** What cells and BMS take at the most, A; Infinity when neither is known. */
function packTakesA({ facts, figures }: ResolvedPack): number {
  const { cellChargeC = Number.POSITIVE_INFINITY, bmsA = Number.POSITIVE_INFINITY } = facts;
  return Math.min(cellChargeC * figures.packAh, bmsA);
}

/** The planned charger at its worst: its current at the voltage it holds at the end. */
function plannedCharger(
  { charger, circuit }: Scenario,
  pack: ResolvedPack | undefined,
  headroomA: number,
): BudgetAnswer['charger'] {
  if (charger === undefined || pack === undefined) return undefined;
  const { fullV } = pack.figures;
  const dcW = Math.min(charger.watts ?? Number.POSITIVE_INFINITY, (charger.amps ?? Number.POSITIVE_INFINITY) * fullV);
  if (!Number.isFinite(dcW)) return undefined;
  const mainsW = dcW / charger.efficiency;
  const currentA = mainsW / charger.powerFactor / circuit.volts;
  return { dcA: dcW / fullV, mainsW, currentA, fits: currentA <= headroomA + 1e-9 };
}

function chargerAssumptions({ charger, pack }: Scenario): readonly Assumption[] {
  if (charger !== undefined || pack === undefined) return [];
  const { efficiency, powerFactor } = USUAL_CHARGER;
  const value = `${efficiency} efficient, power factor ${powerFactor}`;
  return [{ what: 'charger', value, source: 'assumed, the scenario names none', verified: false }];
}

function wireOf(
  { circuit }: Scenario,
  currentA: number,
): { readonly dropV: number; readonly dropRatio: number } | undefined {
  if (circuit.wire === undefined) return undefined;
  const { dropV, dropRatio } = wireDrop({ ...circuit.wire, currentA, volts: circuit.volts });
  return { dropV, dropRatio };
}

function switchBudget(one: ResolvedSwitch, rack: Resolved, most: Chain): SwitchBudget {
  const chain = most.switches.find(({ id }) => id === one.id);
  const fed = fedBy(one.id, rack, most);
  const hungriest = fed.reduce((high, load) => Math.max(high, load.portW ?? 0), 0);
  const limitW = limitOf(one, fed);
  return {
    id: one.id,
    name: one.name,
    count: one.count,
    portsUsed: Math.ceil((chain?.portsUsed ?? 0) / one.count),
    ...(one.ports !== undefined && { ports: one.ports }),
    consumedW: (chain?.poeW ?? 0) / one.count,
    budgetedW: (chain?.budgetedW ?? 0) / one.count,
    ...(one.budgetW !== undefined && { budgetW: one.budgetW }),
    allocates: one.allocates,
    portW: hungriest,
    ...(limitW !== undefined && { portLimitW: limitW }),
    cableLossW: sumOf(fed, ({ count, portW = 0, inputW }) => count * portW - inputW),
  };
}

const fedBy = (id: string, rack: Resolved, chain: Chain): Chain['loads'] =>
  chain.loads.filter((load) => rack.loads.find((each) => each.id === load.id)?.poe === id);

/** The hungriest devices get the strongest ports: what the port gives that first falls short, else that of the hungriest. */
function limitOf(one: ResolvedSwitch, fed: Chain['loads']): number | undefined {
  const [strongest] = one.portLimitsW;
  const wanted = fed.flatMap(({ count, portW = 0 }) =>
    Array.from({ length: Math.ceil(count / one.count) }, () => portW),
  );
  wanted.sort((a, b) => b - a);
  const short = wanted.findIndex((watts, i) => watts > (one.portLimitsW[i] ?? Number.POSITIVE_INFINITY) + 1e-9);
  return short < 0 ? strongest : one.portLimitsW[short];
}

function poeFindings(rack: Resolved, most: Chain, pack: ResolvedPack | undefined): readonly (readonly Finding[])[] {
  return rack.switches.flatMap((one) => {
    const budget = switchBudget(one, rack, most);
    const crowded = budget.ports !== undefined && budget.portsUsed > budget.ports;
    const voltage =
      one.direct && one.from === 'pack' && pack !== undefined
        ? {
            directFeed: true,
            poeType: one.poeType,
            series: pack.facts.series,
            cellChargeV: pack.facts.cellChargeV,
            cutoffV: pack.facts.cutoffV,
          }
        : {};
    const overall: Facts = { poeTotalW: budget.budgetedW, poeBudgetW: budget.budgetW, ...voltage };
    const ports: Facts = crowded ? { portW: budget.portsUsed, portLimitW: budget.ports } : {};
    return [
      findingsOf({ ...overall, portW: budget.portW, portLimitW: budget.portLimitW }, one.id),
      findingsOf(ports, `${one.id}: more devices than ports`),
      ...fedBy(one.id, rack, most)
        .filter(({ overloaded }) => overloaded)
        .map(({ id, count, inputW }) => findingsOf(linkFacts(rack, one, id, inputW / count), id)),
    ];
  });
}

function linkFacts(rack: Resolved, one: ResolvedSwitch, id: string, deviceW: number): Facts {
  return { portV: one.portV, loopOhm: rack.loads.find((load) => load.id === id)?.loopOhm, deviceW };
}

function supplyFindings(rack: Resolved, most: Chain): readonly (readonly Finding[])[] {
  const switches = rack.switches.map((one) => {
    const supplyW = most.switches.find(({ id }) => id === one.id)?.supplyW;
    return findingsOf({ supplyW, supplyRatedW: one.supplyRatedW }, `${one.id}: supply`);
  });
  const adapters = rack.loads.map(({ id, converter, watts, feed }) => {
    const ratedW = typeof converter === 'object' && feed !== 'poe' ? converter.ratedW : undefined;
    return findingsOf({ supplyW: watts.max, supplyRatedW: ratedW }, `${id}: adapter`);
  });
  const inverter = most.acW > 0 ? findingsOf({ supplyW: most.acW, supplyRatedW: rack.inverterRatedW }, 'inverter') : [];
  return [...switches, ...adapters, inverter];
}

import type { EfficiencyPoint } from '../model/converter.ts';
import { fitLosses } from '../model/converter.ts';
import type { Stage } from '../model/load.ts';
import { cableLoopOhm, poeClass } from '../model/poe.ts';
import { converterRecord, isVerified, type LoadRecord, loadRecord } from '../scenario/catalogue.ts';
import { loadId } from '../scenario/names.ts';
import type { LoadLevel, LoadPlan, Scenario, SwitchPlan } from '../scenario/schema.ts';
import type { Assumption } from './answer.ts';

/** A scenario's loads and switches with all their figures: from the scenario, else the catalogue, else assumed (and told so). */

export type Watts = Readonly<Record<LoadLevel, number>>;

export interface ResolvedLoad {
  readonly id: string;
  readonly name: string;
  readonly count: number;
  readonly feed: 'poe' | 'mains' | 'pack';
  readonly poe?: string;
  /** Of one, with what is on board, where it was measured. */
  readonly watts: Watts;
  /** Of one, for the circuit only. */
  readonly nameplateW: number;
  /** 1 when its watts count at the wall or the port already. */
  readonly converter: Stage;
  readonly loopOhm: number;
  /** Its watts were told by the switch's port: cable and converter are in them. */
  readonly atPort: boolean;
  /** Set aside for it by a switch that counts classes, W. */
  readonly allocatedW?: number;
  readonly powerFactor: number;
  readonly inrushA?: number;
}

export interface ResolvedSwitch {
  readonly id: string;
  readonly name: string;
  readonly count: number;
  readonly from: 'mains' | 'pack';
  /** Of one. */
  readonly selfW: Watts;
  readonly nameplateW?: number;
  readonly budgetW?: number;
  readonly ports?: number;
  /** What the ports give, W each, highest first; empty when unknown. */
  readonly portLimitsW: readonly number[];
  readonly portV: number;
  readonly poeType: number;
  readonly allocates: 'measured' | 'class';
  readonly supply: Stage;
  readonly supplyRatedW?: number;
  readonly direct: boolean;
  readonly powerFactor: number;
}

export interface Resolved {
  readonly loads: readonly ResolvedLoad[];
  readonly switches: readonly ResolvedSwitch[];
  readonly inverter: Stage;
  readonly inverterRatedW?: number;
  readonly assumptions: readonly Assumption[];
}

/** Efficiencies where none is told (unverified, from the middle of the catalogue). */
const HAT = 0.85;
const ADAPTER = 0.82;
const DC_CONVERTER = 0.9;
const SUPPLY = 0.9;
const INVERTER = 0.9;
const SMALL_SUPPLY_W = 75;

export function resolve(scenario: Scenario): Resolved {
  const assumptions: Assumption[] = [];
  const loads = scenario.loads.map((load) => resolveLoad(load, assumptions));
  const switches = scenario.switches.map((one) => resolveSwitch(one, assumptions));
  const { inverter } = scenario;
  const rated = typeof inverter === 'object' ? { inverterRatedW: inverter.ratedWatts } : {};
  const onMains = [...loads.map(({ feed }) => feed), ...switches.map(({ from }) => from)].includes('mains');
  const needed = onMains && scenario.packWatts === undefined && scenario.pack !== undefined;
  if (inverter === undefined && needed) assumptions.push(assumed('inverter', `${INVERTER} efficient`));
  return { loads, switches, inverter: stageOf('inverter', inverter ?? INVERTER, assumptions), ...rated, assumptions };
}

function resolveLoad(load: LoadPlan, assumptions: Assumption[]): ResolvedLoad {
  const id = loadId(load);
  const record = load.device === undefined ? undefined : loadRecord(load.device);
  const feed = load.poe === undefined ? load.from : 'poe';
  const onBoard = load.plus.map((extra) => (typeof extra === 'string' ? { device: extra, count: 1 } : extra));
  const watts = sum([
    { watts: wattsOf(id, load.watts, record, assumptions), count: 1 },
    ...onBoard.map(({ device, count }) => ({
      watts: wattsOf(device, undefined, loadRecord(device), assumptions),
      count,
    })),
  ]);
  const at = load.at ?? measuredAt(load, record, feed);
  const nameplateW = load.nameplateWatts ?? record?.psu_w ?? watts.max;
  const needed = at === 'input' ? load.converter : 1;
  const converter = needed === undefined ? usualConverter(id, feed, record, assumptions) : needed;
  const allocatedW = load.poeClass === undefined ? undefined : poeClass(load.poeClass)?.sourceW;
  return {
    id,
    name: record?.name ?? id,
    count: load.count,
    feed,
    ...(load.poe !== undefined && { poe: load.poe }),
    watts,
    nameplateW,
    converter: typeof converter === 'number' ? converter : stageOf(id, converter, assumptions),
    atPort: at === 'port',
    loopOhm: cableLoopOhm(load.cableM, (load.poeClass ?? 0) > 4 ? 4 : 2),
    ...(allocatedW !== undefined && { allocatedW }),
    powerFactor: load.powerFactor ?? usualPowerFactor(id, feed, nameplateW, assumptions),
    ...(load.inrushAmps !== undefined && { inrushA: load.inrushAmps }),
  };
}

function measuredAt(load: LoadPlan, record: LoadRecord | undefined, feed: ResolvedLoad['feed']): 'input' | 'wall' {
  if (feed !== 'mains' || load.converter !== undefined) return 'input';
  if (record === undefined) return 'wall';
  return /wall|^AC/.test(record.at) ? 'wall' : 'input';
}

function wattsOf(
  id: string,
  told: LoadPlan['watts'],
  record: LoadRecord | undefined,
  assumptions: Assumption[],
): Watts {
  const own = typeof told === 'number' ? { idle: told, typical: told, max: told } : told;
  const typical = own?.typical ?? record?.typical_w ?? record?.idle_w ?? 0;
  const idle = Math.min(own?.idle ?? record?.idle_w ?? typical, typical);
  const max = Math.max(own?.max ?? record?.max_w ?? typical, typical);
  const complete = own?.idle !== undefined && own.max !== undefined;
  if (record !== undefined && !complete) {
    const value = `${idle} / ${typical} / ${max} W at ${record.at}`;
    assumptions.push({ what: `${id}: idle / typical / max`, value, ...sourced(record.source) });
  }
  return { idle, typical, max };
}

const sourced = (source: string): Pick<Assumption, 'source' | 'verified'> => ({ source, verified: isVerified(source) });

const assumed = (what: string, value: string): Assumption => ({
  what,
  value,
  source: 'assumed, the scenario does not tell',
  verified: false,
});

function sum(parts: readonly { readonly watts: Watts; readonly count: number }[]): Watts {
  const of = (level: LoadLevel): number => parts.reduce((total, { watts, count }) => total + watts[level] * count, 0);
  return { idle: of('idle'), typical: of('typical'), max: of('max') };
}

function usualConverter(
  id: string,
  feed: ResolvedLoad['feed'],
  record: LoadRecord | undefined,
  assumptions: Assumption[],
): LoadPlan['converter'] & {} {
  if (feed === 'mains' && record?.psu_w !== undefined) {
    return { converter: 'wall-adapter-5v-15w', ratedWatts: record.psu_w };
  }
  const efficiency = { poe: HAT, mains: ADAPTER, pack: DC_CONVERTER }[feed];
  const what = { poe: 'converter on the node', mains: 'adapter', pack: 'converter' }[feed];
  assumptions.push(assumed(`${id}: ${what}`, `${efficiency} efficient`));
  return efficiency;
}

function usualPowerFactor(
  id: string,
  feed: ResolvedLoad['feed'],
  nameplateW: number,
  assumptions: Assumption[],
): number {
  if (feed !== 'mains') return 1;
  const powerFactor = nameplateW < SMALL_SUPPLY_W ? 0.55 : 0.95;
  assumptions.push(
    assumed(`${id}: power factor`, `${powerFactor}, ${nameplateW < SMALL_SUPPLY_W ? 'a' : 'no'} small supply`),
  );
  return powerFactor;
}

function resolveSwitch(one: SwitchPlan, assumptions: Assumption[]): ResolvedSwitch {
  const record = one.device === undefined ? undefined : loadRecord(one.device);
  const selfW = wattsOf(one.id, one.selfWatts, record, assumptions);
  const budgetW = one.poeBudgetWatts ?? record?.poe_budget_w;
  const ports = one.ports ?? record?.poe_ports;
  const direct = one.supply === 'direct';
  const told = one.supply === 'direct' ? 1 : one.supply;
  const usual = budgetW === undefined ? SUPPLY : { converter: 'poe-switch-internal', ratedWatts: budgetW + selfW.max };
  const byFeed = one.from === 'pack' ? DC_CONVERTER : usual;
  const supply = told ?? byFeed;
  if (told === undefined && typeof supply === 'number') {
    assumptions.push(assumed(`${one.id}: supply`, `${supply} efficient`));
  }
  const nameplateW = one.nameplateWatts ?? record?.total_max_w;
  const ratedW = typeof told === 'object' ? told.ratedWatts : undefined;
  return {
    id: one.id,
    name: record?.name ?? one.id,
    count: one.count,
    from: one.from,
    selfW,
    ...(nameplateW !== undefined && { nameplateW }),
    ...(budgetW !== undefined && { budgetW }),
    ...(ports !== undefined && { ports }),
    portLimitsW: portLimits(one.portLimitWatts, ports, record),
    portV: one.portVolts,
    poeType: one.poeType,
    allocates: one.allocates,
    supply: stageOf(one.id, supply, assumptions),
    ...(ratedW !== undefined && { supplyRatedW: ratedW }),
    direct,
    powerFactor: one.powerFactor,
  };
}

/** `{"1-16": 30, "17-24": 60}`: 60 W for the first eight, 30 W for the rest. */
function portLimits(told: number | undefined, ports: number | undefined, record: LoadRecord | undefined): number[] {
  if (told !== undefined) return Array.from({ length: ports ?? 1 }, () => told);
  const ranges = Object.entries(record?.port_max_w ?? {}).flatMap(([range, limitW]) => {
    const [from = 1, to = from] = range.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, () => limitW);
  });
  return ranges.sort((a, b) => b - a);
}

type ConverterPlan = NonNullable<LoadPlan['converter']>;

/** @throws RangeError when the catalogue does not know the converter; a checked scenario names none such. */
function stageOf(id: string, told: ConverterPlan, assumptions: Assumption[]): Stage {
  if (typeof told === 'number') return told;
  const record = converterRecord(told.converter);
  if (record === undefined) throw new RangeError(`converter ${told.converter} is not in the catalogue`);
  const value = `losses of ${told.converter}, ${told.ratedWatts} W`;
  assumptions.push({ what: `${id}: converter`, value, ...sourced(record.source) });
  return fitLosses(
    told.ratedWatts,
    record.points.map(([load = 0, efficiency = 0]): EfficiencyPoint => [load, efficiency]),
  );
}

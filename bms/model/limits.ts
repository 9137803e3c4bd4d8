import type { Alarm } from './alarms.ts';
import { boardLimitAlarms } from './board-limits.ts';
import { type ChemistryFacts, chargeCurrentFactor } from './chemistry/chemistry.ts';
import { at, segmentOf } from './chemistry/curve.ts';
import { type PackSpec, packResistanceOhm } from './pack.ts';
import { absurdCurrentA, type PackReading, possibleCell, readPack } from './reading.ts';
import type { PackSample } from './sample.ts';
import type { SocState } from './soc.ts';

/** Below this C-rate a current is no charge and no discharge. */
const FLOWING_C = 0.005;
/** Spread between cells that is worth a look where the curve is flat, and where it is steep, V (assumptions). */
const SPREAD_FLAT_V = 0.05;
const SPREAD_STEEP_V = 0.3;
const STEEP_V_PER_SOC = 1.5;
/** Cells and pack are measured apart: what they may differ by, as a share and at least, V. */
const SUM_TOLERANCE = 0.02;
const SUM_TOLERANCE_V = 0.3;
/** BMS and our own count may differ by this before one of them is called wrong. */
const DRIFT_RATIO = 0.1;
const DRIFT_SIGMAS = 3;

export type Plausibility = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/**
 * Can a pack like this have said that? A sample that fails is no sample: using it would be worse than having none.
 * A cell at 0 V passes (a sense wire is off, which is an alarm), a pack at 0 V does not.
 */
export function plausible(sample: PackSample, spec: PackSpec): Plausibility {
  const { voltageV, currentA, powerW, cellsV, socRatio } = sample;
  const { physicalMinV, physicalMaxV } = spec.chemistry.limits;
  const what = `${spec.cells} ${spec.chemistry.facts.title} cells`;
  if (voltageV !== undefined && !(voltageV >= spec.cells * physicalMinV && voltageV <= spec.cells * physicalMaxV)) {
    const range = `${figure(spec.cells * physicalMinV)}..${figure(spec.cells * physicalMaxV)} V`;
    return refuse(`pack voltage ${figure(voltageV)} V: ${what} show ${range}; check \`cells\` and \`chemistry\``);
  }
  const wild = cellsV?.findIndex((cellV) => !(cellV >= 0 && cellV <= physicalMaxV)) ?? -1;
  if (wild >= 0) {
    return refuse(
      `cell ${wild + 1} reads ${figure(cellsV?.[wild])} V: no more than ${figure(physicalMaxV)} V is possible`,
    );
  }
  if (currentA !== undefined && !(Math.abs(currentA) <= absurdCurrentA(spec))) {
    return refuse(`current ${figure(currentA)} A: more than ${figure(absurdCurrentA(spec))} A is not possible`);
  }
  if (powerW !== undefined && !Number.isFinite(powerW)) return refuse('power is not a number');
  if (socRatio !== undefined && !Number.isFinite(socRatio)) return refuse('state of charge is not a number');
  return { ok: true };
}

const refuse = (reason: string): Plausibility => ({ ok: false, reason });

/**
 * Alarms of our own, from the numbers, whatever the BMS says of them. Pure; the order is fixed: cells, temperature,
 * contradictions, limits of the board. `soc` adds the comparison of our count with the BMS's.
 */
export function modelAlarms(sample: PackSample, spec: PackSpec, soc?: SocState): readonly Alarm[] {
  const reading = readPack(sample, spec);
  return [
    ...cellAlarms(sample, reading, spec),
    ...temperatureAlarms(reading, spec),
    ...contradictions(sample, reading, spec),
    ...boardLimitAlarms(sample.limits, spec),
    ...drift(soc),
  ];
}

function cellAlarms(sample: PackSample, reading: PackReading, spec: PackSpec): readonly Alarm[] {
  const { overProtectionV, overWarningV, bmsCutoffV, cutoffV } = spec.chemistry.limits;
  const warnBelowV = Math.max(spec.cutoffCellV ?? cutoffV, bmsCutoffV);
  const cells = sample.cellsV ?? [];
  const name = (cellV: number): string => {
    const number = cells.indexOf(cellV) + 1;
    return number > 0 ? `cell ${number} at ${figure(cellV)} V` : `${figure(cellV)} V per cell`;
  };
  const alarms: Alarm[] = [];
  const highest = reading.highestCellV;
  if (highest !== undefined && highest > overWarningV) {
    const level = highest >= overProtectionV ? 'protection' : 'warning';
    alarms.push({ code: 'cell-overvoltage', level, detail: name(highest) });
  }
  const wired = cells.filter((cellV) => cellV > 0);
  const lowest = wired.length > 0 ? Math.min(...wired) : reading.lowestCellV;
  if (lowest !== undefined && lowest < warnBelowV) {
    const level = lowest <= bmsCutoffV ? 'protection' : 'warning';
    alarms.push({ code: 'cell-undervoltage', level, detail: name(lowest) });
  }
  const spread = spreadAlarm(reading, spec);
  return spread === undefined ? alarms : [...alarms, spread];
}

function spreadAlarm(reading: PackReading, spec: PackSpec): Alarm | undefined {
  const { highestCellV, lowestCellV, meanCellV, currentA, coldestC } = reading;
  if (highestCellV === undefined || lowestCellV === undefined || meanCellV === undefined) return undefined;
  const steep = slopeAt(spec, meanCellV) > STEEP_V_PER_SOC;
  const cellOhm = packResistanceOhm(spec, 0.5, coldestC) / spec.cells;
  // A cell may have twice the resistance of the others without being out of balance.
  const allowedV = (steep ? SPREAD_STEEP_V : SPREAD_FLAT_V) + Math.abs(currentA ?? 0) * cellOhm;
  const spreadV = highestCellV - lowestCellV;
  if (spreadV <= allowedV) return undefined;
  return { code: 'cell-imbalance', level: 'warning', detail: `${Math.round(spreadV * 1000)} mV between cells` };
}

/** Slope of the open-circuit curve at this cell voltage, V per unit of charge; infinite beyond the table. */
function slopeAt(spec: PackSpec, cellV: number): number {
  const { x, y } = spec.chemistry.ocv;
  if (cellV <= at(y, 0) || cellV >= at(y, y.length - 1)) return Number.POSITIVE_INFINITY;
  const i = segmentOf(y, cellV);
  return (at(y, i + 1) - at(y, i)) / (at(x, i + 1) - at(x, i));
}

function temperatureAlarms(reading: PackReading, spec: PackSpec): readonly Alarm[] {
  const { coldestC, hottestC, currentA } = reading;
  if (coldestC === undefined || hottestC === undefined) return [];
  const { facts } = spec.chemistry;
  const flowingA = FLOWING_C * spec.capacityAh;
  const charging = (currentA ?? 0) > flowingA;
  const alarms: Alarm[] = [];
  const push = (code: Alarm['code'], level: Alarm['level'], celsius: number, what: string): void => {
    alarms.push({ code, level, detail: `${figure(celsius)} °C: ${what}` });
  };
  if (coldestC <= facts.charge.minC && chargeCurrentFactor(spec.chemistry, coldestC) === 0) {
    push('charge-undertemperature', charging ? 'protection' : 'warning', coldestC, coldCharge(facts, charging));
  }
  if (hottestC >= facts.charge.maxC && charging) {
    push('charge-overtemperature', 'protection', hottestC, `no charge from ${facts.charge.maxC} °C`);
  }
  if (coldestC < facts.discharge.minC) {
    push('discharge-undertemperature', 'warning', coldestC, `no discharge below ${facts.discharge.minC} °C`);
  }
  if (hottestC > facts.discharge.maxC) {
    push('discharge-overtemperature', 'warning', hottestC, `no discharge above ${facts.discharge.maxC} °C`);
  }
  return alarms;
}

function coldCharge(facts: ChemistryFacts, charging: boolean): string {
  const rule = `${facts.title} must not be charged at or below ${facts.charge.minC} °C`;
  return charging ? `being charged; ${rule}` : rule;
}

/** What a BMS says that cannot be true together. */
function contradictions(sample: PackSample, reading: PackReading, spec: PackSpec): readonly Alarm[] {
  const { cellsV, voltageV, dischargeFetClosed, chargeFetClosed } = sample;
  const found: Alarm[] = [];
  const fault = (detail: string): number => found.push({ code: 'sensor-fault', level: 'warning', detail });
  const cells = cellsV ?? [];
  const lost = cells.flatMap((cellV, i) => (possibleCell(cellV, spec) || cellV > 0 ? [] : [i + 1]));
  if (lost.length > 0) fault(`cell ${lost.join(', ')} reads 0 V: sense wire or module lost`);
  if (cells.length > 0 && cells.length !== spec.cells) {
    fault(`${cells.length} cells reported, ${spec.cells} configured`);
  } else if (cells.length > 0 && lost.length === 0 && voltageV !== undefined) {
    let total = 0;
    for (const cellV of cells) total += cellV;
    if (Math.abs(total - voltageV) > Math.max(SUM_TOLERANCE * voltageV, SUM_TOLERANCE_V)) {
      fault(`cells add up to ${figure(total)} V, the pack reads ${figure(voltageV)} V`);
    }
  }
  const told = sample.temperaturesC?.length ?? 0;
  if (told > 0 && reading.coldestC === undefined) fault('no temperature sensor gives a possible reading');
  const flowingA = 4 * FLOWING_C * spec.capacityAh;
  const currentA = reading.currentA ?? 0;
  if (dischargeFetClosed === false && currentA < -flowingA) found.push(open('discharge', currentA));
  if (chargeFetClosed === false && currentA > flowingA) found.push(open('charge', currentA));
  return found;
}

const open = (which: string, currentA: number): Alarm => ({
  code: 'mosfet-fault',
  level: 'warning',
  detail: `${which} switch reported open while ${figure(Math.abs(currentA))} A flow`,
});

function drift(soc: SocState | undefined): readonly Alarm[] {
  const off = soc?.driftRatio;
  if (soc === undefined || off === undefined) return [];
  if (Math.abs(off) <= Math.max(DRIFT_RATIO, DRIFT_SIGMAS * soc.sigma)) return [];
  const percent = (ratio: number): string => `${Math.round(ratio * 100)} %`;
  const detail = `BMS says ${percent(soc.socRatio - off)} charge, our count ${percent(soc.socRatio)}`;
  return [{ code: 'sensor-fault', level: 'warning', detail }];
}

/** Three figures are enough for a person. */
function figure(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return 'not a number';
  return String(Number(value.toPrecision(4)));
}

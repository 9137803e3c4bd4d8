import type { Alarm, UpsSample } from '#bms/model';
import { wordsOf } from '../words.ts';

/** Variables of one UPS by their names in lower case. */
export type Variables = ReadonlyMap<string, string>;

/** The variables in the lines of a LIST VAR block; a line that was cut or is malformed is left out. */
export function variablesOf(lines: readonly string[]): Variables {
  const found = new Map<string, string>();
  for (const line of lines) {
    const [verb, , name, value, ...more] = wordsOf(line) ?? [];
    if (verb === 'VAR' && name !== undefined && value !== undefined && more.length === 0)
      found.set(name.toLowerCase(), value);
  }
  return found;
}

/** Words of ups.status during which OB says nothing about mains: the UPS is on battery by itself. */
const ON_ITS_OWN: ReadonlySet<string> = new Set(['CAL', 'TEST']);
const NO_SERIAL = /^(0*|unknown|n\/a)$/i;

/**
 * What a UPS says, as a sample. Words of ups.status that nobody knows are ignored; what is not a number, or cannot be
 * true, is absent. Pure.
 * @param measuredAtMs wall time, ms
 */
export function upsSampleOf(variables: Variables, measuredAtMs: number): UpsSample {
  const words = new Set((variables.get('ups.status') ?? '').toUpperCase().split(/\s+/));
  const mainsPresent = mainsOf(words);
  const loadRatio = number(variables, 'ups.load', 0, 1000, 0.01);
  const alarms = alarmsOf(words, variables.get('ups.alarm'));
  return {
    kind: 'ups',
    measuredAtMs,
    ...told('mainsPresent', mainsPresent),
    ...told('inputVoltageV', number(variables, 'input.voltage', 0, 1000)),
    ...told('inputFrequencyHz', number(variables, 'input.frequency', 0, 1000)),
    ...told('outputVoltageV', number(variables, 'output.voltage', 0, 1000)),
    ...told('outputFrequencyHz', number(variables, 'output.frequency', 0, 1000)),
    ...told('loadPowerW', loadW(variables, loadRatio)),
    ...told('loadApparentVa', number(variables, 'ups.power', 0, 1e6)),
    ...told('loadRatio', loadRatio),
    ...told('batteryVoltageV', number(variables, 'battery.voltage', 0, 1000)),
    ...told('batteryCurrentA', number(variables, 'battery.current', -5000, 5000)),
    ...told('socRatio', number(variables, 'battery.charge', 0, 100, 0.01)),
    ...told('runtimeS', number(variables, 'battery.runtime', 0, 1e7)),
    ...told(
      'temperatureC',
      number(variables, 'ups.temperature', -50, 150) ?? number(variables, 'battery.temperature', -50, 150),
    ),
    mode: modeOf(words),
    lowBattery: words.has('LB'),
    forcedShutdown: words.has('FSD'),
    ...(alarms.length === 0 ? {} : { alarms }),
    ...told('model', text(variables, 'device.model') ?? text(variables, 'ups.model')),
    ...told('firmware', text(variables, 'ups.firmware')),
    ...told('serial', serialOf(variables)),
  };
}

function mainsOf(words: ReadonlySet<string>): boolean | undefined {
  const away = words.has('OB');
  if (words.has('WAIT') || words.has('OL') === away) return undefined;
  if (away && [...ON_ITS_OWN].some((word) => words.has(word))) return undefined;
  return !away;
}

function modeOf(words: ReadonlySet<string>): string {
  if (words.has('WAIT')) return 'waiting';
  if (words.has('OFF')) return 'standby';
  if (words.has('BYPASS')) return 'bypass';
  if (words.has('CAL')) return 'calibration';
  if (words.has('OB')) return 'battery';
  return words.has('OL') ? 'line' : 'unknown';
}

/** Power of the load: measured, or its share of what the UPS can carry. */
function loadW(variables: Variables, loadRatio: number | undefined): number | undefined {
  const measured = number(variables, 'ups.realpower', 0, 1e6) ?? number(variables, 'output.realpower', 0, 1e6);
  if (measured !== undefined) return measured;
  const nominalW = number(variables, 'ups.realpower.nominal', 0, 1e6);
  if (nominalW !== undefined && loadRatio !== undefined) return nominalW * loadRatio;
  // The power factor is not known; all of the apparent power is the larger load, so the cautious one.
  const apparentVa = number(variables, 'ups.power', 0, 1e6);
  if (apparentVa !== undefined) return apparentVa;
  const nominalVa = number(variables, 'ups.power.nominal', 0, 1e6);
  return nominalVa !== undefined && loadRatio !== undefined ? nominalVa * loadRatio : undefined;
}

function alarmsOf(words: ReadonlySet<string>, said: string | undefined): Alarm[] {
  const alarms: Alarm[] = [];
  const warn = (detail: string): void => {
    alarms.push({ code: 'vendor', level: 'warning', detail });
  };
  if (words.has('RB')) warn('replace battery');
  if (words.has('OVER')) warn('overload');
  if (words.has('BYPASS')) warn('load is fed around the UPS');
  if (words.has('OFF')) warn('output is off');
  if (said !== undefined && said.trim() !== '') warn(said.trim().slice(0, 200));
  return alarms;
}

const serialOf = (variables: Variables): string | undefined => {
  const serial = text(variables, 'device.serial') ?? text(variables, 'ups.serial');
  return serial === undefined || NO_SERIAL.test(serial) ? undefined : serial;
};

function text(variables: Variables, name: string): string | undefined {
  const value = variables.get(name)?.trim().slice(0, 100);
  return value === '' ? undefined : value;
}

/** A decimal number within bounds, times `scale`. */
function number(variables: Variables, name: string, least: number, most: number, scale = 1): number | undefined {
  const said = variables.get(name)?.trim();
  if (said === undefined || !/^[+-]?\d+(\.\d+)?$/.test(said)) return undefined;
  const value = Number(said);
  return value >= least && value <= most ? value * scale : undefined;
}

const told = <K extends keyof UpsSample>(key: K, value: UpsSample[K] | undefined): Partial<UpsSample> =>
  value === undefined ? {} : { [key]: value };

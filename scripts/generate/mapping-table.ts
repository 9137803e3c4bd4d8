import { mappingFor, mappingIds } from '../../bms/drivers/load-mappings.ts';
import type { MappingDriver } from '../../bms/drivers/mapping.ts';

/** The table of what already publishes: everything in it stands in the mapping files. */

const HEAD = ['driver', 'publisher', 'under', 'by', 'needs', 'reads', 'proven by'];

const UNDER = { pack: '`packs:`', meter: '`meters:`', ups: '`ups:`' } as const;

/** Notes or documents, and no device. */
const SOURCES = {
  notes: "fixtures written from this project's notes; no capture",
  documents: 'fixtures written from public descriptions by others; no capture',
  own: 'its owner',
} as const;

/** Words for the values of a sample; others are decoded and shown, and stand in no sample. */
const WORDS: Readonly<Record<string, string>> = {
  voltageV: 'voltage',
  currentA: 'current',
  powerW: 'power',
  socRatio: 'charge',
  sohRatio: 'health',
  remainingAh: 'remaining charge',
  fullAh: 'capacity',
  ratedAh: 'rated capacity',
  cycles: 'cycles',
  cellsV: 'cells',
  tempsC: 'temperatures',
  tempC: 'temperature',
  temperaturesC: 'temperatures',
  mosfetTempC: 'MOSFET temperature',
  balancingCells: 'balancing',
  chargeFetClosed: 'charge switch',
  dischargeFetClosed: 'discharge switch',
  energyInWh: 'energy in',
  energyOutWh: 'energy out',
  timeToEmptyS: 'time to go',
  apparentVa: 'apparent power',
  powerFactor: 'power factor',
  frequencyHz: 'frequency',
  importWh: 'import',
  exportWh: 'export',
  mainsPresent: 'mains',
  inputVoltageV: 'input',
  outputVoltageV: 'output',
  loadPowerW: 'load',
  batteryVoltageV: 'battery voltage',
  batteryCurrentA: 'battery current',
  temperatureC: 'temperature',
  mode: 'mode',
  lowBattery: 'low battery',
  model: 'model',
  firmware: 'firmware',
  serial: 'serial number',
};

/** Rows of all built-in mappings, sorted by id. */
export function mappingTable(): string {
  const drivers = mappingIds().flatMap((id) => mappingFor(id) ?? []);
  return [row(HEAD), row(HEAD.map(() => '---')), ...drivers.map(mappingRow)].join('\n');
}

function mappingRow(driver: MappingDriver): string {
  const { id, aliases, title, measures, mapping } = driver;
  const also = aliases.length === 0 ? '' : ` (also ${aliases.map(code).join(', ')})`;
  const names = Object.keys(mapping.values);
  const reads = [...names.flatMap((name) => WORDS[name] ?? []), ...(mapping.alarms.length > 0 ? ['alarms'] : [])];
  return row([
    `${code(id)}${also}`,
    title,
    UNDER[measures],
    waysOf(driver).join(', '),
    needsOf(driver).join(', ') || '–',
    [...new Set(reads)].join(', '),
    SOURCES[mapping.source],
  ]);
}

function waysOf({ mapping }: MappingDriver): string[] {
  const messages = Object.values(mapping.messages);
  const mqtt = [...messages, ...Object.values(mapping.values)].some(({ topic }) => topic !== undefined);
  const http = messages.some(({ request }) => request !== undefined);
  return [...(mqtt ? ['MQTT'] : []), ...(http ? ['HTTP'] : [])];
}

/** What has to be said besides the way to it. */
function needsOf({ mapping }: MappingDriver): string[] {
  const parameters = Object.entries(mapping.parameters).filter(([, { default: usual }]) => usual === undefined);
  return [...parameters.map(([name]) => code(name)), ...(mapping.withholds ? [code('staleAfter')] : [])];
}

const code = (text: string): string => `\`${text}\``;
const row = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;

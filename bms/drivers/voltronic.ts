import type { Alarm, AlarmCode } from '../model/alarms.ts';
import type { UpsSample } from '../model/sample.ts';
import { decoded, refused } from './decoded.ts';
import type { Cadence, Decoded, ExchangeDriver, ExchangeRead, Fields, RecordedExchange } from './driver.ts';
import { upsSample } from './ups-fields.ts';
import { acceptVoltronic, findFrame, NAK_TEXT, parseRequest, sentCrc, voltronicRequest } from './voltronic-frame.ts';
import { pi18Values } from './voltronic-pi18.ts';
import { clock, generalStatus, modeName, parallelUnit, ratings, settingFlags, warnings } from './voltronic-values.ts';

/**
 * Inverter/chargers of the Voltronic kind (Axpert, MPP Solar, EASUN, Anenji …) with the PI30 commands. Only queries are sent.
 *
 *     ask   QPIGS B7 A9 CR
 *     told  (000.0 00.0 230.0 49.9 0161 0119 003 460 57.50 012 100 0069 … 00010110 … 10 24 8C CR
 *            │     │    │          │    │       │   │     │   └ % by voltage
 *            │     │    └ output   │    └ 119 W │   │     └ 12 A into the battery
 *            └ grid, V and Hz      └ VA         │   └ battery V
 *                                               └ bus V
 */
export const voltronic: ExchangeDriver<UpsSample> = {
  id: 'voltronic',
  title: 'Voltronic-style inverter/charger (Axpert, MPP Solar, EASUN …; PI30)',
  measures: 'ups',
  note: 'protocols/voltronic.md',
  whenSilent: 'a unit in power saving may be silent; check the cable (RS232 levels) and that it speaks PI30',
  shape: 'exchange',
  line: { baud: 2400 },
  gapMs: 20,
  lateMs: 300,
  timeoutMs: 2000,
  tries: 2,
  reads: [
    read('QPIGS', 'fast', (payload) => /^[-\d.]+( [-\d.]+){15} [01]{8}( |$)/.test(payload)),
    read('QMOD', 'fast', (payload) => /^[A-Z]$/.test(payload)),
    { ...read('QPIWS', 'fast', isWarnings), optional: true },
    { ...read('QPIRI', 'once', isRatings), optional: true },
    { ...read('QVFW', 'once', (payload) => payload.startsWith('VERFW:')), optional: true },
    { ...read('QID', 'once', (payload) => /^\d{10,30}$/.test(payload)), optional: true },
  ],
  decode,
  sample,
};

function isWarnings(payload: string): boolean {
  return /^[01]{32,40}$/.test(payload);
}

function isRatings(payload: string): boolean {
  return payload.split(/ +/).length >= 18 && !/ [01]{8}( |$)/.test(payload) && /^\d/.test(payload);
}

function read(command: string, cadence: Cadence, fits: (payload: string) => boolean): ExchangeRead {
  return {
    name: command,
    cadence,
    request: voltronicRequest(command),
    accept: (received) => acceptVoltronic(received, fits),
  };
}

function decode(exchange: RecordedExchange): Decoded {
  const request = exchange.request === undefined ? undefined : parseRequest(exchange.request);
  if (exchange.response === undefined && request !== undefined) return decoded(requestFields(request));
  const response = exchange.response ?? new Uint8Array();
  if (response.length === 0) return refused('timeout', 'the unit did not answer');
  const found = findFrame(response);
  if ('fault' in found) return refused(found.fault, FAULTS[found.fault] ?? found.fault);
  const { frame, behind } = found;
  const result =
    frame.family === 'pi18' ? pi18(frame.payload, request?.command) : pi30(frame.payload, request?.command);
  if (!result.ok || behind === 0) return result;
  return decoded({ ...result.fields, strayBytes: behind });
}

const FAULTS: Readonly<Record<string, string>> = {
  header: 'no answer begins with ( or ^',
  truncated: 'the answer ends before its CR',
  checksum: 'the CRC of the answer does not match',
};

function requestFields({ command, crc }: { command: string; crc: number }): Fields {
  const text = (bytes: readonly number[]): string =>
    bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join('');
  return { command, rawCrcHex: text([crc >>> 8, crc & 0xff]), sentCrcHex: text(sentCrc(crc)) };
}

/** Answers do not name their command: without the request their shape tells. */
function pi30(payload: string, command: string | undefined): Decoded {
  if (payload === 'NAK') return refused('nak', NAK_TEXT);
  if (payload === 'ACK') return decoded({ ack: true });
  if (command === 'QPIGS') return generalStatus(payload);
  if (command === 'QPIRI') return ratings(payload);
  if (command?.startsWith('QPGS')) return parallelUnit(payload);
  if (command === 'QT') return clock(payload);
  if (command === 'QID') return decoded({ serial: payload });
  if (/^PI\d\d/.test(payload)) return decoded({ protocol: payload });
  if (/^[A-Z]$/.test(payload)) return decoded({ mode: modeName(payload) });
  if (isWarnings(payload)) return warnings(payload);
  if (payload.startsWith('VERFW:')) return decoded({ firmware: payload.slice('VERFW:'.length) });
  if (/^E[a-z]*D[a-z]*$/.test(payload)) return settingFlags(payload);
  if (isRatings(payload)) return ratings(payload);
  if (/ [01]{8}( |$)/.test(payload)) return generalStatus(payload);
  return decoded({ payload });
}

/** `D` and three digits of length before the data; `0` is a refusal, `1` an acknowledgement. */
function pi18(payload: string, command: string | undefined): Decoded {
  if (payload === '0') return refused('nak', NAK_TEXT);
  if (payload === '1') return decoded({ ack: true });
  const [, length, data = ''] = /^D(\d{3})(.*)$/.exec(payload) ?? [];
  if (length === undefined) return refused('header', 'no answer begins with ^D');
  if (Number(length) !== data.length + 3)
    return refused('length', `${length} bytes announced, ${data.length + 3} came`);
  const values = pi18Values(data, command);
  return values.ok ? decoded({ length: Number(length), ...values.fields }) : values;
}

/** Below this no battery is connected, V. */
const NO_BATTERY_V = 5;

function sample(fields: Fields, measuredAtMs: number): UpsSample {
  const list = Array.isArray(fields.warnings) ? fields.warnings.map(String) : undefined;
  const { voltageV } = fields;
  const battery = typeof voltageV === 'number' && voltageV >= NO_BATTERY_V;
  return upsSample(
    {
      mainsPresent: mainsPresent(fields, list),
      inputVoltageV: fields.gridVoltageV,
      inputFrequencyHz: fields.gridFrequencyHz,
      outputVoltageV: fields.acOutVoltageV,
      outputFrequencyHz: fields.acOutFrequencyHz,
      loadPowerW: fields.acOutPowerW,
      loadApparentVa: fields.acOutVa,
      loadRatio: fields.load,
      ...(battery ? { batteryVoltageV: voltageV, batteryCurrentA: fields.currentA, socRatio: fields.socRatio } : {}),
      temperatureC: fields.heatsinkTempC,
      mode: fields.mode,
      lowBattery: list?.some((name) => name === 'battery_low' || name === 'battery_under_shutdown'),
      firmware: fields.firmware,
      serial: fields.serial,
    },
    measuredAtMs,
    alarms(list, voltageV),
  );
}

/**
 * The grid voltage decides: a unit that prefers its battery runs in battery mode with the grid there. The mode counts only
 * where no voltage was told.
 */
function mainsPresent(fields: Fields, list: readonly string[] | undefined): boolean | undefined {
  if (typeof fields.mainsPresent === 'boolean') return fields.mainsPresent;
  if (fields.mode === 'line' || fields.mode === 'bypass') return true;
  return list?.includes('line_fail') ? false : undefined;
}

const CODES: Readonly<Record<string, AlarmCode>> = {
  over_temperature: 'ambient-temperature',
  battery_voltage_high: 'pack-overvoltage',
  battery_low: 'pack-undervoltage',
  battery_under_shutdown: 'pack-undervoltage',
  output_short: 'short-circuit',
  battery_short: 'short-circuit',
  current_sensor_fail: 'sensor-fault',
};

/** Faults on their own; `over_temperature`, `fan_locked`, `battery_voltage_high` and `overload` only together with a fault. */
const FAULT_WARNINGS = new Set(['over_temperature', 'fan_locked', 'battery_voltage_high', 'overload']);
const ALWAYS_WARNINGS = new Set([
  'battery_low',
  'battery_derating',
  'eeprom_fault',
  'power_limit',
  'pv_voltage_high',
  'mppt_overload_warning',
  'battery_too_low_to_charge',
]);

/** That the line is away is what `mainsPresent` says; it is no alarm. */
function alarms(list: readonly string[] | undefined, voltageV: unknown): readonly Alarm[] | undefined {
  const absent: Alarm[] =
    typeof voltageV === 'number' && voltageV < NO_BATTERY_V
      ? [{ code: 'vendor', level: 'warning', detail: 'no battery is connected' }]
      : [];
  if (list === undefined) return absent.length > 0 ? absent : undefined;
  const fault = list.includes('inverter_fault');
  const found = list
    .filter((name) => name !== 'line_fail' && !name.startsWith('reserved_'))
    .map((name): Alarm => {
      const mild = ALWAYS_WARNINGS.has(name.replace(/_[23]$/, '')) || (!fault && FAULT_WARNINGS.has(name));
      return { code: CODES[name] ?? 'vendor', level: mild ? 'warning' : 'protection', detail: name };
    });
  return [...found, ...absent];
}

import type { Alarm, AlarmCode } from '../model/alarms.ts';
import type { PackSample } from '../model/sample.ts';
import { decoded, refused } from './decoded.ts';
import type { Decoded, Fields, RecordedExchange, RegisterBlock, RegisterDriver, RegisterReader } from './driver.ts';
import { parseRtu } from './modbus-rtu.ts';
import { isTcpRequest, rtuForm } from './modbus-tcp.ts';
import { packSample } from './pack-fields.ts';
import { BATTERY, baseBattery, COMMON, commonModel, endOfModels, MARKER, STORAGE, storage } from './sunspec-models.ts';

/** Where the list of models may begin, in the order of the specification. */
const BASES = [40_000, 0, 50_000] as const;
/** More models than this is no list. */
const MOST_MODELS = 60;
const BATTERY_WORDS = 64;
const STORAGE_WORDS = 9;
const COMMON_WORDS = 68;

/**
 * A battery that speaks SunSpec: a list of models, each with its number and length, which is walked once for each connection.
 * Read are the base model of batteries (802) or, where there is none, that of storage (713).
 *
 *     40000  "SunS"  1 66 …maker, model…  802 62 …  FFFF
 */
export const sunspec: RegisterDriver<PackSample> = {
  id: 'sunspec',
  title: 'Battery with SunSpec models 802 or 713 (Modbus TCP or RTU)',
  measures: 'pack',
  note: 'protocols/modbus-devices.md, section 8',
  shape: 'registers',
  line: { baud: 9600 },
  gapMs: 20,
  defaultUnit: 1,
  discover,
  reads: [
    { ...block('battery', BATTERY_WORDS, 'batteryAt', BATTERY), cadence: 'fast' },
    { ...block('storage', STORAGE_WORDS, 'storageAt', STORAGE), cadence: 'fast' },
    { ...block('maker', COMMON_WORDS, 'commonAt', COMMON), cadence: 'once', optional: true },
  ],
  decode,
  sample,
};

function block(name: string, count: number, at: string, model: number): Omit<RegisterBlock, 'cadence'> {
  return {
    name,
    read: { table: 'holding', address: BASES[0], count },
    locate(found) {
      const address = found[at];
      return typeof address === 'number' ? { table: 'holding', address, count } : undefined;
    },
    decode(words) {
      if (words.length !== count) return refused('wrong_length', `${count} registers expected, ${words.length} came`);
      // A device that rearranged its list meanwhile must not be read at the old place.
      return words[0] === model || words.every((word) => word === 0)
        ? byModel(words)
        : refused('wrong_model', `model ${model} expected, ${words[0]} is there now`);
    },
  };
}

/** Walks the list. @throws TypeError when there is none, or none of a battery in it */
async function discover(read: RegisterReader): Promise<Fields> {
  const base = await findBase(read);
  const found: Record<string, number> = { base };
  let at = base + 2;
  for (let models = 0; models < MOST_MODELS; models += 1) {
    const [id = 0xffff, length = 0] = await read({ table: 'holding', address: at, count: 2 });
    if (id === 0xffff) break;
    if (id === COMMON && found.commonAt === undefined && length + 2 >= COMMON_WORDS) found.commonAt = at;
    if (id === BATTERY && length + 2 >= BATTERY_WORDS) found.batteryAt ??= at;
    if (id === STORAGE && length + 2 >= STORAGE_WORDS) found.storageAt ??= at;
    at += 2 + length;
    if (at > 0xffff - 2) break;
  }
  if (found.batteryAt !== undefined) delete found.storageAt;
  if (found.batteryAt === undefined && found.storageAt === undefined)
    throw new TypeError('its SunSpec list holds no battery (model 802 or 713)');
  return found;
}

/** Some devices answer an exception where nothing is, others zeros. */
async function findBase(read: RegisterReader): Promise<number> {
  let failure: unknown;
  for (const base of BASES) {
    try {
      const words = await read({ table: 'holding', address: base, count: 2 });
      if (isMarker(words)) return base;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      failure = error;
    }
  }
  throw new TypeError(`nothing says "SunS" at ${BASES.join(', ')}`, { cause: failure });
}

/** An exception of the device, which says that nothing is there; not a silence. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'refused';
}

function isMarker(words: Uint16Array): boolean {
  return words[0] === MARKER[0] && words[1] === MARKER[1];
}

function decode(exchange: RecordedExchange): Decoded {
  const form = isTcpRequest(exchange.request) ? rtuForm(exchange.request, exchange.response) : exchange;
  if ('ok' in form) return form;
  const rtu = parseRtu(form.request, form.response);
  if ('ok' in rtu) return rtu;
  if (rtu.kind === 'write') return refused('wrong_function', 'this driver writes nothing');
  const { words, address } = rtu;
  if (isMarker(words)) {
    const base = address === undefined ? {} : { base: address };
    if (words.length < 4) return decoded(base);
    const first = byModel(words.subarray(2));
    return first.ok ? decoded({ ...base, ...first.fields }) : first;
  }
  const atBase = address !== undefined && BASES.some((base) => base === address);
  if (atBase && words.length === 2) return refused('no_sunspec', 'nothing says "SunS" here; try 40000, 0 and 50000');
  return byModel(words);
}

function byModel(words: Uint16Array): Decoded {
  const [id = 0] = words;
  if (id === 0xffff) return decoded(endOfModels);
  if (id === COMMON && words.length >= COMMON_WORDS - 1) return decoded(commonModel(words));
  if (id === BATTERY && words.length >= BATTERY_WORDS) return decoded(baseBattery(words));
  if (id === STORAGE && words.length >= STORAGE_WORDS) return decoded(storage(words));
  return decoded({ model: id, length: words[1] ?? 0 });
}

/** Events of 802 in our words; the others are shown as the vendor's. Those that end in warning are one level milder. */
const CODES: Readonly<Record<string, AlarmCode>> = {
  over_temp: 'discharge-overtemperature',
  under_temp: 'discharge-undertemperature',
  over_charge_current: 'charge-overcurrent',
  over_discharge_current: 'discharge-overcurrent',
  over_volt: 'pack-overvoltage',
  under_volt: 'pack-undervoltage',
  under_soc_min: 'low-soc',
  voltage_imbalance_warning: 'cell-imbalance',
};

/** States, not troubles. */
const NO_ALARM = new Set(['configuration_alarm', 'configuration_warning']);

function sample(fields: Fields, measuredAtMs: number): PackSample {
  const { manufacturer, modelName } = fields;
  const maker = [manufacturer, modelName].filter((text) => typeof text === 'string').join(' ');
  const ratio = (value: unknown): number | undefined => (typeof value === 'number' && value <= 1 ? value : undefined);
  return packSample(
    { ...fields, model: maker === '' ? undefined : maker, firmware: fields.version, socRatio: ratio(fields.socRatio) },
    measuredAtMs,
    alarms(fields),
  );
}

/** The model does not define which sign of the current charges: a contradiction with the state is told. */
function alarms({ events, chargeStatus, currentA }: Fields): readonly Alarm[] | undefined {
  if (!Array.isArray(events)) return undefined;
  const found = events.map(String).flatMap((name): Alarm[] => {
    if (NO_ALARM.has(name)) return [];
    const stem = name.replace(/_(alarm|warning)$/, '');
    const level = name.endsWith('_alarm') || stem === name ? 'protection' : 'warning';
    return [{ code: CODES[stem] ?? CODES[name] ?? 'vendor', level, detail: name }];
  });
  if (typeof currentA !== 'number' || Math.abs(currentA) < 1) return found;
  const backwards = (chargeStatus === 'charging' && currentA < 0) || (chargeStatus === 'discharging' && currentA > 0);
  if (!backwards) return found;
  const detail = `it says ${chargeStatus} at ${currentA} A: try invertCurrent`;
  return [...found, { code: 'sensor-fault', level: 'warning', detail }];
}

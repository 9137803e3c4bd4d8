import { bytesToHex, latin1Bytes, latin1Text } from '#bridge';
import type { Alarm, AlarmCode } from '../model/alarms.ts';
import { decoded, refused } from './decoded.ts';
import type { Decoded, Fields, RecordedExchange, StreamAsk, StreamDriver, StreamParser } from './driver.ts';
import { packSample } from './pack-fields.ts';
import { acceptHex, hexGet } from './ve-direct-ask.ts';
import { decodeHex, type HexFrame, parseHex } from './ve-direct-hex.ts';
import { blockValues } from './ve-direct-labels.ts';
import { productClass, productName } from './ve-direct-products.ts';
import { VeDirectText } from './ve-direct-text.ts';

/**
 * Victron VE.Direct: the device talks by itself about once a second. Nothing is asked unless `hex` is configured: older
 * devices stop their text for some seconds after a question.
 *
 *     PID 0x203 · V 12065 · I -7625 · P -92 · CE -65473 · SOC 839 · TTG 942 · Alarm OFF · … · Checksum q
 *
 * A BMV or SmartShunt sends this main block and a history block (H1 …) in turn; each is good or bad for itself.
 */
export const veDirect: StreamDriver = {
  id: 've-direct',
  title: 'Victron VE.Direct (SmartShunt, BMV; MPPT and others for their battery voltage)',
  measures: 'pack',
  note: 'protocols/ve-direct.md',
  shape: 'stream',
  line: { baud: 19200 },
  silenceMs: 10_000,
  asks,
  parser,
  decode,
  sample,
};

/** Registers of a battery monitor that its text does not have. The temperature is asked only where the text has none. */
const REGISTERS: readonly (readonly [name: string, register: number, unless?: string])[] = [
  ['battery capacity', 0x1000],
  ['synchronised', 0xeeb6],
  ['temperature', 0xedec, 'tempC'],
  ['serial number', 0x010a, 'serial'],
];

function asks(fields: Fields): readonly StreamAsk[] {
  if (productClass(fields.productId) !== 'battery-monitor' || fields.productId === undefined) return [];
  return REGISTERS.filter(([, , unless]) => unless === undefined || fields[unless] === undefined).map(
    ([name, register]) => ({ name, request: hexGet(register), accept: acceptHex(register) }),
  );
}

function parser(unchecked = false): StreamParser {
  const text = new VeDirectText(unchecked);
  return {
    push(chunk, monoMs) {
      const results: Decoded[] = [];
      for (const event of text.push(chunk, monoMs)) {
        if (event.kind === 'block') results.push(decoded(blockValues(event.fields)));
        else if (event.kind === 'bad-block') results.push(badBlock(0, 1));
      }
      return results;
    },
  };
}

function decode(exchange: RecordedExchange): Decoded {
  const bytes = exchange.response ?? latin1Bytes(exchange.text ?? '');
  if (bytes.length === 0) return refused('timeout', 'the device was silent');
  const text = new VeDirectText();
  const blocks: Fields[] = [];
  const frames: (HexFrame | string)[] = [];
  let badBlocks = 0;
  for (const event of text.push(bytes, 0)) {
    if (event.kind === 'block') blocks.push(blockValues(event.fields));
    else if (event.kind === 'bad-block') badBlocks += 1;
    else frames.push(parseHex(event.text));
  }
  if (blocks.length > 0) return decodedStream(blocks, badBlocks, frames);
  if (badBlocks > 0) return badBlock(0, badBlocks);
  const [only] = frames;
  if (only === undefined) return refused('truncated', 'no whole block and no whole frame', { blocks: 0, badBlocks: 0 });
  if (frames.length > 1) return decoded({ blocks: 0, badBlocks, ...hexSummary(frames) });
  if (typeof only === 'string') return refused(only, `a HEX frame is damaged (${only})`);
  return decodeHex(only, hexRequest(exchange.request));
}

/** All blocks merged, later ones win; more than one block is summarised besides. */
function decodedStream(blocks: readonly Fields[], badBlocks: number, frames: readonly (HexFrame | string)[]): Decoded {
  const [first = {}, ...others] = blocks;
  const merged: Record<string, unknown> = others.length === 0 ? first : Object.assign({}, first, ...others);
  const counts = { blocks: blocks.length, badBlocks, ...(frames.length > 0 ? hexSummary(frames) : {}) };
  if (blocks.length + badBlocks <= 1) return decoded(Object.assign(merged, counts));
  const last = { lastVoltageV: merged.voltageV, lastCurrentA: merged.currentA, lastSoc: merged.socRatio };
  return decoded({ ...merged, ...counts, ...last, merged });
}

function hexSummary(frames: readonly (HexFrame | string)[]): Fields {
  const good = frames.filter((frame) => typeof frame !== 'string');
  return {
    hexFrames: good.map(({ command, data }) => ({ command, payloadHex: bytesToHex(data) })),
    badHexFrames: frames.length - good.length,
  };
}

function badBlock(blocks: number, badBlocks: number): Decoded {
  return refused('checksum', 'the bytes of the block do not add up to 0', { blocks, badBlocks });
}

function hexRequest(request: Uint8Array | undefined): HexFrame | undefined {
  if (request === undefined) return undefined;
  const match = /^:([0-9A-Fa-f]+)\n?$/.exec(latin1Text(request.subarray(0, 64)));
  const frame = parseHex(match?.[1] ?? '');
  return typeof frame === 'string' ? undefined : frame;
}

/** What only a device that watches the whole battery may say. */
const BATTERY_ONLY = [
  'currentA',
  'powerW',
  'socRatio',
  'timeToGoS',
  'consumedAh',
  'cycles',
  'chargedWh',
  'dischargedWh',
  'tempC',
] as const;

/**
 * A charger, an inverter and a shunt that watches one source or load (`MON` not 0) know the battery's voltage, and no more:
 * their current is a part of the battery's, and a SOC of theirs would be nonsense.
 */
function sample(fields: Fields, measuredAtMs: number) {
  const mode = fields.monitorMode;
  const watchesBattery =
    productClass(fields.productId) === 'battery-monitor' && (mode === undefined || mode === null || mode === 0);
  const told: Record<string, unknown> = {
    ...fields,
    model: fields.model ?? productName(fields.productId),
    ratedAh: watchesBattery ? fields.capacityAh : undefined,
  };
  if (!watchesBattery) for (const key of BATTERY_ONLY) delete told[key];
  return packSample(told, measuredAtMs, alarms(fields));
}

const REASON_ALARMS: Readonly<Record<string, AlarmCode>> = {
  low_voltage: 'pack-undervoltage',
  high_voltage: 'pack-overvoltage',
  low_soc: 'low-soc',
  mid_voltage: 'cell-imbalance',
  low_temperature: 'ambient-temperature',
  high_temperature: 'ambient-temperature',
  short_circuit: 'short-circuit',
};

function alarms(fields: Fields): readonly Alarm[] | undefined {
  const { alarm, alarmReasons, errorCode } = fields;
  if (alarm === undefined && alarmReasons === undefined && errorCode === undefined) return undefined;
  const found: Alarm[] = [];
  for (const reason of Array.isArray(alarmReasons) ? alarmReasons : []) {
    found.push({ code: REASON_ALARMS[reason] ?? 'vendor', level: 'warning', detail: reason });
  }
  if (alarm === true && found.length === 0) found.push({ code: 'vendor', level: 'warning', detail: 'alarm' });
  if (typeof errorCode === 'number' && errorCode !== 0) {
    found.push({ code: 'vendor', level: 'warning', detail: `charger error ${errorCode}` });
  }
  return found;
}

import { bytesToHex } from '#bridge';
import { dalyFaults } from './daly-alarms.ts';
import { type DalyFrame, missingNumbers, numbered } from './daly-frame.ts';
import { decoded, refused } from './decoded.ts';
import type { Decoded, Fields } from './driver.ts';
import { bitNumbers, fieldTable, listOf, readText } from './fields.ts';

/** Values in the eight bytes of data of Daly's classic frames, command by command. */

export const PACK = 0x90;
export const COUNTS = 0x94;
export const STATE = 0x93;
export const CELLS = 0x95;
export const TEMPERATURES = 0x96;
export const FAULTS = 0x98;
export const RATED = 0x50;
const BATTERY_CODE = 0x57;

const CELLS_PER_FRAME = 3;
const SENSORS_PER_FRAME = 7;
const MOST_CELLS = 48;
const MOST_SENSORS = 21;
const CODE_FRAMES = 5;

const pack = fieldTable([
  { key: 'voltageV', offset: 0, size: 2, scale: 0.1 },
  { key: 'gatheredV', offset: 2, size: 2, scale: 0.1 },
  { key: 'rawCurrent', offset: 4, size: 2 },
  { key: 'socRatio', offset: 6, size: 2, scale: 0.001 },
]);

const extremeCells = fieldTable([
  { key: 'cellMaxV', offset: 0, size: 2, scale: 0.001 },
  { key: 'cellMaxNo', offset: 2, size: 1 },
  { key: 'cellMinV', offset: 3, size: 2, scale: 0.001 },
  { key: 'cellMinNo', offset: 5, size: 1 },
]);

const extremeTemperatures = fieldTable([
  { key: 'tempMaxC', offset: 0, size: 1, add: -40 },
  { key: 'tempMaxNo', offset: 1, size: 1 },
  { key: 'tempMinC', offset: 2, size: 1, add: -40 },
  { key: 'tempMinNo', offset: 3, size: 1 },
]);

const rated = fieldTable([
  { key: 'nominalAh', offset: 0, size: 4, scale: 0.001 },
  { key: 'cellReferenceV', offset: 4, size: 4, scale: 0.001 },
]);

const cellLimits = fieldTable([
  { key: 'cellOvL1V', offset: 0, size: 2, scale: 0.001 },
  { key: 'cellOvL2V', offset: 2, size: 2, scale: 0.001 },
  { key: 'cellUvL1V', offset: 4, size: 2, scale: 0.001 },
  { key: 'cellUvL2V', offset: 6, size: 2, scale: 0.001 },
]);

const packLimits = fieldTable([
  { key: 'packOvL1V', offset: 0, size: 2, scale: 0.1 },
  { key: 'packOvL2V', offset: 2, size: 2, scale: 0.1 },
  { key: 'packUvL1V', offset: 4, size: 2, scale: 0.1 },
  { key: 'packUvL2V', offset: 6, size: 2, scale: 0.1 },
]);

/** Words for the state register; all three protocols of Daly share them. */
export function stateName(raw: number): string {
  return ['stationary', 'charging', 'discharging'][raw] ?? `unknown_${raw}`;
}

/** Offset binary, tenths of an ampere; 0 would be 3000 A and means that nothing was measured. */
export function offsetCurrent(raw: number, scale = 10): number | null {
  return raw === 0 ? null : (raw - 30_000) / scale;
}

/** What the values of all three protocols can be (note, section 2.4). */
const RANGES = [
  ['currentA', -1000, 1000, ' A'],
  ['socRatio', 0, 1, ''],
] as const;
const CELL_MAX_V = 5;

/** The values, or the refusal `range` where one of them cannot be: a sum or CRC lets some damage through. */
export function plausible(fields: Fields): Decoded {
  for (const [name, low, high, unit] of RANGES) {
    const value = fields[name];
    if (typeof value === 'number' && (value < low || value > high)) {
      return refused('range', `${name} ${value} is outside ${low}..${high}${unit}`);
    }
  }
  const { cellsV } = fields;
  const cell = Array.isArray(cellsV) ? cellsV.findIndex((cellV: number) => cellV > CELL_MAX_V) : -1;
  if (cell < 0) return decoded(fields);
  return refused('range', `cell ${cell + 1} of the answer is above ${CELL_MAX_V} V`);
}

/** Decodes the replies to one command; `known` holds the counts that an earlier reply to 0x94 told. */
export function decodeReplies(frames: readonly [DalyFrame, ...DalyFrame[]], known: Fields): Decoded {
  const [{ command, data }] = frames;
  if (command === CELLS) return cells(frames, known);
  if (command === TEMPERATURES) return temperatures(frames, known);
  if (command === BATTERY_CODE) return batteryCode(frames);
  return plausible(one(command, data));
}

function one(command: number, data: Uint8Array): Fields {
  switch (command) {
    case PACK: {
      const { rawCurrent = 0, gatheredV: _, ...values } = pack.read(data);
      // Discharge counts up on the wire.
      const currentA = offsetCurrent(rawCurrent);
      return { ...values, currentA: currentA === null ? null : 0 - currentA };
    }
    case 0x91:
      return extremeCells.read(data);
    case 0x92:
      return extremeTemperatures.read(data);
    case STATE:
      return {
        state: stateName(byte(data, 0)),
        chargeMosfet: byte(data, 1) !== 0,
        dischargeMosfet: byte(data, 2) !== 0,
        heartbeat: byte(data, 3),
        remainingAh: u32(data, 4) / 1000,
      };
    case COUNTS:
      return {
        cellCount: byte(data, 0),
        tempCount: byte(data, 1),
        chargerConnected: byte(data, 2) !== 0,
        loadConnected: byte(data, 3) !== 0,
        dioBits: byte(data, 4),
        cycles: (byte(data, 5) << 8) | byte(data, 6),
      };
    case 0x97: {
      const balancingCells = [0, 1, 2, 3, 4, 5].flatMap((at) => bitNumbers(byte(data, at)).map((bit) => at * 8 + bit));
      return { balancing: balancingCells.length > 0, balancingCells };
    }
    case FAULTS:
      return { alarms: dalyFaults(data), faultCode: byte(data, 7) };
    case RATED:
      return rated.read(data);
    case 0x53:
      return { manufactureDate: date(byte(data, 2), byte(data, 3), byte(data, 4)) };
    case 0x59:
      return cellLimits.read(data);
    case 0x5a:
      return packLimits.read(data);
    default:
      return { command, dataHex: bytesToHex(data) };
  }
}

/** How many frames hold all cells. Without a known count a board can send up to 16. */
export function cellFrames(known: Fields): number {
  return Math.ceil(count(known.cellCount, MOST_CELLS) / CELLS_PER_FRAME);
}

/** How many frames hold all temperatures. */
export function temperatureFrames(known: Fields): number {
  return Math.ceil(count(known.tempCount, MOST_SENSORS) / SENSORS_PER_FRAME);
}

function count(told: unknown, most: number): number {
  return typeof told === 'number' && told >= 1 && told <= most ? told : most;
}

function cells(frames: readonly DalyFrame[], known: Fields): Decoded {
  const byNumber = numbered(frames);
  const wanted = known.cellCount === undefined ? Math.max(0, ...byNumber.keys()) : cellFrames(known);
  const missing = missingNumbers(byNumber, wanted);
  const cellCount = count(known.cellCount, wanted * CELLS_PER_FRAME);
  const cellV = (at: number): number | undefined => {
    const data = byNumber.get(Math.floor(at / CELLS_PER_FRAME) + 1)?.data;
    const low = 1 + (at % CELLS_PER_FRAME) * 2;
    return data === undefined ? undefined : ((byte(data, low) << 8) | byte(data, low + 1)) / 1000;
  };
  if (missing.length > 0 || wanted === 0) {
    const told = listOf(cellCount, (at) => [at + 1, cellV(at)] as const).filter(([, known]) => known !== undefined);
    return incomplete(missing, { partialCellsV: Object.fromEntries(told) });
  }
  const cellsV = listOf(cellCount, (at) => cellV(at) ?? 0);
  // Without a count the zeros at the end are places without a cell.
  if (known.cellCount === undefined) while (cellsV.at(-1) === 0) cellsV.pop();
  return plausible({ cellsV, parts: byNumber.size });
}

function temperatures(frames: readonly DalyFrame[], known: Fields): Decoded {
  const byNumber = numbered(frames);
  const wanted = known.tempCount === undefined ? Math.max(0, ...byNumber.keys()) : temperatureFrames(known);
  const missing = missingNumbers(byNumber, wanted);
  if (missing.length > 0 || wanted === 0) return incomplete(missing, {});
  const raw = listOf(wanted, (at) => [...(byNumber.get(at + 1)?.data.subarray(1) ?? [])]).flat();
  if (known.tempCount === undefined) while (raw.at(-1) === 0) raw.pop();
  const tempsC = raw.slice(0, count(known.tempCount, raw.length)).map((value) => (value === 0xff ? null : value - 40));
  return decoded({ tempsC, parts: byNumber.size });
}

function batteryCode(frames: readonly DalyFrame[]): Decoded {
  const byNumber = numbered(frames);
  const missing = missingNumbers(byNumber, CODE_FRAMES);
  if (missing.length > 0) return incomplete(missing, {});
  const text = listOf(CODE_FRAMES, (at) => [...(byNumber.get(at + 1)?.data.subarray(1) ?? [])]);
  return decoded({ batteryCode: readText(Uint8Array.from(text.flat())), parts: byNumber.size });
}

function incomplete(missingFrames: readonly number[], partial: Fields): Decoded {
  const message = `the answer lacks frames ${missingFrames.join(', ')}`;
  return refused('incomplete', message, { missingFrames, ...partial });
}

/** What an acknowledged write did, taken from its request. */
export function decodeWrite(request: DalyFrame, reply: DalyFrame): Decoded {
  const asked = request.data;
  const done = byte(reply.data, 0);
  if (request.command === 0x21) {
    const clock = `${date(byte(asked, 0), byte(asked, 1), byte(asked, 2))}T${[3, 4, 5]
      .map((at) => String(byte(asked, at)).padStart(2, '0'))
      .join(':')}`;
    return decoded({
      ack: done === 1,
      op: 'set_soc',
      socRatio: ((byte(asked, 6) << 8) | byte(asked, 7)) / 1000,
      clock,
    });
  }
  const op = request.command === 0xda ? 'set_charge_mosfet' : 'set_discharge_mosfet';
  return decoded({ ack: done === byte(asked, 0), op, on: done !== 0 });
}

/** Commands that change the board. We only read recordings of them. */
export function isWrite(command: number): boolean {
  return command === 0xda || command === 0xd9 || command === 0x21;
}

function date(year: number, month: number, day: number): string | null {
  if (month < 1 || month > 12 || day < 1 || day > 31) return null;
  return `${2000 + year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}

function byte(data: Uint8Array, at: number): number {
  return data[at] ?? 0;
}

function u32(data: Uint8Array, at: number): number {
  return ((byte(data, at) << 24) | (byte(data, at + 1) << 16) | (byte(data, at + 2) << 8) | byte(data, at + 3)) >>> 0;
}

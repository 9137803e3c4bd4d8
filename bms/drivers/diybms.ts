import type { Alarm } from '../model/alarms.ts';
import type { PackSample } from '../model/sample.ts';
import { decoded, refused } from './decoded.ts';
import { acceptRing, isAnswer, type RingPacket, ringRequest, scanRing } from './diybms-frame.ts';
import type { Cadence, Decoded, ExchangeDriver, ExchangeRead, Fields, RecordedExchange } from './driver.ts';
import { packSample } from './pack-fields.ts';

const VOLTAGES = 1;
const TEMPERATURES = 3;
/** First of the four numbers by which the packets of each are told apart. */
const SEQUENCE = { [VOLTAGES]: 7, [TEMPERATURES]: 12 } as const;
const TIMING = 8;
/** Modules answered by one packet, and the most that a ring can have. */
const GROUP = 16;
const MOST_MODULES = 64;

/**
 * Cell modules of diyBMS v4 on their own ring, with this program in place of the controller: two masters on one ring destroy
 * each other's packets. Every module holds a packet until it has all of it, so a round takes one packet's time for each.
 *
 *     ask   AA 00 0F 01 00 0700 0000×16 D5F2        modules 0 to 15, voltages
 *     told  AA 00 0F 81 08 0700 E50C E60C … 991C    8 modules: 3.301 V, 3.302 V, …
 */
export const diybms: ExchangeDriver = {
  id: 'diybms',
  title: 'diyBMS v4 cell modules on their ring, without the controller',
  measures: 'pack',
  note: 'protocols/diybms.md, section 4',
  whenSilent:
    'the modules are compiled for one rate (2400, 5000, 9600 or 10000): set baud; one module without supply breaks the ring, ' +
    'and an empty cell is enough for that; a controller on the same ring must be off',
  shape: 'exchange',
  line: { baud: 9600 },
  gapMs: 450,
  lateMs: 1000,
  timeoutMs: 2400,
  tries: 2,
  reads: [...groups('voltages', 'fast', VOLTAGES), ...groups('temperatures', 'slow', TEMPERATURES)],
  decode,
  sample,
};

/** One read for every sixteen modules. A ring without the later ones says so once, and is not asked again. */
function groups(name: string, cadence: Cadence, command: keyof typeof SEQUENCE): readonly ExchangeRead[] {
  return Array.from({ length: MOST_MODULES / GROUP }, (_, group) => {
    const asked = {
      first: group * GROUP,
      last: group * GROUP + GROUP - 1,
      command,
      sequence: SEQUENCE[command] + group,
    };
    return {
      name: `${name} ${asked.first}-${asked.last}`,
      cadence,
      request: ringRequest(asked.first, asked.last, command, asked.sequence),
      accept: acceptRing(asked),
      ...(group > 0 ? { optional: true } : {}),
    };
  });
}

function decode(exchange: RecordedExchange): Decoded {
  const response = exchange.response ?? new Uint8Array();
  if (response.length === 0) return refused('timeout', 'nothing came back from the ring');
  const [asked] = exchange.request === undefined ? [] : scanRing(exchange.request).packets;
  const { packets, fault } = scanRing(response);
  const answers = asked === undefined ? packets : packets.filter((packet) => isAnswer(packet, asked));
  const answer = answers.find(({ processed }) => processed) ?? answers[0];
  if (answer === undefined) {
    if (packets.length > 0) return refused('wrong_sequence', 'the packet answers another question');
    if (fault === 'checksum') return refused(fault, 'the CRC of the packet does not match');
    return refused('timeout_or_truncated', 'no whole packet came back: a module has lost it, or the ring is open');
  }
  const { processed, hops } = answer;
  if (!processed)
    return refused('not_processed', 'no module took the packet', { modulesFound: hops, processed: false });
  return decoded({
    packets: answers.length,
    command: COMMANDS[answer.command] ?? `command_${answer.command}`,
    processed,
    modulesFound: hops,
    sequence: answer.sequence,
    ...values(answer),
  });
}

const COMMANDS: Readonly<Record<number, string>> = {
  1: 'read_voltage_and_status',
  3: 'read_temperature',
  4: 'read_bad_packet_counter',
  5: 'read_settings',
  7: 'read_balance_power_pwm',
  8: 'timing',
  9: 'read_balance_current',
  10: 'read_received_packets',
  12: 'read_additional_settings',
};

function values(packet: RingPacket): Fields {
  const { first, command, words } = packet;
  const own = [...words.subarray(0, Math.max(0, Math.min(packet.last + 1, packet.hops) - first))];
  if (command === VOLTAGES) {
    const cellsV = own.map((word) => (word & 0x1fff) / 1000);
    const bypass = own.map((word) => (word & 0x8000) !== 0);
    const bypassOverTemp = own.map((word) => (word & 0x4000) !== 0);
    return { cellsV, bypass, bypassOverTemp, [`voltages${first}`]: { cellsV, bypass, bypassOverTemp } };
  }
  if (command === TEMPERATURES) {
    const internalTempsC = own.map((word) => (word >>> 8) - 40);
    const externalTempsC = own.map((word) => ((word & 0xff) === 0 ? null : (word & 0xff) - 40));
    return { internalTempsC, externalTempsC, [`temperatures${first}`]: { internalTempsC, externalTempsC } };
  }
  if (command === 7) {
    return {
      pwm: own.map((word) => word & 0xff),
      pwmPercent: own.map((word) => Math.round(((word & 0xff) * 100) / 255)),
    };
  }
  if (command === TIMING) return { roundTripMs: (u32(words, 2) - u32(words, 0)) >>> 0 };
  return { words: own };
}

/** High word first, against the order of bytes. */
function u32(words: Uint16Array, at: number): number {
  return (words[at] ?? 0) * 0x10000 + (words[at + 1] ?? 0);
}

/** Published only when every module of the ring is in it: a sum that lacks a cell is no voltage of a pack. */
function sample(fields: Fields, measuredAtMs: number): PackSample {
  const count = typeof fields.modulesFound === 'number' ? fields.modulesFound : 0;
  const cellsV = allOf(fields, 'voltages', 'cellsV', count);
  const bypass = allOf(fields, 'voltages', 'bypass', count);
  const hot = allOf(fields, 'voltages', 'bypassOverTemp', count);
  const internal = allOf(fields, 'temperatures', 'internalTempsC', count) ?? [];
  const external = allOf(fields, 'temperatures', 'externalTempsC', count) ?? [];
  const outside = external.filter((value) => value !== null);
  if (cellsV === undefined) return packSample({}, measuredAtMs, undefined);
  const sumV = cellsV.reduce((sum: number, cellV) => sum + Number(cellV), 0);
  const alarms = (hot ?? []).flatMap((isHot, at): Alarm[] =>
    isHot === true ? [{ code: 'mosfet-overtemperature', level: 'warning', detail: `bypass of cell ${at + 1}` }] : [],
  );
  return packSample(
    {
      voltageV: Math.round(sumV * 1000) / 1000,
      cellsV,
      // The sensors in the modules measure the balancer; they stand in where no cell has one of its own.
      tempsC: outside.length > 0 ? outside : internal,
      balancingCells: (bypass ?? []).flatMap((on, at) => (on === true ? [at + 1] : [])),
    },
    measuredAtMs,
    alarms,
  );
}

/** The values of all groups one behind the other; undefined while one is missing. */
function allOf(fields: Fields, kind: string, key: string, count: number): readonly unknown[] | undefined {
  const all: unknown[] = [];
  for (let first = 0; first < count; first += GROUP) {
    const group = fields[`${kind}${first}`];
    const list = typeof group === 'object' && group !== null ? (group as Fields)[key] : undefined;
    if (!Array.isArray(list)) return undefined;
    all.push(...list);
  }
  return count > 0 && all.length === count ? all : undefined;
}

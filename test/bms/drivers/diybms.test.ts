import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bindDevice } from '../../../bms/bind.ts';
import { diybms } from '../../../bms/drivers/diybms.ts';
import { ringRequest, scanRing } from '../../../bms/drivers/diybms-frame.ts';
import { driverFor } from '../../../bms/drivers/registry.ts';
import { byteExchange } from '../../../firmware-bridge/index.ts';
import { failure, MemoryTransport, outcome } from '../../firmware-bridge/memory-transport.ts';
import { readVectors, recorded } from './vectors.ts';

const vectors = readVectors('diybms');
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function exchange(name: string) {
  const vector = vectors.find((known) => known.name === name);
  if (vector === undefined) throw new Error(`no vector ${name}`);
  return recorded(vector);
}

/** A chain of modules, written from the note: each fills its word and adds a hop. */
class Ring extends MemoryTransport {
  readonly asked: string[] = [];
  constructor(cells: readonly number[]) {
    super();
    this.device = (bytes) => {
      const [asked] = scanRing(bytes).packets;
      if (asked === undefined) throw new Error('no packet was sent');
      this.asked.push(`${asked.command}:${asked.first}`);
      const packet = new Uint8Array(40);
      const view = new DataView(packet.buffer);
      const any = asked.first < cells.length;
      packet.set([asked.first, asked.last, asked.command | (any ? 0x80 : 0), cells.length]);
      view.setUint16(4, asked.sequence, true);
      cells.forEach((cellV, address) => {
        if (address < asked.first || address > asked.last) return;
        const word = asked.command === 1 ? Math.round(cellV * 1000) : (62 << 8) | 0;
        view.setUint16(6 + 2 * (address % 16), word, true);
      });
      view.setUint16(38, xmodem(packet.subarray(0, 38)), true);
      this.say(
        Uint8Array.of(
          0xaa,
          ...[...packet].flatMap((byte) => ([0xaa, 0x88].includes(byte) ? [0x88, byte & 0x7f] : [byte])),
        ),
      );
    };
  }
}

function xmodem(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc;
}

function bound(ring: MemoryTransport) {
  const { gapMs, timeoutMs, tries, lateMs = 200 } = diybms;
  const bus = byteExchange(ring, { gapMs, timeoutMs, tries, lateMs });
  return bindDevice(diybms, 'cells', bus, { now: () => 7, mono: () => Date.now() });
}

describe('a request to the ring', () => {
  it.each(['read_voltage_8_modules', 'read_voltage_escaped_bytes', 'read_temperature', 'read_balance_pwm'])(
    'is built as in %s',
    (name) => {
      const { request = new Uint8Array() } = exchange(name);
      const [asked] = scanRing(request).packets;
      if (asked === undefined) throw new Error('no packet');
      expect(hex(ringRequest(asked.first, asked.last, asked.command, asked.sequence))).toBe(hex(request));
    },
  );

  it('only reads: voltages and temperatures', () => {
    const commands = diybms.reads.map(({ request }) => scanRing(request).packets[0]?.command);
    expect(new Set(commands)).toEqual(new Set([1, 3]));
  });

  it('is told from every other by what its answer repeats', () => {
    expect(new Set(diybms.reads.map(({ request }) => hex(request))).size).toBe(diybms.reads.length);
    const sequences = diybms.reads.map(({ request }) => scanRing(request).packets[0]?.sequence);
    expect(new Set(sequences).size).toBe(diybms.reads.length);
  });
});

describe('a pack of diyBMS modules', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is the sum of its cells', async () => {
    const ring = new Ring([3.301, 3.302, 3.299, 3.3]);
    expect(await outcome(bound(ring).poll())).toMatchObject({
      kind: 'pack',
      voltageV: 13.202,
      cellsV: [3.301, 3.302, 3.299, 3.3],
      temperaturesC: [22, 22, 22, 22],
    });
  });

  it('with more than sixteen cells takes another packet, and asks no group twice that is not there', async () => {
    const ring = new Ring(Array.from({ length: 18 }, (_, at) => 2.3 + at / 1000));
    const device = bound(ring);
    const sample = await outcome(device.poll());
    expect(sample).toMatchObject({ voltageV: 41.553 });
    expect(sample).toHaveProperty('cellsV.length', 18);
    expect(ring.asked).toContain('1:32');
    const before = ring.asked.length;
    await outcome(device.poll());
    expect(ring.asked.slice(before)).toEqual(['1:0', '1:16']);
  });

  it('is not published while a part of its cells is missing', () => {
    const part = { modulesFound: 18, voltages0: { cellsV: Array.from({ length: 16 }, () => 3.3) } };
    expect(diybms.sample(part, 1)).toEqual({ kind: 'pack', measuredAtMs: 1 });
  });

  it('says which bypass is hot, and which cells are bypassed', () => {
    const result = diybms.decode(exchange('read_voltage_8_modules'));
    const sample = diybms.sample(result.ok ? result.fields : {}, 1);
    expect(sample.balancingCells).toEqual([5, 7]);
    expect(sample.alarms).toEqual([{ code: 'mosfet-overtemperature', level: 'warning', detail: 'bypass of cell 7' }]);
  });

  it('whose ring is open says what to look at', async () => {
    const ring = new MemoryTransport();
    const error = await failure(bound(ring).poll());
    expect(error.code).toBe('timeout');
    expect(error.message).toContain('compiled for one rate');
  });

  it('does not take its own echo for the ring', async () => {
    const ring = new MemoryTransport();
    ring.device = (bytes) => ring.say(bytes);
    expect((await failure(bound(ring).poll())).code).toBe('timeout');
  });
});

describe('the current monitor', () => {
  it('is read in one request of exactly 46 registers', () => {
    const monitor = driverFor('diybms-current-monitor');
    if (monitor.shape !== 'registers') throw new Error('it is Modbus');
    expect(monitor.reads.map(({ read }) => read)).toEqual([{ table: 'holding', address: 0, count: 46 }]);
    const result = monitor.decode(exchange('current_monitor_discharging'));
    expect(monitor.sample(result.ok ? result.fields : {}, 1)).toMatchObject({
      currentA: -12.5,
      ratedAh: 280,
      alarms: [],
    });
  });

  it('of another make without direction tells the voltage only', () => {
    const meter = driverFor('pzem-017');
    const result = meter.decode(exchange('pzem017_reading'));
    const sample = meter.sample(result.ok ? result.fields : {}, 1);
    expect(sample).toEqual({ kind: 'pack', measuredAtMs: 1, voltageV: 53.12 });
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ExchangeDriver } from '../../../bms/drivers/driver.ts';
import { driverFor, driverIds } from '../../../bms/drivers/registry.ts';
import { type ProbeOptions, probe } from '../../../bms/probe/index.ts';
import { type BridgeError, hexToBytes, type SerialLine } from '../../../firmware-bridge/index.ts';
import { MemoryTransport, outcome } from '../../firmware-bridge/memory-transport.ts';
import { answered, capturesOf } from '../drivers/captures.ts';
import { readVectors } from '../drivers/vectors.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

type Device = (bytes: Uint8Array, line: MemoryTransport) => void;

/** A port with one device on it, which understands one rate; at the others it is deaf. */
function port(baud: number, device: Device) {
  const opened: MemoryTransport[] = [];
  const place = {
    kind: 'serial' as const,
    open: ({ baud: asked }: SerialLine) => {
      const line = new MemoryTransport();
      if (asked === baud) line.device = (bytes) => device(bytes, line);
      opened.push(line);
      return line;
    },
  };
  return { place, opened };
}

const clocks = () => ({ now: () => 1_700_000_000_000, mono: () => Date.now(), signal: new AbortController().signal });

async function probed(place: Parameters<typeof probe>[0], options: Partial<ProbeOptions> = {}) {
  const report = await outcome(probe(place, { ...clocks(), ...options }));
  if (report instanceof Error) throw report;
  return report;
}

/** A Modbus slave that answers as it was captured, and refuses all else. */
function captured(file: string, profile: string, unit: number): Device {
  const answers = new Map(
    readVectors(file)
      .filter((vector) => vector.profile === profile && !/error|truncat|crc|refused|echo|two_zero/.test(vector.name))
      .map(({ request_hex: request = '', response_hex: response = '' }) => [request, response]),
  );
  return (bytes, line) => {
    if (bytes[0] !== unit || bytes.length !== 8) return;
    const answer = answers.get(Buffer.from(bytes).toString('hex'));
    if (answer !== undefined) line.say(hexToBytes(answer));
    else line.say(exception(unit, bytes[1] ?? 0));
  };
}

function exception(unit: number, fc: number): Uint8Array {
  let crc = 0xffff;
  const body = [unit, fc | 0x80, 2];
  for (const byte of body) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  }
  return Uint8Array.of(...body, crc & 0xff, crc >>> 8);
}

const exchangeIds = driverIds().filter((id) => driverFor(id).shape === 'exchange');

describe('probe', () => {
  it.each(exchangeIds)('finds a device of %s, and names it for sure', async (id) => {
    const driver = driverFor(id) as ExchangeDriver;
    const answers = capturesOf(answered(driver));
    const { place, opened } = port(driver.line.baud, (bytes, line) => {
      const answer = answers(bytes);
      if (answer !== undefined) line.say(answer);
    });
    const report = await probed(place, id === 'jk-pb' ? { only: [id] } : {});
    expect(report.found).toMatchObject([{ driver: id, certainty: 'sure', baud: driver.line.baud, fitsToo: [] }]);
    expect(Object.keys(report.found[0]?.sample ?? {}).length).toBeGreaterThan(2);
    expect(opened.every((line) => !line.isOpen)).toBe(true);
  });

  it('hears a device that talks by itself without sending a byte', async () => {
    const text = readVectors('ve-direct').find(
      ({ name, response_hex: hex }) => hex !== undefined && /bmv|shunt/i.test(name),
    );
    const { place, opened } = port(19_200, () => {});
    const talking = {
      ...place,
      open: (line: SerialLine) => {
        const made = place.open(line);
        if (line.baud === 19_200) setInterval(() => made.say(hexToBytes(text?.response_hex ?? '')), 500);
        return made;
      },
    };
    const report = await probed(talking);
    expect(report.found).toMatchObject([{ driver: 've-direct', certainty: 'sure', baud: 19_200 }]);
    expect(opened.flatMap(({ written }) => written)).toEqual([]);
  });

  it('finds a profile whose cells add up to its voltage', async () => {
    const { place } = port(9600, captured('modbus-battery', 'eg4-ll', 1));
    expect((await probed(place)).found).toMatchObject([{ driver: 'eg4-ll', certainty: 'sure', unit: 1, baud: 9600 }]);
  });

  it('says of registers that fit nobody that somebody is there', async () => {
    const { place } = port(9600, (bytes, line) => {
      if (bytes[0] === 1 && bytes.length === 8) line.say(exception(1, bytes[1] ?? 0));
    });
    const report = await probed(place);
    expect(report.found).toEqual([]);
    expect(report.strangers).toEqual([{ unit: 1, baud: 9600 }]);
  });

  it('finds nobody on a silent line, within its bounds, and counts what it heard', async () => {
    const { place, opened } = port(9600, (_, line) => line.say(Uint8Array.of(0x00, 0xff)));
    const startMs = Date.now();
    const report = await probed(place);
    expect(report).toMatchObject({ complete: true, found: [], strangers: [] });
    expect(report.heardBytes).toBeGreaterThan(10);
    expect(report.leftOut).toHaveProperty('jk-pb');
    expect(Date.now() - startMs).toBeLessThan(180_000);
    expect(opened.map(({ isOpen }) => isOpen)).not.toContain(true);
  });

  it('counts the echo of an adapter like what it sent', async () => {
    const { place } = port(9600, (bytes, line) => line.say(bytes));
    const { found, strangers, sentBytes, heardBytes } = await probed({ ...place, kind: 'bridge' });
    expect([found, strangers, heardBytes]).toEqual([[], [], sentBytes]);
    expect(sentBytes).toBeGreaterThan(20);
  });

  it('tells several boards of a line by their numbers', async () => {
    const driver = driverFor('daly') as ExchangeDriver;
    const answers = capturesOf(answered(driver));
    const { place } = port(9600, (bytes, line) => {
      // Boards 1 and 3: the capture with the number put in.
      const board = (bytes[1] ?? 0) - 0x3f;
      if (bytes[0] !== 0xa5 || (board !== 1 && board !== 3)) return;
      const first = Uint8Array.from(bytes);
      first[1] = 0x40;
      first[12] = ((first[12] ?? 0) - board + 1) & 0xff;
      const answer = answers(first);
      if (answer === undefined) return;
      for (let at = 0; at + 13 <= answer.length; at += 13) {
        answer[at + 1] = board;
        answer[at + 12] = answer.subarray(at, at + 12).reduce((sum, byte) => sum + byte, 0) & 0xff;
      }
      line.say(answer);
    });
    const { found } = await probed(place, { scan: true, only: ['daly'] });
    expect(found.map(({ driver: id, address }) => [id, address])).toEqual([
      ['daly', 1],
      ['daly', 3],
    ]);
  });

  it('asks only those who were named', async () => {
    const { place, opened } = port(9600, () => {});
    await probed(place, { only: ['jbd'] });
    const sent = opened.flatMap(({ written }) => written.map((bytes) => Buffer.from(bytes).toString('hex')));
    expect([...new Set(sent)]).toEqual(['dda50300fffd77']);
  });

  it('ends early with what there is when it is given up', async () => {
    const over = new AbortController();
    const { place, opened } = port(9600, () => {});
    const told: string[] = [];
    const report = await probed(place, {
      signal: over.signal,
      told: (what) => {
        told.push(what);
        if (told.length === 3) over.abort(new Error('enough'));
      },
    });
    expect(report).toMatchObject({ complete: false, found: [] });
    expect(told.length).toBe(3);
    expect(opened.every((line) => !line.isOpen)).toBe(true);
  });

  it('fails when the port cannot be opened or is pulled out', async () => {
    const { place } = port(9600, (_, line) => line.unplug());
    const pulled = (await outcome(probe(place, clocks()))) as BridgeError;
    expect(pulled).toMatchObject({ code: 'closed' });
  });
});

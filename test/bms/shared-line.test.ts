import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bindDevice } from '../../bms/bind.ts';
import type { Device } from '../../bms/device.ts';
import { daly } from '../../bms/drivers/daly.ts';
import type { PackSample } from '../../bms/model/sample.ts';
import { BridgeError, type ByteExchange, byteExchange } from '../../firmware-bridge/index.ts';
import { MemoryTransport } from '../firmware-bridge/memory-transport.ts';
import { dalyLine, frame } from './daly-boards.ts';

/** Eight boards on one RS-485 line, in made time: polls are counted, no single one is timed. */

const BOARDS = [1, 2, 3, 4, 5, 6, 7, 8];
const BYTES_PER_S = 960;
const EVERY_MS = 5_000;
const MINUTES = 4;

/** A line that takes the time of 9600 baud for what is said on it. */
class Line extends MemoryTransport {
  #free = 0;
  /** Answers of which board and how much later than it should, ms; undefined: does not answer. */
  latency: (board: number, request: Uint8Array) => number | undefined = () => 20;
  answer: (request: Uint8Array) => Uint8Array | undefined = (request) => dalyLine(BOARDS, request);

  constructor() {
    super();
    this.device = async (request) => {
      await new Promise((resolve) => setTimeout(resolve, (request.length / BYTES_PER_S) * 1000));
      const delayMs = this.latency((request[1] ?? 0) - 0x3f, request);
      const answer = this.answer(request);
      if (delayMs !== undefined && answer !== undefined) this.later(answer, delayMs);
    };
  }

  later(bytes: Uint8Array, delayMs: number): void {
    const startMs = Math.max(this.#free, Date.now() + delayMs);
    this.#free = startMs + (bytes.length / BYTES_PER_S) * 1000;
    setTimeout(() => this.say(bytes), this.#free - Date.now());
  }
}

interface Count {
  polls: number;
  wrong: string[];
  failures: string[];
}

/** Polls every board at its interval, as the service does, until the time is over. */
async function watch(line: Line, shared = true): Promise<Record<number, Count>> {
  const { gapMs, timeoutMs, tries } = daly;
  const bus = byteExchange(line, { gapMs, timeoutMs, tries, now: () => Date.now() });
  const counts: Record<number, Count> = {};
  let over = false;
  const loops = BOARDS.map(async (board) => {
    const count: Count = { polls: 0, wrong: [], failures: [] };
    counts[board] = count;
    const device = bound(board, bus, shared);
    let dueMs = Date.now();
    while (!over) {
      await device.poll().then(
        (sample) => {
          count.polls += 1;
          if (sample.voltageV !== 40 + board) count.wrong.push(`${sample.voltageV} V`);
          if (sample.cellsV?.some((cellV) => Math.abs(cellV - (40 + board) / 4 / 10) > 0.001))
            count.wrong.push('cells');
        },
        (error: unknown) => count.failures.push(error instanceof BridgeError ? error.code : String(error)),
      );
      dueMs = Math.max(dueMs + EVERY_MS, Date.now());
      await new Promise((resolve) => setTimeout(resolve, dueMs - Date.now()));
    }
    await device.close();
  });
  await vi.advanceTimersByTimeAsync(MINUTES * 60_000);
  over = true;
  await vi.advanceTimersByTimeAsync(60_000);
  await Promise.all(loops);
  await bus.close();
  return counts;
}

function bound(board: number, bus: ByteExchange, shared: boolean): Device<PackSample> {
  return bindDevice(daly, `pack${board}`, bus, {
    now: () => Date.now(),
    mono: () => Date.now(),
    address: board,
    shared: () => shared,
  });
}

const wanted = (MINUTES * 60_000) / EVERY_MS;
const polls = (counts: Record<number, Count>, boards: readonly number[]): number[] =>
  boards.map((board) => counts[board]?.polls ?? 0);
const wrong = (counts: Record<number, Count>): string[] => Object.values(counts).flatMap((count) => count.wrong);
/** The rate is kept when no more is missing than the beginning and the end of the time cost. */
const kept = (counts: Record<number, Count>, boards: readonly number[]): boolean =>
  polls(counts, boards).every((count) => count >= 0.95 * wanted);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('eight boards on one line', () => {
  it('are all read at their interval', async () => {
    const counts = await watch(new Line());
    expect(kept(counts, BOARDS), JSON.stringify(polls(counts, BOARDS))).toBe(true);
    expect(wrong(counts)).toEqual([]);
  });

  it('keep their rate when one is dead', async () => {
    const line = new Line();
    line.latency = (board) => (board === 3 ? undefined : 20);
    const counts = await watch(line);
    const others = BOARDS.filter((board) => board !== 3);
    expect(kept(counts, others), JSON.stringify(polls(counts, others))).toBe(true);
    expect(counts[3]?.polls).toBe(0);
    expect(new Set(counts[3]?.failures)).toEqual(new Set(['timeout']));
  });

  it('would not, if the dead one were asked as often as the others', async () => {
    const line = new Line();
    line.latency = (board) => (board === 3 ? undefined : 20);
    const counts = await watch(line, false);
    expect(kept(counts, [1, 2, 4, 5, 6, 7, 8])).toBe(false);
  });

  it('find one again that was away', async () => {
    const line = new Line();
    const backMs = Date.now() + 90_000;
    line.latency = (board) => (board === 3 && Date.now() < backMs ? undefined : 20);
    const counts = await watch(line);
    expect(counts[3]?.polls).toBeGreaterThan(0.4 * wanted);
    expect(kept(counts, [1, 2, 4, 5, 6, 7, 8])).toBe(true);
  });

  it('keep their rate when one is dead and another babbles', async () => {
    const line = new Line();
    line.latency = (board) => (board === 3 || board === 5 ? undefined : 20);
    let seed = 1;
    const random = (below: number): number => {
      seed = (seed * 48_271) % 0x7fff_ffff;
      return seed % below;
    };
    // Noise, halves of frames, and whole good frames with its own number that nobody asked for.
    const babble = setInterval(() => {
      const noise = Uint8Array.from({ length: 1 + random(12) }, () => random(256));
      const unasked = frame(5, [0x90, 0x93, 0x95][random(3)] ?? 0x90, [1, 0x99, 1, 0x99]);
      line.later([noise, unasked, unasked.subarray(0, 1 + random(12))][random(3)] ?? noise, 0);
    }, 150);
    const counts = await watch(line);
    clearInterval(babble);
    const others = BOARDS.filter((board) => board !== 3 && board !== 5);
    expect(kept(counts, others), JSON.stringify(polls(counts, others))).toBe(true);
    expect(wrong(counts)).toEqual([]);
  });

  it('are read although a babbling one is never silent', async () => {
    const line = new Line();
    line.latency = (board) => (board === 5 ? undefined : 20);
    const babble = setInterval(() => line.say(frame(5, 0x90, [1, 2])), 30);
    const counts = await watch(line);
    clearInterval(babble);
    const others = BOARDS.filter((board) => board !== 5);
    expect(Math.min(...polls(counts, others))).toBeGreaterThan(0.6 * wanted);
    expect(wrong(counts)).toEqual([]);
  });
});

describe('a board that does not behave', () => {
  it('and answers slowly slows down nobody’s samples but its own', async () => {
    const line = new Line();
    line.latency = (board) => (board === 2 ? 400 : 20);
    const counts = await watch(line);
    expect(wrong(counts)).toEqual([]);
    expect(counts[2]?.polls).toBeGreaterThan(0);
    expect(Math.min(...polls(counts, BOARDS))).toBeGreaterThan(0.5 * wanted);
  });

  it('and answers after its time is over never lends its values to another', async () => {
    const line = new Line();
    line.latency = (board) => (board === 2 ? 640 : 20);
    const counts = await watch(line);
    expect(wrong(counts)).toEqual([]);
    expect(counts[2]?.polls).toBe(0);
    expect(polls(counts, [1, 3, 4, 5, 6, 7, 8]).every((count) => count > 0.5 * wanted)).toBe(true);
  });

  it('and answers for its neighbour is not believed', async () => {
    const line = new Line();
    line.answer = (request) => {
      const moved = Uint8Array.from(request);
      // Board 6 answers in place of board 7.
      if (moved[1] !== 0x46) return dalyLine(BOARDS, request);
      moved[1] = 0x45;
      moved[12] = ((moved[12] ?? 0) - 1) & 0xff;
      return dalyLine(BOARDS, moved);
    };
    const counts = await watch(line);
    expect(wrong(counts)).toEqual([]);
    expect(counts[7]?.polls).toBe(0);
    expect(kept(counts, [1, 2, 3, 4, 5, 6, 8])).toBe(true);
  });
});

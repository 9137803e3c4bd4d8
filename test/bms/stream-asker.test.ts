import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bindDevice } from '../../bms/bind.ts';
import { veDirect } from '../../bms/drivers/ve-direct.ts';
import { acceptHex, hexGet } from '../../bms/drivers/ve-direct-ask.ts';
import type { PackSample } from '../../bms/model/sample.ts';
import { byteExchange } from '../../firmware-bridge/index.ts';
import { MemoryTransport } from '../firmware-bridge/memory-transport.ts';

const latin1 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

function hexFrame(command: number, ...data: number[]): string {
  const check = (0x55 - data.reduce((sum, byte) => sum + byte, command)) & 0xff;
  return `:${command.toString(16).toUpperCase()}${[...data, check].map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join('')}\n`;
}

/** A SmartShunt written from the note: a block a second, and answers to HEX reads. */
class Shunt extends MemoryTransport {
  readonly asked: string[] = [];
  blocks = 0;
  silentUntilMs = 0;
  /** How long it stops its text after a question, ms. */
  pausesMs = 0;
  pid = '0xA389';
  registers: Record<number, number[]> = {
    4096: [0xc8, 0x00],
    61110: [1],
    60908: [0x7d, 0x74],
    266: [...latin1('HQ123\0')],
  };
  #talk: ReturnType<typeof setInterval> | undefined;

  constructor() {
    super();
    this.device = (bytes) => {
      this.asked.push(text(bytes).trim());
      const id = Number.parseInt(text(bytes).slice(4, 6) + text(bytes).slice(2, 4), 16);
      this.silentUntilMs = Date.now() + this.pausesMs;
      const value = this.registers[id];
      const head = [id & 0xff, id >> 8];
      const reply = value === undefined ? hexFrame(7, ...head, 1) : hexFrame(7, ...head, 0, ...value);
      // An unasked frame first, and the answer into the middle of a block.
      setTimeout(() => this.block(`${hexFrame(0xa, 0x8d, 0xed, 0, 0x10, 0x14)}${reply}`), 40);
    };
  }

  start(): void {
    this.#talk = setInterval(() => this.block(), 1000);
  }

  stop(): void {
    clearInterval(this.#talk);
  }

  block(inside = ''): void {
    if (inside === '' && Date.now() < this.silentUntilMs) return;
    this.blocks += 1;
    const head = `\r\nPID\t${this.pid}\r\nV\t${12_000 + this.blocks}`;
    const tail = '\r\nI\t-500\r\nSOC\t839\r\nT\t---\r\nChecksum\t';
    const sum = latin1(head + tail).reduce((all, byte) => all + byte, 0);
    this.say(latin1(head + inside + tail));
    this.say(Uint8Array.of((0x100 - (sum & 0xff)) & 0xff));
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Polls once a second for so many seconds; every sample, or its failure. */
async function watch(shunt: Shunt, seconds: number, options: object = { hex: true }) {
  const bus = byteExchange(shunt, { gapMs: 0, timeoutMs: 1000, tries: 1 });
  const device = bindDevice(veDirect, 'shunt', bus, { now: () => Date.now(), mono: () => Date.now(), ...options });
  const samples: PackSample[] = [];
  const failures: unknown[] = [];
  shunt.start();
  const polling = setInterval(() => {
    void device.poll().then(
      (sample) => samples.push(sample),
      (error: unknown) => failures.push(error),
    );
  }, 1000);
  await vi.advanceTimersByTimeAsync(seconds * 1000);
  clearInterval(polling);
  shunt.stop();
  await device.close();
  const closing = bus.close();
  await vi.advanceTimersByTimeAsync(2_000);
  await closing;
  return { samples, failures, last: samples.at(-1) };
}

describe('a device that talks by itself', () => {
  it('is asked nothing unless it is configured', async () => {
    const shunt = new Shunt();
    const { last } = await watch(shunt, 120, {});
    expect(shunt.asked).toEqual([]);
    expect(last).not.toHaveProperty('ratedAh');
  });

  it('is asked for what its text lacks, seldom, and goes on talking', async () => {
    const shunt = new Shunt();
    const { last, failures, samples } = await watch(shunt, 120);
    expect(last).toMatchObject({ ratedAh: 200, serial: 'HQ123', temperaturesC: [25.06] });
    expect(failures).toEqual([]);
    expect(samples.length).toBeGreaterThan(110);
    // No block was lost to the questions, and none can be: what is under way is not thrown away.
    expect(shunt.flushes).toBe(0);
    expect(last?.voltageV).toBeCloseTo((12_000 + shunt.blocks) / 1000, 2);
    expect(shunt.asked.length).toBeGreaterThanOrEqual(4);
    expect(shunt.asked.length).toBeLessThanOrEqual(6);
  });

  it('and stops its text after a question never goes stale for it', async () => {
    const shunt = new Shunt();
    shunt.pausesMs = 4_000;
    const { last, failures } = await watch(shunt, 120);
    expect(failures).toEqual([]);
    expect(last).toMatchObject({ ratedAh: 200 });
  });

  it('is not asked again for what it does not have', async () => {
    const shunt = new Shunt();
    shunt.registers = { 4096: [0xc8, 0x00] };
    const { last } = await watch(shunt, 600);
    expect(last).toMatchObject({ ratedAh: 200 });
    for (const register of [0xeeb6, 0xedec, 0x010a]) {
      const request = text(hexGet(register)).trim();
      expect(shunt.asked.filter((asked) => asked === request)).toHaveLength(1);
    }
  });

  it('and answers no question at all is left alone after a few', async () => {
    const shunt = new Shunt();
    shunt.device = (bytes) => void shunt.asked.push(text(bytes));
    const { failures } = await watch(shunt, 900);
    expect(failures).toEqual([]);
    expect(shunt.asked).toHaveLength(8);
  });

  it('and is no battery monitor is asked nothing', async () => {
    const shunt = new Shunt();
    shunt.pid = '0xA053';
    await watch(shunt, 120);
    expect(shunt.asked).toEqual([]);
  });
});

describe('a HEX question', () => {
  it('is that of the document', () => {
    expect(text(hexGet(0x1000))).toBe(':70010003E\n');
  });

  it('finds its answer among text, other answers and a colon that is none', () => {
    const accept = acceptHex(0x1000);
    const reply = ':7001000C80076\n';
    expect(accept(latin1(reply))).toMatchObject({ kind: 'take', length: reply.length });
    const behind = latin1(`V\t12000\r\nChecksum\t:\r\nPID\t0xA389\r\n:A8DED001014A1\n${reply}`);
    expect(accept(behind)).toMatchObject({ kind: 'skip' });
    expect(accept(latin1(reply.slice(0, 9)))).toEqual({ kind: 'more' });
    expect(accept(latin1(':7B6EE00015B\n'))).toMatchObject({ kind: 'skip' });
    expect(accept(latin1(':352\n'))).toMatchObject({ kind: 'refuse', code: 'unknown_command' });
    expect(accept(latin1(':4AAAAFD\n'))).toMatchObject({ kind: 'refuse', code: 'framing' });
    expect(accept(latin1(`:${'7'.repeat(200)}`))).toMatchObject({ kind: 'skip', length: 201 });
  });
});

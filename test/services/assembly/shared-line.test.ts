import { SerialPort } from 'serialport';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Buses } from '../../../services/assembly/buses.ts';
import { deviceSource } from '../../../services/assembly/sources.ts';
import { checkConfig } from '../../../services/config/load.ts';
import { systemClock } from '../../../services/runtime/clock.ts';
import { dalyLine, frame } from '../../bms/daly-boards.ts';
import { cable, temporaryFolder, until } from '../../firmware-bridge/peers.ts';
import { peer } from '../../peers.ts';

const socat = peer('socat');
const BOARDS = [1, 2, 3, 4, 5, 6, 7, 8];
const DEAD = 3;
const BABBLING = 5;
const OTHERS = BOARDS.filter((board) => board !== DEAD && board !== BABBLING);

let folder: ReturnType<typeof temporaryFolder>;
const closing: (() => Promise<void>)[] = [];
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  folder.remove();
});

/** The boards at the far end of the cable: one dead, one that talks by itself. */
async function boardsAt(path: string): Promise<() => Promise<void>> {
  const port = new SerialPort({ path, baudRate: 9600, autoOpen: false });
  await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
  let pending = Buffer.alloc(0);
  port.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]).subarray(-26);
    const start = pending.indexOf(0xa5);
    if (start < 0 || pending.length - start < 13) return;
    const answer = dalyLine(OTHERS, pending.subarray(start, start + 13));
    pending = Buffer.alloc(0);
    if (answer !== undefined) port.write(answer);
  });
  port.on('error', () => {});
  const babble = setInterval(() => port.isOpen && port.write(frame(BABBLING, 0x90, [1, 0x99, 1, 0x99])), 130);
  return async () => {
    clearInterval(babble);
    if (port.isOpen) await new Promise<void>((resolve) => port.close(() => resolve()));
  };
}

describe(`eight boards on one serial line (${socat.title})`, () => {
  it.skipIf(socat.skip)(
    'one dead, one babbling: the others answer with their own values, after a replug too',
    async () => {
      let wire = await cable(socat.path, folder.path);
      closing.push(() => wire.pull());
      let stop = await boardsAt(wire.a);
      closing.push(() => stop());
      const buses = new Buses();
      closing.push(() => buses.close());
      const packs = BOARDS.map((address) => ({
        id: `pack${address}`,
        driver: 'daly',
        address,
        via: { serial: wire.b },
        chemistry: 'lifepo4',
        cells: 16,
        capacityAh: 100,
      }));
      const checked = checkConfig(JSON.stringify({ packs }));
      if (!checked.ok) throw new Error(JSON.stringify(checked.problems));

      const polls = new Map<number, number>();
      const wrong: unknown[] = [];
      const over = new AbortController();
      const loops = checked.config.packs.map(async (pack, at) => {
        const source = deviceSource('pack', pack, buses, systemClock, systemClock);
        const board = at + 1;
        while (!over.signal.aborted) {
          const sample = (await source.poll(over.signal).catch(() => undefined)) as { voltageV?: number } | undefined;
          if (sample !== undefined && sample.voltageV !== 40 + board) wrong.push(sample);
          if (sample !== undefined) polls.set(board, (polls.get(board) ?? 0) + 1);
          await systemClock.sleep(50, over.signal).catch(() => {});
        }
      });
      const heard = (): boolean => OTHERS.every((board) => polls.has(board));
      await until('a sample of every good board', heard, 60_000);

      await stop();
      await wire.pull();
      polls.clear();
      wire = await cable(socat.path, folder.path);
      stop = await boardsAt(wire.a);
      await until('a sample of every good board after the replug', heard, 60_000);
      over.abort();
      await Promise.all(loops);
      expect(wrong).toEqual([]);
      expect(polls.get(DEAD)).toBeUndefined();
      expect(polls.get(BABBLING)).toBeUndefined();
    },
    150_000,
  );
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jbd } from '../../bms/drivers/jbd.ts';
import { bindDevice } from '../../bms/index.ts';
import { byteExchange, serialTransport } from '../../firmware-bridge/index.ts';
import { demoRack } from '../../services/twin/demo-rack.ts';
import { serveJbdOnPath } from '../../services/twin/devices/jbd-bms.ts';
import { openPtyPair } from '../../services/twin/pty-pair.ts';
import { createWorld } from '../../services/twin/world.ts';
import { peer } from '../peers.ts';
import { type Bench, figure } from './bench.ts';
import { type LineCount, pacedLine } from './paced-line.ts';

/** 9600 baud, 8N1: ten bits a byte. */
const BYTES_PER_S = 960;
/** Whole polls in one run: at three a second some five seconds. */
const POLLS_PER_RUN = 16;
const MOST_RUNS = 5;

/**
 * A JBD board on a pty whose line speed is made: requests and answers take the time 9600 baud takes. The limit is what
 * the bytes that went by need on the line, and with it the silence the driver owes the board before each request.
 */
export const pollsBench: Bench = {
  name: 'polls',
  about: 'polls a second of a JBD board at 9600 baud, two requests each, against what the line allows',
  async run({ runs }) {
    const { skip, title } = peer('socat');
    if (skip) return { skipped: `needs ${title}` };
    const folder = mkdtempSync(join(tmpdir(), 'holdover-bench-'));
    try {
      return await onPair(folder, Math.min(runs, MOST_RUNS));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function onPair(folder: string, runs: number): ReturnType<Bench['run']> {
  const pair = await openPtyPair(folder);
  if (pair === undefined) return { skipped: 'socat made no pty pair in time' };
  const board = await serveJbdOnPath(createWorld(demoRack().world), pair.device, { throttle: true });
  const count: LineCount = { bytes: 0, pausesMs: 0 };
  const { line, gapMs, timeoutMs, tries } = jbd;
  const bus = byteExchange(pacedLine(serialTransport({ path: pair.host, line }), BYTES_PER_S, count), {
    gapMs,
    timeoutMs,
    tries,
  });
  const device = bindDevice(jbd, 'bench', bus, { now: () => Date.now(), mono: () => performance.now() });
  try {
    // The first poll opens the port and asks what is asked once.
    await device.poll();
    const measured: number[] = [];
    const lineAndGap: number[] = [];
    const lineAlone: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      const before = { bytes: count.bytes, answers: bus.stats.answers };
      const startedMs = performance.now();
      for (let poll = 0; poll < POLLS_PER_RUN; poll += 1) await device.poll();
      const tookS = (performance.now() - startedMs) / 1000;
      const lineS = (count.bytes - before.bytes) / BYTES_PER_S;
      const gapS = ((bus.stats.answers - before.answers) * gapMs) / 1000;
      measured.push(POLLS_PER_RUN / tookS);
      lineAndGap.push(POLLS_PER_RUN / (lineS + gapS));
      lineAlone.push(POLLS_PER_RUN / lineS);
    }
    const { timeouts, refusals } = bus.stats;
    return {
      figures: [
        figure('polls, basic and cells', 'per s', measured, {
          what: `the limit of line and the driver’s gap of ${gapMs} ms`,
          values: lineAndGap,
        }),
        figure('polls, basic and cells', 'per s', measured, { what: 'the limit of the bare line', values: lineAlone }),
      ],
      remarks: [`${timeouts} time-outs, ${refusals} refusals`],
    };
  } finally {
    await device.close();
    await bus.close();
    await board.close();
    await pair.close();
  }
}

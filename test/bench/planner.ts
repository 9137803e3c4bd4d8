import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CELLS, evaluateCase, runtimeHours, type SizingQuestion, sizePack } from '../../power-planner/index.ts';
import { type Bench, type Figure, figure, spreadOf } from './bench.ts';
import { inTurns, repeat } from './in-turns.ts';

const BUNDLE = fileURLToPath(new URL('../../dist/holdover.js', import.meta.url));
const SCENARIO = fileURLToPath(new URL('../../examples/scenarios/b-twenty-cm4.yaml', import.meta.url));

/** The closed form against writing down and reading back one of its cases, the search, and the command from its start on. */
export const plannerBench: Bench = {
  name: 'planner',
  about: 'runtimes and sizing searches on one core, and the start of the command to its answer',
  async run({ runs }) {
    return { figures: [await runtimes(runs), await search(runs), await absurd(runs), ...start(runs)] };
  },
};

async function runtimes(runs: number): Promise<Figure> {
  const cell = { ocv: 'lfp', capacityAh: 280, resistanceMohm: 0.5 } as const;
  let powerW = 0;
  const one = () => {
    // Another load every time: nothing can be remembered.
    powerW = (powerW + 17) % 3000;
    return runtimeHours({ pack: { cell, series: 16, parallel: 1 }, powerW: 100 + powerW });
  };
  const asked = { cell: { ocv: 'lfp', capacity_ah: 280, r_dc_mohm: 0.5 }, series: 16, power_w: 281, lvc_v: 46.4 };
  const json = JSON.stringify({ id: 'one', kind: 'runtime', inputs: asked });
  const times = await inTurns(
    repeat(one),
    repeat(() => JSON.stringify(JSON.parse(json))),
    runs,
  );
  const perSecond = (micros: readonly number[]): number[] => micros.map((us) => 1e6 / us);
  return figure('runtimes at constant power', 'a second', perSecond(times.ours), {
    what: 'JSON there and back of one case',
    values: perSecond(times.peer),
  });
}

/** Every cell of the catalogue on every series count from 24 to 60 V, with the refill of each pack and its years. */
const WIDE: SizingQuestion = {
  busMinV: 24,
  busMaxV: 60,
  powerW: 281,
  targetHours: 12,
  capacityFactor: 0.7,
  resistanceFactor: 1.9,
  charge: { powerDcW: 900, currentA: 20 },
  life: { standby: { temperatureC: 25, socRatio: 1 }, use: { cyclesPerYear: 12, depthRatio: 0.8, cRate: 0.1 } },
  objective: 'cost',
  maxParallel: 100,
  candidates: CELLS,
};

async function search(runs: number): Promise<Figure> {
  const plain: SizingQuestion = { ...WIDE, charge: undefined, life: undefined };
  const times = await inTurns(
    repeat(() => sizePack(WIDE)),
    repeat(() => sizePack(plain)),
    runs,
  );
  return inMillis(`sizing over ${CELLS.length} cells, 24 to 60 V, with refill and years`, times, 'it without them');
}

async function absurd(runs: number): Promise<Figure> {
  const candidates = Array.from({ length: 200 }, (_, i) => {
    const cell = { ocv: 'lfp', capacity_ah: 10 + i, r_dc_mohm: 1, v_charge: 3.45, v_lvc: 0.6, cont_discharge_c: 1 };
    return { ...cell, id: `c${i}`, price_usd: 30 - i / 9, mass_kg: 2 + i / 3 };
  });
  const bus = { bus_v_min: 1, bus_v_max: 1500, parallel_max: 100 };
  const inputs = { ...bus, power_w: 500, target_hours: 0.001, charge_a: 10, candidates };
  const json = JSON.stringify(inputs);
  const times = await inTurns(
    repeat(() => evaluateCase({ id: 1, kind: 'sizing', inputs })),
    repeat(() => JSON.parse(json)),
    runs,
  );
  return inMillis('an absurd sizing: 200 cells, 1 to 1500 V', times, 'JSON.parse of the question');
}

const inMillis = (what: string, times: { ours: number[]; peer: number[] }, peer: string): Figure =>
  figure(what, 'ms', times.ours.map(millis), { what: peer, values: times.peer.map(millis) });

const millis = (us: number): number => us / 1000;

/** The built program as a user starts it; nothing when it is not built. */
function start(runs: number): Figure[] {
  if (!existsSync(BUNDLE)) return [];
  const timed = (args: readonly string[]): number => {
    const startedMs = performance.now();
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return performance.now() - startedMs;
  };
  const budget = [BUNDLE, 'plan', 'budget', SCENARIO];
  timed(budget);
  const ours: number[] = [];
  const bare: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    ours.push(timed(budget));
    bare.push(timed(['-e', '0']));
  }
  const peer = { what: 'a bare node process', values: bare };
  const report = { what: 'plan report, start to end', unit: 'ms', value: spreadOf(reports(timed, runs)) };
  return [figure('plan budget, start to answer', 'ms', ours, peer), report];
}

function reports(timed: (args: readonly string[]) => number, runs: number): number[] {
  return Array.from({ length: runs }, () => timed([BUNDLE, 'plan', 'report', SCENARIO, '--json']));
}

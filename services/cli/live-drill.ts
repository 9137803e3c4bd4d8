import { existsSync } from 'node:fs';
import type { Config } from '../config/schema.ts';
import type { DrillDesk } from '../http/index.ts';
import { DEFAULT_STATE_DIR } from '../main.ts';
import { systemClock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { LearnedFile } from '../shutdown/learned-file.ts';
import { runDrill } from '../twin/drill/drill.ts';
import { liveOf } from '../twin/drill/live.ts';
import { judge } from '../twin/drill/verdict.ts';
import { faultsOf } from './drill-faults.ts';
import { timelineOf } from './drill-words.ts';

type Run = DrillDesk['run'];

const MOST_POINTS = 360;
const MOST_ROWS = 500;

/** A drill inside the running service: its configuration, what it has learned, and what it sees now. */
export async function liveDrill(config: Config, log: Log, ...[ask, live, signal]: Parameters<Run>): ReturnType<Run> {
  const beganMs = systemClock.monoMs();
  const { outageS, faults = [] } = ask;
  const stateDir = config.shutdown.stateDir ?? DEFAULT_STATE_DIR;
  const { wallMs, bank } = live.rack;
  const story = await runDrill({
    config,
    outageS,
    ...liveOf(live),
    ...(existsSync(stateDir) ? { learned: new LearnedFile(stateDir, log).read() } : {}),
    faults: faultsOf(faults, config),
    wallMs,
    signal,
  });
  const { verdict, findings } = judge(story);
  const { points, reserveRatio, darkSocRatio, backAfterS, endS } = story;
  const step = Math.max(1, Math.ceil(points.length / MOST_POINTS));
  return {
    verdict,
    findings: [...findings],
    basis: {
      wallMs,
      outageS,
      socRatio: bank.socRatio ?? 1,
      ...(bank.socSigma === undefined ? {} : { socSigma: bank.socSigma }),
      loadW: live.coordinator.schedule.loadW,
      faults,
    },
    timeline: timelineOf(story).slice(0, MOST_ROWS),
    points: points.filter((_, index) => index % step === 0 || index === points.length - 1),
    reserveRatio,
    ...(darkSocRatio === undefined ? {} : { darkSocRatio }),
    ...(backAfterS === undefined ? {} : { backAfterS }),
    endS,
    tookMs: Math.round(systemClock.monoMs() - beganMs),
  };
}

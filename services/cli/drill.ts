import { existsSync } from 'node:fs';
import { loadConfig } from '../config/load.ts';
import type { Rack } from '../rack/rack.ts';
import { systemClock } from '../runtime/clock.ts';
import { UserError } from '../runtime/errors.ts';
import { LearnedFile } from '../shutdown/learned-file.ts';
import type { CoordinatorView } from '../shutdown/view.ts';
import { type DrillOptions, runDrill } from '../twin/drill/drill.ts';
import { liveOf } from '../twin/drill/live.ts';
import { judge } from '../twin/drill/verdict.ts';
import { faultsOf } from './drill-faults.ts';
import { describeDrill } from './drill-words.ts';
import { serviceAt } from './service-client.ts';

export interface DrillArguments {
  readonly config: string;
  readonly outage: string;
  readonly soc?: string;
  readonly load?: string;
  readonly truth?: string;
  readonly faults?: string;
  readonly url?: string;
  readonly tokenEnv?: string;
  readonly json?: boolean;
}

/** The command `drill`: an outage with the user's own configuration, in virtual time; nothing is touched. */
export async function drill(options: DrillArguments): Promise<number> {
  const { config } = loadConfig(options.config);
  const live = options.url === undefined ? {} : await liveState(options.url, options.tokenEnv);
  const loadW = figure(options.load, '--load', 0, 100_000);
  const soc = figure(options.soc, '--soc', 0, 1);
  const truthRatio = figure(options.truth, '--truth', 0.05, 1.5);
  const memory = new LearnedFile(config.shutdown.stateDir ?? '/var/lib/holdover', quiet);
  const story = await runDrill({
    config,
    outageS: seconds(options.outage),
    ...live,
    ...(soc === undefined ? {} : { socRatio: Object.fromEntries(config.packs.map(({ id }) => [id, soc])) }),
    ...(loadW === undefined ? {} : { loadW }),
    ...(truthRatio === undefined ? {} : { truthRatio }),
    ...(existsSync(config.shutdown.stateDir ?? '/var/lib/holdover') ? { learned: memory.read() } : {}),
    faults: faultsOf((options.faults ?? '').split(','), config),
    wallMs: systemClock.wallMs(),
    ...(process.stderr.isTTY && !options.json ? { onProgress: progress } : {}),
  });
  if (process.stderr.isTTY && !options.json) process.stderr.write('\r\u001b[K');
  const verdict = judge(story);
  console.log(options.json ? JSON.stringify({ ...verdict, ...story }) : describeDrill(story, verdict).join('\n'));
  return verdict.verdict === 'unsafe' ? 1 : 0;
}

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const progress = (atS: number): void => {
  process.stderr.write(`\r\u001b[Kminute ${Math.round(atS / 60)} …`);
};

/** Charge and draws as a running service sees them. */
async function liveState(
  url: string,
  tokenEnv: string | undefined,
): Promise<Pick<DrillOptions, 'socRatio' | 'socSigma' | 'hostW' | 'loadW'>> {
  const service = serviceAt(url, tokenEnv);
  const [{ rack }, { schedule }, { hosts }] = await Promise.all([
    service.get<{ rack: Rack }>('/api/v1/rack'),
    service.get<Pick<CoordinatorView, 'schedule'>>('/api/v1/schedule'),
    service.get<Pick<CoordinatorView, 'hosts'>>('/api/v1/hosts'),
  ]);
  return liveOf({ rack, coordinator: { schedule, hosts } });
}

const UNIT_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };
const LONGEST_OUTAGE_S = 48 * 3600;

function seconds(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(s|m|h)$/.exec(text);
  const value = Number(match?.[1]) * (UNIT_S[match?.[2] ?? ''] ?? Number.NaN);
  if (!(value >= 1 && value <= LONGEST_OUTAGE_S))
    throw new UserError(`--outage ${text}: expected a duration from 1s to 48h`, '--outage 45m');
  return Math.round(value);
}

function figure(text: string | undefined, option: string, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !(value >= least && value <= most))
    throw new UserError(`${option} ${text}: expected a number from ${least} to ${most}`);
  return value;
}

import type { Rack } from '../rack/rack.ts';
import { messageOf, UserError } from '../runtime/errors.ts';
import type { CoordinatorView } from '../shutdown/view.ts';
import { sayDuration } from './words.ts';

const DEADLINE_MS = 5000;

interface RackAnswer {
  readonly rack: Rack;
}

/** The command `status`: asks a running service once. */
export async function status(options: { url: string; tokenEnv?: string; json?: boolean }): Promise<number> {
  const token = options.tokenEnv === undefined ? undefined : process.env[options.tokenEnv];
  if (options.tokenEnv !== undefined && token === undefined)
    throw new UserError(`environment variable ${options.tokenEnv} is not set`, `export ${options.tokenEnv}=…`);
  if (!URL.canParse(options.url))
    throw new UserError(`${options.url} is not an address`, '--url http://127.0.0.1:8470');
  const get = <T>(path: string): Promise<T> => ask<T>(new URL(path, options.url), token);
  const [{ rack }, { schedule }, { phase, hosts }] = await Promise.all([
    get<RackAnswer>('/api/v1/rack'),
    get<Pick<CoordinatorView, 'schedule'>>('/api/v1/schedule'),
    get<Pick<CoordinatorView, 'phase' | 'hosts'>>('/api/v1/hosts'),
  ]);
  const coordinator = { phase, schedule, hosts };
  if (options.json) console.log(JSON.stringify({ rack, coordinator }));
  else console.log(describe(rack, coordinator).join('\n'));
  return 0;
}

async function ask<T>(url: URL, token: string | undefined): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, {
      signal: AbortSignal.timeout(DEADLINE_MS),
      ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
    });
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
    throw new Error(`no service answers at ${url.origin} (${cause}); is holdover running there?`);
  }
  if (response.status === 401 || response.status === 403)
    throw new UserError(
      `${url.origin} wants a token for reading`,
      'put it into an environment variable and name that with --token-env',
    );
  if (!response.ok) throw new Error(`${url.origin} answered ${response.status} to ${url.pathname}`);
  return (await response.json()) as T;
}

function describe(rack: Rack, coordinator: Pick<CoordinatorView, 'phase' | 'schedule' | 'hosts'>): string[] {
  const { bank, mains, circuit } = rack;
  const old = bank.freshness === 'fresh' ? '' : ` (${bank.freshness})`;
  const figure = (value: number | undefined, digits: number, unit: string): string =>
    value === undefined ? '–' : `${value.toFixed(digits)} ${unit}`;
  const percent = bank.socRatio === undefined ? '–' : `${Math.round(bank.socRatio * 100)} %`;
  const lines = [
    `phase     ${coordinator.phase}`,
    `mains     ${mains.verdict}${mains.disputed ? ', disputed' : ''}`,
    `battery   ${percent}${old}  ${figure(bank.voltageV, 1, 'V')}  ${figure(bank.currentA, 1, 'A')}  usable ${figure(bank.usableWh, 0, 'Wh')}`,
    `circuit   ${figure(circuit.currentA, 1, 'A')} of ${circuit.limitA.toFixed(0)} A`,
  ];
  for (const stage of coordinator.schedule.stages) {
    const when = stage.beginsInS === undefined ? stage.state : `begins in ${sayDuration(stage.beginsInS)}`;
    lines.push(
      `stage     ${stage.name}: ${when}${stage.beginsInS === undefined || coordinator.schedule.basis === 'live' ? '' : ' if mains failed now'}`,
    );
  }
  const counts = new Map<string, number>();
  for (const host of coordinator.hosts) counts.set(host.phase, (counts.get(host.phase) ?? 0) + 1);
  lines.push(`hosts     ${[...counts].map(([phase, count]) => `${count} ${phase}`).join(', ')}`);
  for (const host of coordinator.hosts)
    if (host.trouble !== undefined) lines.push(`trouble   ${host.id}: ${host.trouble}`);
  for (const alarm of rack.alarms) lines.push(`alarm     ${alarm.message}`);
  return lines;
}

import type { Rack } from '../rack/rack.ts';
import type { LeaseView } from '../shutdown/leadership.ts';
import type { CoordinatorView } from '../shutdown/view.ts';
import { serviceAt } from './service-client.ts';
import { switchLines } from './status-switches.ts';
import { sayDuration } from './words.ts';

interface RackAnswer {
  readonly rack: Rack;
}

/** The command `status`: asks a running service once. */
export async function status(options: { url: string; tokenEnv?: string; json?: boolean }): Promise<number> {
  const { get } = serviceAt(options.url, options.tokenEnv);
  const [{ rack }, { schedule }, { phase, hosts, waitingFor, lease }] = await Promise.all([
    get<RackAnswer>('/api/v1/rack'),
    get<Pick<CoordinatorView, 'schedule'>>('/api/v1/schedule'),
    get<Pick<CoordinatorView, 'phase' | 'hosts' | 'waitingFor' | 'lease'>>('/api/v1/hosts'),
  ]);
  const coordinator = {
    phase,
    schedule,
    hosts,
    ...(waitingFor === undefined ? {} : { waitingFor }),
    ...(lease === undefined ? {} : { lease }),
  };
  if (options.json) console.log(JSON.stringify({ rack, coordinator }));
  else console.log(describe(rack, coordinator).join('\n'));
  return 0;
}

/** Which meters the circuit goes by, where there are several. */
const byMeters = ({ meters, circuit }: Rack): string =>
  Object.keys(meters).length > 1 && circuit.meters !== undefined ? ` (${circuit.meters.join(' + ')})` : '';

type Seen = Pick<CoordinatorView, 'phase' | 'schedule' | 'hosts' | 'waitingFor' | 'lease'>;

function describe(rack: Rack, coordinator: Seen): string[] {
  const { bank, mains, circuit } = rack;
  const old = bank.freshness === 'fresh' ? '' : ` (${bank.freshness})`;
  const figure = (value: number | undefined, digits: number, unit: string): string =>
    value === undefined ? '–' : `${value.toFixed(digits)} ${unit}`;
  const percent = bank.socRatio === undefined ? '–' : `${Math.round(bank.socRatio * 100)} %`;
  const lines = [
    `phase     ${coordinator.phase}`,
    `mains     ${mains.verdict}${mains.disputed ? ', disputed' : ''}`,
    `battery   ${percent}${old}  ${figure(bank.voltageV, 1, 'V')}  ${figure(bank.currentA, 1, 'A')}  usable ${figure(bank.usableWh, 0, 'Wh')}`,
    `circuit   ${figure(circuit.currentA, 1, 'A')} of ${circuit.limitA.toFixed(0)} A${byMeters(rack)}`,
  ];
  if (coordinator.lease !== undefined) lines.splice(1, 0, `node      ${leaseWords(coordinator.lease)}`);
  lines.push(...upsLines(rack), ...switchLines(rack, coordinator.hosts));
  for (const stage of coordinator.schedule.stages) {
    const when =
      stage.beginsInS === undefined ? stage.state.replace('-', ' ') : `begins in ${sayDuration(stage.beginsInS)}`;
    lines.push(
      `stage     ${stage.name}: ${when}${stage.beginsInS === undefined || coordinator.schedule.basis === 'live' ? '' : ' if mains failed now'}`,
    );
  }
  const counts = new Map<string, number>();
  for (const host of coordinator.hosts) counts.set(host.phase, (counts.get(host.phase) ?? 0) + 1);
  lines.push(`hosts     ${[...counts].map(([phase, count]) => `${count} ${phase}`).join(', ')}`);
  if (coordinator.waitingFor !== undefined) lines.push(`waits     ${coordinator.waitingFor}`);
  for (const host of coordinator.hosts)
    if (host.trouble !== undefined) lines.push(`trouble   ${host.id}: ${host.trouble}`);
  for (const alarm of rack.alarms) lines.push(`alarm     ${alarm.message}`);
  return lines;
}

/** `node-b watches; node-a acts (epoch 7)` */
function leaseWords({ self, role, holder, epoch, medium, namesake }: LeaseView): string {
  const other = holder === undefined || holder === self ? 'nobody is known to act' : `${holder} acts`;
  const said = role === 'acting' ? 'acts' : role === 'watching' ? `watches; ${other}` : `does not know yet; ${other}`;
  const doubt = medium === 'alive' ? '' : `; the broker of the lease is ${medium}`;
  return `${self} ${said} (epoch ${epoch})${doubt}${namesake ? '; another node uses this name' : ''}`;
}

function upsLines({ ups = {} }: Rack): string[] {
  return Object.entries(ups).map(([id, { sample, freshness }]) => {
    const told = [
      sample?.mode ?? 'unknown',
      ...(sample?.socRatio === undefined ? [] : [`${Math.round(sample.socRatio * 100)} %`]),
      ...(sample?.runtimeS === undefined ? [] : [`${sayDuration(sample.runtimeS)} left`]),
    ];
    return `ups       ${id}: ${freshness === 'fresh' ? told.join(', ') : freshness}`;
  });
}

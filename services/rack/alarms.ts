import type { Alarm } from '#bms/model';
import { budgetAlarms } from './budget-alarms.ts';
import { clusterIsOff, NOTHING_OFF, type OwnDoing } from './own-doing.ts';
import type { Observed, Rack, RackAlarm } from './rack.ts';
import { upsAlarms } from './ups-alarms.ts';

/** Alarms of the rack as a whole: what is silent or stale, what contradicts itself, what runs near its limit. Pure. */
export function rackAlarms(
  rack: Omit<Rack, 'alarms'>,
  packModel: Readonly<Record<string, readonly Alarm[]>>,
  hostOn: (switchId: string, port: string) => string | undefined = () => undefined,
  own: OwnDoing = NOTHING_OFF,
): RackAlarm[] {
  const fed = own.outputsOff.size === 0 || Object.keys(rack.packs).some((id) => !own.outputsOff.has(id));
  return [
    ...silence('pack', rack.packs, 'critical').filter(({ subject }) => !own.outputsOff.has(subject)),
    ...silence('meter', rack.meters, 'warning'),
    ...silence('ups', rack.ups ?? {}, Object.keys(rack.packs).length === 0 ? 'critical' : 'warning'),
    ...(fed ? silence('switch', rack.switches, 'warning') : []),
    ...(rack.cluster === undefined || clusterIsOff(rack.cluster.sample, own)
      ? []
      : silence('cluster', { api: rack.cluster }, 'warning')),
    ...rights(rack),
    ...packs(rack, packModel),
    ...upsAlarms(rack),
    ...mains(rack),
    ...switches(rack, hostOn),
    ...circuit(rack),
  ];
}

function silence(
  kind: string,
  sources: Readonly<Record<string, Observed<unknown>>>,
  severity: RackAlarm['severity'],
): RackAlarm[] {
  const alarms: RackAlarm[] = [];
  for (const [id, { freshness, ageMs, failure }] of Object.entries(sources)) {
    if (freshness === 'fresh' || (freshness === 'absent' && failure === undefined)) continue;
    const since = ageMs === undefined ? 'has not answered yet' : `last answered ${Math.round(ageMs / 1000)} s ago`;
    const why = failure === undefined ? '' : ` (${failure.message})`;
    alarms.push({ code: `${kind}-${freshness}`, subject: id, severity, message: `${kind} ${id} ${since}${why}` });
  }
  return alarms;
}

function rights({ cluster }: Omit<Rack, 'alarms'>): RackAlarm[] {
  const missing = cluster?.sample?.missingRights ?? [];
  if (missing.length === 0) return [];
  const message = `our account in the cluster lacks rights: ${missing.join('; ')}`;
  return [{ code: 'cluster-rights-missing', subject: 'cluster', severity: 'critical', message }];
}

function packs(rack: Omit<Rack, 'alarms'>, packModel: Readonly<Record<string, readonly Alarm[]>>): RackAlarm[] {
  const alarms: RackAlarm[] = [];
  for (const [id, observed] of Object.entries(rack.packs)) {
    if (observed.freshness !== 'fresh') continue;
    const seen = new Set<string>();
    for (const { code, level, detail } of [...(observed.sample?.alarms ?? []), ...(packModel[id] ?? [])]) {
      if (seen.has(code)) continue;
      seen.add(code);
      const severity = code === 'locked-by-command' ? 'info' : level === 'protection' ? 'critical' : 'warning';
      const text = `${code.replaceAll('-', ' ')}${detail === undefined ? '' : `: ${detail}`}`;
      alarms.push({ code, subject: id, severity, message: `pack ${id}: ${text}` });
    }
  }
  return alarms;
}

function mains({ mains: view }: Omit<Rack, 'alarms'>): RackAlarm[] {
  if (!view.disputed) return [];
  const votes = view.votes.map(({ source, says, because }) => `${source} says ${says} (${because})`).join(', ');
  return [{ code: 'mains-disputed', subject: 'mains', severity: 'warning', message: `witnesses disagree: ${votes}` }];
}

const NEAR_BUDGET = 0.9;

function switches(
  rack: Omit<Rack, 'alarms'>,
  hostOn: (switchId: string, port: string) => string | undefined,
): RackAlarm[] {
  const alarms: RackAlarm[] = [];
  for (const [id, { freshness, sample }] of Object.entries(rack.switches)) {
    if (freshness !== 'fresh' || sample === undefined) continue;
    const { budgetW, drawnW } = sample;
    if (!sample.totalTrusted)
      alarms.push({
        code: 'switch-total-untrusted',
        subject: id,
        severity: 'info',
        message: `switch ${id} reports a total that contradicts its ports`,
      });
    alarms.push(...budgetAlarms(id, sample, (port) => hostOn(id, port)));
    if (budgetW !== undefined && drawnW !== undefined && drawnW > budgetW * NEAR_BUDGET)
      alarms.push({
        code: 'poe-near-budget',
        subject: id,
        severity: 'warning',
        message: `switch ${id} delivers ${Math.round(drawnW)} W of ${Math.round(budgetW)} W`,
      });
  }
  return alarms;
}

function circuit({ circuit: view }: Omit<Rack, 'alarms'>): RackAlarm[] {
  if (view.currentA === undefined || view.currentA <= view.limitA) return [];
  const message = `the circuit carries ${view.currentA.toFixed(1)} A, more than its continuous ${view.limitA.toFixed(1)} A`;
  return [{ code: 'circuit-over-limit', subject: 'circuit', severity: 'critical', message }];
}

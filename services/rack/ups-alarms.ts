import type { UpsSample } from '#bms/model';
import type { Rack, RackAlarm } from './rack.ts';

/** What the fresh UPSes themselves complain of. Pure. */
export function upsAlarms({ ups = {}, forcedShutdown }: Pick<Rack, 'ups' | 'forcedShutdown'>): RackAlarm[] {
  return Object.entries(ups).flatMap(([id, { freshness, sample }]) =>
    freshness !== 'fresh' || sample === undefined ? [] : alarmsOf(id, sample, forcedShutdown?.ups === id),
  );
}

function alarmsOf(id: string, sample: UpsSample, ordered: boolean): RackAlarm[] {
  const alarm = (code: string, severity: RackAlarm['severity'], text: string): RackAlarm => ({
    code,
    subject: id,
    severity,
    message: `ups ${id}: ${text}`,
  });
  const own = (sample.alarms ?? []).map(({ code, level, detail }) =>
    alarm(
      code,
      level === 'protection' ? 'critical' : 'warning',
      `${code.replaceAll('-', ' ')}${detail === undefined ? '' : `: ${detail}`}`,
    ),
  );
  return [
    ...(ordered ? [alarm('ups-forced-shutdown', 'critical', 'everything it feeds is ordered down')] : []),
    ...(sample.forcedShutdown && !ordered
      ? [
          alarm(
            'ups-flag-left',
            'info',
            'it shows FSD although nothing orders it; its upsd forgets that when restarted',
          ),
        ]
      : []),
    ...(sample.lowBattery ? [alarm('ups-low-battery', 'critical', 'it says that its battery is low')] : []),
    ...new Map(own.map((each) => [each.message, each])).values(),
  ];
}

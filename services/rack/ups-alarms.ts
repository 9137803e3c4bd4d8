import type { Rack, RackAlarm } from './rack.ts';

/** What the fresh UPSes themselves complain of. Pure. */
export function upsAlarms({ ups = {} }: Pick<Rack, 'ups'>): RackAlarm[] {
  const alarms: RackAlarm[] = [];
  for (const [id, { freshness, sample }] of Object.entries(ups)) {
    if (freshness !== 'fresh' || sample === undefined) continue;
    const alarm = (code: string, severity: RackAlarm['severity'], text: string): void => {
      alarms.push({ code, subject: id, severity, message: `ups ${id}: ${text}` });
    };
    if (sample.forcedShutdown) alarm('ups-forced-shutdown', 'critical', 'everything it feeds is ordered down');
    if (sample.lowBattery) alarm('ups-low-battery', 'critical', 'it says that its battery is low');
    const seen = new Set<string>();
    for (const { code, level, detail } of sample.alarms ?? []) {
      if (seen.has(`${code} ${detail}`)) continue;
      seen.add(`${code} ${detail}`);
      const text = `${code.replaceAll('-', ' ')}${detail === undefined ? '' : `: ${detail}`}`;
      alarm(code, level === 'protection' ? 'critical' : 'warning', text);
    }
  }
  return alarms;
}

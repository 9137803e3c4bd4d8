import { largestRise } from './budget.ts';
import type { RackAlarm } from './rack.ts';
import type { SwitchSample } from './samples.ts';

/**
 * That a port is about to lose power for lack of budget, and which one. Only for switches that measure: one that admits
 * by class refuses new ports and drops none.
 * @param hostOf which host hangs on a port of this switch
 */
export function budgetAlarms(
  id: string,
  sample: SwitchSample,
  hostOf: (port: string) => string | undefined,
): RackAlarm[] {
  const { headroomW, dropOrder, admission, ports } = sample;
  const first = dropOrder?.[0];
  if (headroomW === undefined || first === undefined || admission === 'static') return [];
  const host = hostOf(first);
  const who = `port ${first}${host === undefined ? '' : ` (${host})`}`;
  const alarm = (severity: RackAlarm['severity'], message: string): RackAlarm[] => [
    { code: 'poe-would-drop', subject: id, severity, message },
  ];
  if (headroomW < 0)
    return alarm('critical', `switch ${id} draws ${watts(-headroomW)} more than its budget: ${who} loses power first`);
  const rise = largestRise(ports);
  if (rise === undefined || rise.riseW <= headroomW) return [];
  return alarm(
    'warning',
    `switch ${id} has ${watts(headroomW)} left and port ${rise.port} may take ${watts(rise.riseW)} more: ${who} would lose power first`,
  );
}

const watts = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} W`;

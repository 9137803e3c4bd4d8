import type { MeterSample } from '#bms/model';
import type { Observed } from '../rack/rack.ts';
import type { HostSample } from '../rack/samples.ts';
import type { MainsWitness } from './judge.ts';

/**
 * A meter on the rack's feed: voltage above `presentAboveV` speaks for mains, below half of it against.
 * A meter that is stale or failing says nothing, for it may have lost its own cable.
 */
export function meterWitness(
  id: string,
  meter: Observed<MeterSample> | undefined,
  presentAboveV: number,
): MainsWitness {
  const witness = { source: `meter ${id}`, kind: 'meter' } as const;
  const voltageV = meter?.freshness === 'fresh' ? meter.sample?.voltageV : undefined;
  if (voltageV === undefined) return { ...witness, says: 'silent', because: 'no fresh voltage' };
  const shown = `${voltageV.toFixed(1)} V`;
  if (voltageV >= presentAboveV) return { ...witness, says: 'present', because: shown };
  if (voltageV < presentAboveV / 2) return { ...witness, says: 'absent', because: shown };
  return { ...witness, says: 'silent', because: `${shown} is neither mains nor its absence` };
}

/** A machine that has no battery behind it: while it answers, there is mains. */
export function canaryWitness(id: string, host: Observed<HostSample> | undefined): MainsWitness {
  const witness = { source: `canary ${id}`, kind: 'canary' } as const;
  if (host?.freshness !== 'fresh' || host.sample === undefined)
    return { ...witness, says: 'silent', because: 'not asked lately' };
  return host.sample.reachable
    ? { ...witness, says: 'present', because: 'answers' }
    : { ...witness, says: 'absent', because: 'does not answer' };
}

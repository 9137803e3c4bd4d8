import type { UpsSample } from '#bms/model';
import type { Observed } from '../rack/rack.ts';
import type { MainsWitness } from './judge.ts';

/**
 * A UPS says of its own input whether mains is there.
 * @param carries it is the one that feeds the rack when mains is away, so it outranks a meter as a pack does
 */
export function upsWitness(id: string, ups: Observed<UpsSample> | undefined, carries: boolean): MainsWitness {
  const witness = { source: `ups ${id}`, kind: carries ? 'pack' : 'other' } as const;
  if (ups?.freshness !== 'fresh' || ups.sample === undefined)
    return { ...witness, says: 'silent', because: 'not heard lately' };
  const { mainsPresent, mode, inputVoltageV } = ups.sample;
  if (mainsPresent === undefined) return { ...witness, says: 'silent', because: `does not tell${shown(mode)}` };
  const volts = inputVoltageV === undefined ? '' : `, ${inputVoltageV.toFixed(1)} V`;
  return { ...witness, says: mainsPresent ? 'present' : 'absent', because: `${mode ?? 'its own word'}${volts}` };
}

const shown = (mode: string | undefined): string => (mode === undefined ? '' : ` (${mode})`);

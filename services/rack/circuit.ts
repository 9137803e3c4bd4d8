import type { MeterSample } from '#bms/model';
import type { Config } from '../config/schema.ts';
import type { CircuitView, Observed } from './rack.ts';

/** The meters that measure the circuit: those that are named, else the first one there is. */
export function circuitMeters({ site, meters }: Pick<Config, 'site' | 'meters'>): readonly string[] {
  return site.circuit.meters ?? meters.slice(0, 1).map(({ id }) => id);
}

/**
 * The circuit by its meters, whose figures add up. While one of several is not heard nothing is said: a part of the sum
 * would make room that there is not. Pure.
 */
export function viewCircuit(config: Config, meters: Readonly<Record<string, Observed<MeterSample>>>): CircuitView {
  const { breakerAmps, continuousRatio } = config.site.circuit;
  const limitA = breakerAmps * continuousRatio;
  const named = circuitMeters(config);
  if (named.length === 0) return { limitA, freshness: 'absent' };
  const observed = named.map((id) => meters[id]);
  const freshness =
    (['absent', 'stale'] as const).find((word) => observed.some((each) => (each?.freshness ?? 'absent') === word)) ??
    'fresh';
  if (freshness !== 'fresh') return { limitA, meters: named, freshness };
  const total = (field: 'powerW' | 'currentA'): number | undefined =>
    observed.reduce<number | undefined>((sum, each) => {
      const value = each?.sample?.[field];
      return sum === undefined || value === undefined ? undefined : sum + value;
    }, 0);
  const powerW = total('powerW');
  const currentA = total('currentA');
  return {
    limitA,
    meters: named,
    freshness,
    ...(powerW === undefined ? {} : { powerW }),
    ...(currentA === undefined ? {} : { currentA }),
  };
}

import type { Alarm } from './alarms.ts';
import type { PackSpec } from './pack.ts';
import type { PackSample } from './sample.ts';

/** Most modules a string of parallel ones has shown, and the configured charge they make together. Plain data. */
export interface StringMemory {
  readonly modules: number;
  readonly capacityAh: number;
}

/** The memory after one more sample. Another configured capacity is another string. */
export function remembered(
  before: StringMemory | undefined,
  { parallelModules: seen = 0 }: PackSample,
  { capacityAh }: PackSpec,
): StringMemory | undefined {
  const known = before?.capacityAh === capacityAh ? before : undefined;
  return seen > (known?.modules ?? 0) ? { modules: seen, capacityAh } : known;
}

/** Share of the string that answers, above 0 and at most 1; 1 where nothing is known of modules. */
export function presentShare(memory: StringMemory | undefined, { parallelModules: seen }: PackSample): number {
  return memory === undefined || seen === undefined || seen < 1 ? 1 : Math.min(1, seen / memory.modules);
}

/** The pack made of a share of its parallel modules: less charge, more resistance. */
export function partOf(spec: PackSpec, share: number): PackSpec {
  if (share >= 1) return spec;
  const { resistanceOhm } = spec;
  return {
    ...spec,
    capacityAh: spec.capacityAh * share,
    ...(resistanceOhm !== undefined && { resistanceOhm: resistanceOhm / share }),
  };
}

/** A warning while modules are missing that were there before. */
export function moduleAlarms(memory: StringMemory | undefined, sample: PackSample): readonly Alarm[] {
  if (memory === undefined || presentShare(memory, sample) >= 1) return [];
  const detail = `${sample.parallelModules} of ${memory.modules} modules answer`;
  return [{ code: 'modules-missing', level: 'warning', detail }];
}

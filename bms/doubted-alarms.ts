import type { Doubt, Fields } from './drivers/driver.ts';
import type { Sample } from './model/sample.ts';

type ToSample<S extends Sample> = (fields: Fields, measuredAtMs: number) => S;

/**
 * Leaves alarms that one answer does not prove out of the samples until they were in so many of them running. It counts:
 * one for each device.
 */
export function withDoubt<S extends Sample>(sample: ToSample<S>, doubt: Doubt | undefined): ToSample<S> {
  if (doubt === undefined) return sample;
  let running = 0;
  return (fields, measuredAtMs) => {
    const told = sample(fields, measuredAtMs);
    if (told.kind === 'meter' || told.alarms === undefined) {
      running = 0;
      return told;
    }
    const sure = told.alarms.filter((alarm) => !doubt.concerns(alarm));
    running = sure.length === told.alarms.length ? 0 : running + 1;
    return running === 0 || running >= doubt.polls ? told : { ...told, alarms: sure };
  };
}

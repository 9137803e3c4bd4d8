import type { Driver } from '#bms';
import { evidenceUpses, type NutSourceConfig } from '../config/nut.ts';
import type { Config } from '../config/schema.ts';
import { readSecret } from '../config/secrets.ts';
import { type NutSourceSecrets, nutUps, type UpsSource } from '../nut/index.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Source } from '../runtime/poller.ts';
import type { Buses } from './buses.ts';
import { deviceSource, type UpsDeviceConfig } from './sources.ts';

/**
 * Every UPS that is read, with secrets in place: by NUT, by a driver of ours, and those that only evidence names.
 * @param own drivers of the user's profiles
 */
export function openUpses(
  config: Config,
  buses: Buses,
  clock: Clock,
  wire: Clock,
  own: readonly Driver[],
): { readonly sources: readonly Source<unknown>[]; close(): Promise<void> } {
  const overNut: UpsSource[] = [];
  const nut = (each: NutSourceConfig): UpsSource => {
    const source = nutUps(each, secretsOf(each), clock);
    overNut.push(source);
    return source;
  };
  const sources = [
    ...config.ups.map((each) =>
      'host' in each ? nut(each) : deviceSource('ups', each satisfies UpsDeviceConfig, buses, clock, wire, own),
    ),
    ...evidenceUpses(config.mains.evidence).map(nut),
  ];
  return {
    sources,
    close: async () => {
      await Promise.all(overNut.map((each) => each.close()));
    },
  };
}

function secretsOf({ id, password, tls }: NutSourceConfig): NutSourceSecrets {
  const ca = tls?.ca;
  return {
    ...(password === undefined ? {} : { password: readSecret(password, `ups ${id}: password`) }),
    ...(ca === undefined ? {} : { ca: readSecret({ file: ca }, `ups ${id}: tls.ca`) }),
  };
}

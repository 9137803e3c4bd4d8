import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { History } from '../history/index.ts';
import { carrierOf, Notifier } from '../notify/index.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { Zone } from '../runtime/zone.ts';
import type { Sink } from '../shutdown/view.ts';

/** Who is told, with their secrets read; empty without channels. */
export function openNotifier(
  config: Config,
  places: { stateDir: string; history: History; clock: Clock; log: Log },
): Sink[] {
  const { stateDir, history, clock, log } = places;
  const { name: site, timeZone } = config.site;
  if (config.notify.channels.length === 0) return [];
  const notifier = new Notifier({
    config: config.notify,
    site,
    carriers: config.notify.channels.map((channel) => carrierOf(channel, site, clock)),
    path: join(stateDir, 'notify.json'),
    zone: new Zone(timeZone),
    ...(history.enabled ? { source: history } : {}),
    clock,
    log,
  });
  return [notifier];
}

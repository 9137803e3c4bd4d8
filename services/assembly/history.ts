import { join } from 'node:path';
import { packOf } from '#bms/model';
import { families } from '#catalogue';
import type { Config } from '../config/schema.ts';
import { History } from '../history/index.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { JournalLine } from '../shutdown/view.ts';

export interface HistoryPlaces {
  readonly stateDir: string;
  readonly journal: (limit: number) => readonly JournalLine[];
  readonly clock: Clock;
  readonly wire: Clock;
  readonly log: Log;
}

/** The local history of what the catalogue says, as the configuration wants it. */
export function openHistory(config: Config, { stateDir, ...places }: HistoryPlaces): History {
  const { energyPrice, timeZone } = config.site;
  return new History({
    ...places,
    config: config.history,
    path: config.history.path ?? join(stateDir, 'history.db'),
    ...(energyPrice === undefined ? {} : { price: energyPrice }),
    ...(timeZone === undefined ? {} : { timeZone }),
    packs: Object.fromEntries(config.packs.map((pack) => [pack.id, packOf(pack)])),
    families,
  });
}

import type { UpsSample } from '#bms/model';
import { evidenceId } from '../config/nut.ts';
import type { Config } from '../config/schema.ts';
import type { MainsWitness } from '../mains/judge.ts';
import { upsWitness } from '../mains/ups-witness.ts';
import type { Observed } from './rack.ts';

/** What the UPSes mean for the rack as a whole. Pure. */

type Upses = Readonly<Record<string, Observed<UpsSample>>>;

/** The UPSes of `ups:`: one that only is evidence commands nobody here. */
export const feeding = ({ ups }: Config, upses: Upses): Upses =>
  Object.fromEntries(Object.entries(upses).filter(([id]) => ups.some((each) => each.id === id)));

/** UPSes that feed the rack themselves: those of `ups:`, where no pack does. */
const carries = ({ packs, ups }: Config, id: string): boolean =>
  packs.length === 0 && ups.some((each) => each.id === id);

/** Witnesses where no evidence is named: every UPS of `ups:`. */
export const upsWitnesses = (config: Config, upses: Upses): MainsWitness[] =>
  config.ups.map(({ id }) => upsWitness(id, upses[id], carries(config, id)));

/** The witness of one line of evidence that names a UPS. */
export function namedUpsWitness(
  config: Config,
  line: Extract<Config['mains']['evidence'][number], { ups: string } | { nut: object }>,
  upses: Upses,
): MainsWitness {
  const id = 'ups' in line ? line.ups : evidenceId(line);
  return upsWitness(id, upses[id], carries(config, id));
}

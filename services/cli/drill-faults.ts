import type { Config } from '../config/schema.ts';
import { UserError } from '../runtime/errors.ts';
import type { DrillFaults } from '../twin/drill/drill-rack.ts';
import { some } from '../twin/drill/verdict.ts';

const FAULTS_HELP = 'silent:<pack|meter|switch|api>, hang:<host>, disobey:<switch>, stuck:<node|all>, weak:<pack>';

/**
 * Faults as people write them, `silent:lfp1` and `hang:pi3`.
 * @throws UserError for a fault there is not, and for what the configuration does not have
 */
export function faultsOf(texts: readonly string[], config: Config): DrillFaults {
  const faults = {
    silent: new Set<string>(),
    hang: new Set<string>(),
    disobey: new Set<string>(),
    stuck: new Set<string>(),
    weak: new Set<string>(),
  };
  const devices = [...config.packs, ...config.meters, ...config.switches].map(({ id }) => id);
  const known: Readonly<Record<keyof DrillFaults, readonly string[]>> = {
    silent: [...devices, 'api'],
    hang: config.hosts.map(({ id }) => id),
    disobey: config.switches.map(({ id }) => id),
    stuck: [...config.hosts.flatMap(({ node }) => (node === undefined ? [] : [node])), 'all'],
    weak: config.packs.map(({ id }) => id),
  };
  for (const part of texts.filter((each) => each !== '')) {
    const [kind = '', what = ''] = part.split(':');
    if (!Object.hasOwn(faults, kind))
      throw new UserError(`fault ${part.slice(0, 80)}: there is no such fault`, FAULTS_HELP);
    const name = kind as keyof DrillFaults;
    if (!known[name].includes(what))
      throw new UserError(
        `fault ${part.slice(0, 80)}: ${what.slice(0, 64) || 'nothing'} is not in the configuration`,
        `one of ${some(known[name])}`,
      );
    faults[name].add(what);
  }
  return faults;
}

import type { Problem } from './inspect.ts';
import type { Config } from './schema.ts';

/** Which meters measure the circuit: all later decisions on room go by them. Pure. */
export function circuitProblems({ site, meters }: Config): Problem[] {
  const path = 'site.circuit.meters';
  const ids = meters.map(({ id }) => id);
  const named = site.circuit.meters;
  if (named === undefined) {
    if (ids.length < 2) return [];
    return [
      {
        severity: 'warning',
        path,
        message: `there are ${ids.length} meters, and the first one (${ids[0]}) is taken for that of the circuit`,
        tryThis: `site: { circuit: { meters: [${ids[0]}] } }; several add up`,
      },
    ];
  }
  return named.flatMap((id, index): Problem[] => {
    const at = `${path}[${index}]`;
    if (!ids.includes(id))
      return [
        { severity: 'error', path: at, message: `no meter is called ${id}`, tryThis: ids.join(', ') || 'a meter' },
      ];
    if (named.indexOf(id) === index) return [];
    return [{ severity: 'error', path: at, message: `${id} would count twice`, tryThis: 'name each meter once' }];
  });
}

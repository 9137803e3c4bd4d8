import type { Problem } from './inspect.ts';
import type { Config } from './schema.ts';

/** Hosts on ports of switches that are only read. */
export function readOnlySwitchProblems({ switches, hosts }: Config): Problem[] {
  return switches.flatMap(({ driver, id }, index): Problem[] => {
    const fed = hosts.filter(({ poe }) => poe?.startsWith(`${id}/`)).map((host) => host.id);
    if (driver !== 'unifi-api' || fed.length === 0) return [];
    const message = `the ports of ${fed.join(', ')} are not cut: the official interface cannot switch them`;
    return [{ severity: 'warning', path: `switches[${index}].driver`, message, tryThis: 'driver: unifi' }];
  });
}

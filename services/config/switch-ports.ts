import { CHANNELS } from './i2c-switch.ts';
import type { Problem } from './inspect.ts';
import type { Config } from './schema.ts';
import type { SwitchConfig } from './switches.ts';
import { plainPort } from './values.ts';

/** Which ports a switch has by its configuration, and who names another. */

const numbered = (amount: number): readonly string[] => Array.from({ length: amount }, (_, at) => String(at + 1));

/** The ports of a switch whose configuration says which there are. */
function portsOf(config: SwitchConfig): readonly string[] | undefined {
  switch (config.driver) {
    case 'exec':
    case 'http':
      return config.ports.map(plainPort);
    case 'modbus':
      return numbered(config.ports);
    case 'i2c':
      return Object.keys(config.ports ?? {}).length > 0
        ? Object.keys(config.ports ?? {})
        : numbered(config.addresses.length * CHANNELS[config.chip]);
    case 'poe-serial':
      return config.ports === undefined ? undefined : Object.keys(config.ports);
    default:
      return undefined;
  }
}

/** Hosts on ports that a switch does not have, ports to be protected that it does not have, and names for the same port. */
export function portProblems({ switches, hosts }: Config): Problem[] {
  const problems: Problem[] = [];
  for (const [index, config] of switches.entries()) {
    const ports = portsOf(config);
    if (ports === undefined) continue;
    const known = new Set(ports);
    const tryThis = `one of ${ports.slice(0, 12).join(', ')}${ports.length > 12 ? ', …' : ''}`;
    const twice = ports.find((port, at) => ports.indexOf(port) < at);
    if (twice !== undefined)
      problems.push({
        severity: 'error',
        path: `switches[${index}].ports`,
        message: `port ${twice} is there twice`,
        tryThis: 'one name for each port',
      });
    for (const [at, port] of config.protect.entries())
      if (!known.has(port))
        problems.push({
          severity: 'error',
          path: `switches[${index}].protect[${at}]`,
          message: `${config.id} has no port ${port}`,
          tryThis,
        });
    for (const [at, { poe }] of hosts.entries()) {
      const [id, port = ''] = poe?.split('/') ?? [];
      if (id !== config.id || known.has(port)) continue;
      problems.push({
        severity: 'error',
        path: `hosts[${at}].poe`,
        message: `${config.id} has no port ${port}`,
        tryThis,
      });
    }
  }
  return problems;
}

import type { SwitchConfig } from '../config/switches.ts';
import type { Clock } from '../runtime/clock.ts';
import { UserError } from '../runtime/errors.ts';
import type { PoeSwitch } from '../shutdown/promises.ts';
import { httpControl } from './custom-http.ts';
import { execControl } from './exec.ts';
import { mikrotikControl } from './mikrotik.ts';
import { openwrtControl } from './openwrt.ts';
import { controlledSwitch, type PortControl } from './port-control.ts';
import type { SnmpSecrets } from './snmp-session.ts';
import { snmpSwitch } from './snmp-switch.ts';
import { unifiControl } from './unifi.ts';

/** Secrets of a switch, already read from their files and environment variables. */
export interface SwitchSecrets extends SnmpSecrets {
  readonly password?: string;
  readonly token?: string;
  /** Environment variables of commands, or headers of requests. */
  readonly values?: Readonly<Record<string, string>>;
  /** Content of the file named under tls.ca. */
  readonly ca?: string;
}

/**
 * The switch a configuration describes; opens nothing until it is asked.
 * @param clock stamps the samples; the machine's own when absent
 * @throws UserError when the credentials are missing
 */
export function openSwitch(config: SwitchConfig, secrets: SwitchSecrets, clock?: Clock): PoeSwitch {
  const clocks = clock === undefined ? {} : { clock };
  if (config.driver === 'snmp') return snmpSwitch(config, secrets, clocks);
  return controlledSwitch(config, controlOf(config, secrets), clocks);
}

function controlOf(config: Exclude<SwitchConfig, { driver: 'snmp' }>, secrets: SwitchSecrets): PortControl {
  switch (config.driver) {
    case 'mikrotik':
      return mikrotikControl(config, { ...secrets, password: password(config, secrets) });
    case 'openwrt':
      return openwrtControl(config, { ...secrets, password: password(config, secrets) });
    case 'unifi':
      return unifiControl(config, { ...secrets, password: password(config, secrets) });
    case 'exec':
      return execControl(config, secrets.values ?? {});
    case 'http':
      return httpControl(config, secrets);
  }
}

function password({ id }: SwitchConfig, secrets: SwitchSecrets): string {
  if (secrets.password !== undefined) return secrets.password;
  throw new UserError(`switch ${id}: no password is configured`, 'add password: { env: NAME }');
}

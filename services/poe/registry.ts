import type { SnmpSwitchConfig } from '../config/schema.ts';
import type { Clock } from '../runtime/clock.ts';
import type { PoeSwitch } from '../shutdown/promises.ts';
import type { SnmpSecrets } from './snmp-session.ts';
import { snmpSwitch } from './snmp-switch.ts';

/** Drivers of PoE switches by their name in the configuration. */
const DRIVERS = {
  snmp: (config: SnmpSwitchConfig, secrets: SnmpSecrets, clock?: Clock): PoeSwitch =>
    snmpSwitch(config, secrets, clock === undefined ? {} : { clock }),
} as const;

/**
 * The switch a configuration describes; opens nothing until it is asked.
 * @param clock stamps the samples; the machine's own when absent
 * @throws UserError when the credentials are missing
 */
export const openSwitch = (config: SnmpSwitchConfig, secrets: SnmpSecrets, clock?: Clock): PoeSwitch =>
  DRIVERS[config.driver](config, secrets, clock);

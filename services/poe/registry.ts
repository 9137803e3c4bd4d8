import { byteExchange, type I2cExchange, i2cBusAt, i2cExchange, modbusTcpExchange, transportAt } from '#bridge';
import type { SwitchConfig } from '../config/switches.ts';
import type { Clock } from '../runtime/clock.ts';
import { UserError } from '../runtime/errors.ts';
import type { PoeSwitch } from '../shutdown/promises.ts';
import { httpControl } from './custom-http.ts';
import { execControl } from './exec.ts';
import { i2cControl } from './i2c.ts';
import { mikrotikControl } from './mikrotik.ts';
import { modbusControl } from './modbus-switch.ts';
import { netgearControl } from './netgear.ts';
import { openwrtControl } from './openwrt.ts';
import { serialControl } from './poe-serial.ts';
import { controlledSwitch, type PortControl } from './port-control.ts';
import type { SnmpSecrets } from './snmp-session.ts';
import { snmpSwitch } from './snmp-switch.ts';
import { unifiControl } from './unifi.ts';
import { unifiApiControl } from './unifi-official.ts';

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
 * @param i2c the bus at a path, shared with what else is on it
 * @throws UserError when the credentials are missing
 */
export function openSwitch(
  config: SwitchConfig,
  secrets: SwitchSecrets,
  clock?: Clock,
  i2c: (path: string) => I2cExchange = (path) => i2cExchange(i2cBusAt(path)),
): PoeSwitch {
  const clocks = clock === undefined ? {} : { clock };
  if (config.driver === 'snmp') return snmpSwitch(config, secrets, clocks);
  if (config.driver === 'i2c') return controlledSwitch(config, i2cControl(config, i2c(config.i2c)), clocks);
  return controlledSwitch(config, controlOf(config, secrets), clocks);
}

/** The controller wants 20 ms between two frames. */
const SERIAL_TIMING = { gapMs: 20, timeoutMs: 500, tries: 1, lateMs: 100 } as const;

function controlOf(config: Exclude<SwitchConfig, { driver: 'snmp' | 'i2c' }>, secrets: SwitchSecrets): PortControl {
  switch (config.driver) {
    case 'mikrotik':
      return mikrotikControl(config, { ...secrets, password: password(config, secrets) });
    case 'openwrt':
      return openwrtControl(config, { ...secrets, password: password(config, secrets) });
    case 'unifi':
      return unifiControl(config, { ...secrets, password: password(config, secrets) });
    case 'netgear-plus':
      return netgearControl(config, { ...secrets, password: password(config, secrets) });
    case 'poe-serial': {
      const { via } = config;
      const path = 'serial' in via ? via.serial : `tcp://${via.tcp}`;
      const line = { baud: 'serial' in via ? via.baud : 19_200 };
      return serialControl(config, byteExchange(transportAt(path, line), SERIAL_TIMING));
    }
    case 'modbus':
      return modbusControl(config, modbusTcpExchange(hostAndPort(config.host)));
    case 'unifi-api':
      return unifiApiControl(config, { ...secrets, token: token(config, secrets) });
    case 'exec':
      return execControl(config, secrets.values ?? {});
    case 'http':
      return httpControl(config, secrets);
  }
}

/** `host:port`, IPv6 in brackets. */
function hostAndPort(text: string): { host: string; port: number } {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) };
}

function token({ id }: SwitchConfig, secrets: SwitchSecrets): string {
  if (secrets.token !== undefined) return secrets.token;
  throw new UserError(`switch ${id}: no API key is configured`, 'add key: { env: NAME }');
}

function password({ id }: SwitchConfig, secrets: SwitchSecrets): string {
  if (secrets.password !== undefined) return secrets.password;
  throw new UserError(`switch ${id}: no password is configured`, 'add password: { env: NAME }');
}

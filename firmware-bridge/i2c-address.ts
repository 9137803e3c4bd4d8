import { BridgeError } from './errors.ts';
import { linuxI2cBus } from './i2c.ts';
import { type I2cBus, i2cName } from './i2c-exchange.ts';
import { tcpI2cBus } from './i2c-tcp.ts';

const REMOTE = 'i2c-tcp://';

/** Whether a device is named as an I2C bus. */
export const isI2cPath = (device: string): boolean => device.startsWith('/dev/i2c-') || device.startsWith(REMOTE);

/**
 * The bus a path names: `/dev/i2c-1`, or `i2c-tcp://host:port` (IPv6 in brackets).
 * @throws BridgeError `open` when it is neither
 */
export function i2cBusAt(path: string): I2cBus {
  if (!path.startsWith(REMOTE)) return linuxI2cBus(path);
  const [, host, port] = /^i2c-tcp:\/\/(\[[0-9a-f:]+\]|[^\s:/@]+):(\d{1,5})\/?$/i.exec(path) ?? [];
  if (host === undefined || port === undefined)
    throw new BridgeError('open', i2cName(path), 'a bus behind TCP is called i2c-tcp://10.0.0.7:4100');
  return tcpI2cBus(host.replace(/^\[|\]$/g, ''), Number(port), path);
}

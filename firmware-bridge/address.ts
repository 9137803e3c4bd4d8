import { BridgeError } from './errors.ts';
import { serialTransport } from './serial.ts';
import { tcpTransport } from './tcp.ts';
import type { ByteTransport, SerialLine } from './transport.ts';

/**
 * The transport a device is named by: `tcp://host:port` (IPv6 in brackets) or the path of a serial port.
 * @param line how the serial port is set; a TCP bridge sets its own line
 * @throws BridgeError `open` when the text is neither
 */
export function transportAt(device: string, line: SerialLine): ByteTransport {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(device)) {
    if (device.trim() === '') throw badAddress(device);
    return serialTransport({ path: device, line });
  }
  const url = URL.parse(device);
  const port = Number(url?.port);
  const plain = url?.protocol === 'tcp:' && url.username === '' && /^\/?$/.test(url.pathname) && url.search === '';
  if (!url || !plain || url.hostname === '' || !Number.isInteger(port) || port < 1) throw badAddress(device);
  return tcpTransport({ host: url.hostname.replace(/^\[|\]$/g, ''), port });
}

function badAddress(device: string): BridgeError {
  // A URL can hold a password; it is not repeated.
  const shown = device.includes('@') ? 'the address' : JSON.stringify(device);
  return new BridgeError(
    'open',
    'device',
    `${shown} is neither a serial port (/dev/ttyUSB0) nor a TCP bridge (tcp://10.0.0.7:4001)`,
  );
}

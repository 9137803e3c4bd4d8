import { createSocket } from 'node:dgram';
import type { DeviceHandle, World } from '../model.ts';

export interface WakeOnLanOptions {
  readonly host?: string;
  /** A free one when absent. */
  readonly port?: number;
}

/**
 * The network cards of sleeping machines: a magic packet for a known MAC address wakes its host.
 * @param macs MAC address (any case, with colons) → host id
 */
export async function serveWakeOnLan(
  world: World,
  macs: ReadonlyMap<string, string>,
  options: WakeOnLanOptions = {},
): Promise<DeviceHandle & { readonly port: number }> {
  const { host = '127.0.0.1', port = 0 } = options;
  const hostOf = new Map([...macs].map(([mac, hostId]) => [mac.toLowerCase(), hostId]));
  const socket = createSocket('udp4');
  socket.on('message', (datagram) => {
    const mac = addressIn(datagram);
    const hostId = mac === undefined ? undefined : hostOf.get(mac);
    if (hostId !== undefined) world.hosts.get(hostId)?.wake();
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, host, resolve);
  });
  socket.on('error', () => undefined);
  const bound = socket.address().port;
  return {
    name: 'wake-on-lan',
    address: `${host}:${bound}`,
    port: bound,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

const SYNC = Buffer.alloc(6, 0xff);

/** The address that stands sixteen times behind six bytes 0xff, wherever in the datagram that is. */
function addressIn(datagram: Buffer): string | undefined {
  for (let at = datagram.indexOf(SYNC); at >= 0; at = datagram.indexOf(SYNC, at + 1)) {
    const address = datagram.subarray(at + 6, at + 12);
    const repeated = Buffer.concat(Array<Buffer>(16).fill(address));
    if (address.length === 6 && datagram.subarray(at + 6, at + 102).equals(repeated))
      return [...address].map(hex).join(':');
  }
  return undefined;
}

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');

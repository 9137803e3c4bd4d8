import { createSocket } from 'node:dgram';
import { lastingPort } from '../services/twin/devices/lasting-port.ts';

/**
 * A port on loopback, TCP and UDP, for a program that has to be told one, or that comes back to it. What the system hands
 * out could be anybody's next connection before the program listens.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await lastingPort('127.0.0.1');
    if (await isFreeForDatagrams(port)) return port;
  }
}

function isFreeForDatagrams(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => {
    socket.once('error', () => resolve(false));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });
}

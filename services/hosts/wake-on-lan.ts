import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Outcome } from '../shutdown/promises.ts';

/** UDP may lose one; a second and third cost nothing and wake nobody twice. */
const COPIES = 3;
const TIMEOUT_MS = 3000;

export interface WakeTarget {
  readonly mac: string;
  /** Broadcast address of the machine's network, or its own. */
  readonly address: string;
  readonly port: number;
}

/**
 * Six bytes 0xff, then the MAC address sixteen times: 102 bytes.
 * @throws RangeError when it is no MAC address
 */
export function magicPacket(mac: string): Uint8Array {
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac)) throw new RangeError(`"${mac}" is not a MAC address`);
  const address = mac.split(':').map((byte) => Number.parseInt(byte, 16));
  return Uint8Array.from([...Array(6).fill(0xff), ...Array(16).fill(address).flat()]);
}

/** Sends the packet. `done` means it left this machine: nobody answers it. Never rejects. */
export async function sendMagicPacket({ mac, address, port }: WakeTarget, signal?: AbortSignal): Promise<Outcome> {
  const where = `${address}:${port}`;
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  const deadline = AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(signal ? [signal] : [])]);
  try {
    await new Promise<void>((resolve, reject) => {
      deadline.addEventListener('abort', () => reject(new Error('not sent in time')), { once: true });
      if (deadline.aborted) reject(new Error('given up'));
      socket.once('error', reject);
      socket.bind(0, () => {
        try {
          socket.setBroadcast(true);
          send(socket, magicPacket(mac), port, address, COPIES).then(resolve, reject);
        } catch (error) {
          reject(error);
        }
      });
    });
    return { code: 'done', detail: `magic packet for ${mac} sent to ${where}` };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    if (deadline.aborted) return { code: 'timeout', detail: `magic packet to ${where}: ${code}` };
    return { code: 'unreachable', detail: `magic packet to ${where}: ${code}; check address and network` };
  } finally {
    socket.on('error', () => undefined);
    socket.close();
  }
}

async function send(
  socket: ReturnType<typeof createSocket>,
  packet: Uint8Array,
  port: number,
  address: string,
  copies: number,
): Promise<void> {
  for (let copy = 0; copy < copies; copy++) {
    await new Promise<void>((resolve, reject) => {
      socket.send(packet, port, address, (error) => (error ? reject(error) : resolve()));
    });
  }
}

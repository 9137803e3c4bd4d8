import { read as readCallback } from 'node:fs';
import { promisify } from 'node:util';

const readFile = promisify(readCallback);

/** The part of serialport's Linux and macOS binding this file depends on (bindings-cpp 13). */
interface UnixPort {
  readonly fd: number | null;
  readonly poller: { once(event: 'readable', callback: (error: Error | null) => void): unknown };
  read(buffer: Buffer, offset: number, length: number): Promise<{ buffer: Buffer; bytesRead: number }>;
}

/**
 * Makes an unplugged port fail its read. The binding answers the end of file, which is how the kernel reports a hang-up about
 * every second time, by reading again at once and for ever: no 'close', a core at full load, and memory that grows until the
 * process dies (serialport/bindings-cpp issue 162). With VMIN 1 an end of file on a port can mean nothing else.
 * Leaves other bindings (Windows, mocks) as they are.
 */
export function failReadsOnHangUp(port: unknown): void {
  if (!isUnixPort(port)) return;
  port.read = async (buffer, offset, length) => {
    for (;;) {
      const { fd } = port;
      // The stream above takes `canceled` for our own close, anything else for a loss.
      if (fd === null) throw Object.assign(new Error('the port is closed'), { canceled: true });
      const bytesRead = await readNow(fd, buffer, offset, length);
      if (bytesRead === 0 && port.fd !== null) throw new Error('end of file, the device hung up');
      if (bytesRead !== undefined && bytesRead > 0) return { buffer, bytesRead };
      if (port.fd !== null) await readable(port);
    }
  };
}

/** Bytes read, or `undefined` when none are there yet. */
async function readNow(fd: number, buffer: Buffer, offset: number, length: number): Promise<number | undefined> {
  try {
    return (await readFile(fd, buffer, offset, length, null)).bytesRead;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EAGAIN' || code === 'EWOULDBLOCK' || code === 'EINTR') return undefined;
    throw error;
  }
}

function readable(port: UnixPort): Promise<void> {
  return new Promise((resolve, reject) => {
    port.poller.once('readable', (error) => (error ? reject(error) : resolve()));
  });
}

function isUnixPort(port: unknown): port is UnixPort {
  if (typeof port !== 'object' || port === null || !('fd' in port) || !('poller' in port)) return false;
  const { fd, poller } = port;
  return typeof fd === 'number' && typeof poller === 'object' && poller !== null && 'once' in poller;
}

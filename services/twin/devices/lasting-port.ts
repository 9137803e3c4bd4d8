import { createServer } from 'node:net';

/**
 * Ports that are still there when a face comes back. What the system hands out by itself (32768 and up on Linux) it also
 * gives to any connection that begins while nobody listens; so these are from below. Each process looks in a block of its
 * own first, or two racks would take each other's while a machine is down.
 */
const FIRST = 12_000;
const COUNT = 20_000;
const BLOCK = 64;

let next = ((process.pid * BLOCK) % COUNT) + FIRST;

/** The next port of this process on `host` that nobody listens on. @throws why none can be had */
export async function lastingPort(host: string): Promise<number> {
  for (let tries = 0; tries < COUNT; tries += 1) {
    const port = next;
    next = port + 1 < FIRST + COUNT ? port + 1 : FIRST;
    if (await isFree(port, host)) return port;
  }
  throw new Error(`no free port on ${host}`);
}

function isFree(port: number, host: string): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve, reject) => {
    probe.once('error', (error: NodeJS.ErrnoException) => {
      // Anything else is no matter of this port: an address that is not ours, for one.
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    });
    probe.listen({ host, port }, () => probe.close(() => resolve(true)));
  });
}

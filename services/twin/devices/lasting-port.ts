import { createSocket, type Socket } from 'node:dgram';
import { createServer } from 'node:net';

/**
 * Ports that are still there when a face comes back. What the system hands out by itself (32768 and up on Linux) it also
 * gives to any connection that begins while nobody listens; so these are from below. And each is claimed for as long as
 * the process lives, or another rack would take it while its machine is down.
 */
const FIRST = 12_000;
const COUNT = 20_000;
/** Not where the faces are: the claim on a port is a datagram socket of the same number, and that may be wanted there. */
const CLAIM_HOST = '127.0.0.2';
const MOST_CLAIMS = 2000;

const claims: Socket[] = [];
let next = FIRST + ((process.pid * 64) % COUNT);

/** The next port of this process on `host` that nobody listens on or has claimed. @throws why none can be had */
export async function lastingPort(host: string): Promise<number> {
  for (let tries = 0; tries < COUNT; tries += 1) {
    const port = next;
    next = port + 1 < FIRST + COUNT ? port + 1 : FIRST;
    const claim = await claimed(port);
    if (claim === 'taken') continue;
    if (await isFree(port, host)) {
      if (claim !== undefined) keep(claim);
      return port;
    }
    claim?.close();
  }
  throw new Error(`no free port on ${host}`);
}

/** The claim; `taken` when another has it, nothing where there is no second loopback address to lay it down at. */
function claimed(port: number): Promise<Socket | 'taken' | undefined> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      resolve(error.code === 'EADDRNOTAVAIL' ? undefined : 'taken');
    });
    socket.bind({ port, address: CLAIM_HOST, exclusive: true }, () => resolve(socket));
  });
}

function keep(claim: Socket): void {
  claim.on('error', () => undefined);
  claim.unref();
  claims.push(claim);
  if (claims.length > MOST_CLAIMS) claims.shift()?.close();
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

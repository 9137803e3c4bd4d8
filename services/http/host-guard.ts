const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/i;

/** `host:port` or `[v6]:port` without the port; brackets taken off, lower case. */
export function hostName(hostPort: string): string {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(hostPort);
  return (match?.[1] ?? match?.[2] ?? '').toLowerCase();
}

/** Port of `host:port`. */
export function portOf(hostPort: string): number {
  return Number(hostPort.slice(hostPort.lastIndexOf(':') + 1));
}

export const isLoopback = (name: string): boolean => LOOPBACK.test(name.replace(/^::ffff:/i, ''));

/**
 * Guards a service that listens on loopback against web pages whose name was pointed at 127.0.0.1 (DNS rebinding):
 * only names that mean this machine, and the name it was configured with, are answered. A request without a Host header
 * is not from a browser. On other addresses every name is answered: there the network decides who gets in.
 */
export function hostGuard(listen: string): (hostHeader: string | undefined) => boolean {
  const configured = hostName(listen);
  if (!isLoopback(configured)) return () => true;
  return (hostHeader) => {
    if (hostHeader === undefined) return true;
    const name = hostName(hostHeader);
    return name === configured || isLoopback(name);
  };
}

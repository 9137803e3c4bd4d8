import tls from 'node:tls';
import { connected, type TcpTarget } from './tcp-connect.ts';

export type TlsFailure = 'unreachable' | 'timeout' | 'certificate' | 'broken';

/** Why there is no trusted connection. */
export class TlsConnectError extends Error {
  readonly failure: TlsFailure;

  constructor(failure: TlsFailure, message: string) {
    super(message);
    this.name = 'TlsConnectError';
    this.failure = failure;
  }
}

export interface TlsTarget extends TcpTarget {
  /** Authority to trust, PEM; the system's own when absent. */
  readonly ca?: string;
  /** SHA-256 of the one certificate to accept, whoever signed it. */
  readonly fingerprint?: string;
  /** What we show: PEM texts. */
  readonly client?: { readonly crt: string; readonly key: string };
  readonly alpn?: string;
}

/**
 * A TLS connection to a machine whose certificate was checked before a byte is sent.
 * @param over aborted when it has taken too long
 * @throws TlsConnectError
 */
export async function tlsConnected(target: TlsTarget, timeoutMs: number, over: AbortSignal): Promise<tls.TLSSocket> {
  const { host, port, ca, fingerprint, client, alpn } = target;
  const plain = await connected({ host, port }, { timeoutMs, signal: over }).catch((error: NodeJS.ErrnoException) => {
    throw new TlsConnectError('unreachable', `no connection: ${error.code ?? 'unknown reason'}`);
  });
  return new Promise((resolve, reject) => {
    const fail = (failure: TlsFailure, message: string): void => {
      over.removeEventListener('abort', late);
      plain.destroy();
      reject(new TlsConnectError(failure, message));
    };
    const late = (): void => fail('timeout', 'connected, but no TLS handshake in time');
    over.addEventListener('abort', late, { once: true });
    if (over.aborted) return late();
    let socket: tls.TLSSocket;
    try {
      socket = tls.connect({
        socket: plain,
        host,
        rejectUnauthorized: fingerprint === undefined,
        ...(ca === undefined ? {} : { ca }),
        ...(client === undefined ? {} : { cert: client.crt, key: client.key }),
        ...(alpn === undefined ? {} : { ALPNProtocols: [alpn] }),
      });
    } catch {
      // the library's message is about the key, so it stays here
      return fail('certificate', 'the certificates or the key we were given cannot be used: PEM is needed');
    }
    socket.on('error', ({ code = 'unknown reason' }: NodeJS.ErrnoException) =>
      NOT_TLS.has(code) || !/CERT|SELF_SIGNED|UNABLE_TO|ISSUER|ALERT|ALTNAME/.test(code)
        ? fail('broken', `the TLS handshake failed (${code})`)
        : fail('certificate', `its certificate is not trusted, or ours is not (${code})`),
    );
    socket.once('secureConnect', () => {
      over.removeEventListener('abort', late);
      const shown = socket.getPeerCertificate().fingerprint256 ?? '';
      if (fingerprint === undefined || bare(shown) === bare(fingerprint)) resolve(socket);
      else fail('certificate', `its certificate is not the pinned one: it showed SHA-256 ${shown || 'nothing'}`);
    });
  });
}

const NOT_TLS: ReadonlySet<string> = new Set(['ECONNRESET', 'ERR_SSL_WRONG_VERSION_NUMBER']);

const bare = (fingerprint: string): string => fingerprint.replaceAll(':', '').toLowerCase();

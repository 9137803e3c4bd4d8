import type { TalosHaltConfig } from '../config/hosts.ts';
import type { Outcome } from '../shutdown/promises.ts';
import { grpcCall } from './grpc-call.ts';
import type { TalosCredentials } from './talosconfig.ts';
import { TlsConnectError, tlsConnected } from './tls-connect.ts';

/**
 * Halts a Talos node by `machine.MachineService/Shutdown` on its API (gRPC, mutual TLS, port 50000). Facts from
 * siderolabs/talos: api/machine/machine.proto (`ShutdownRequest { bool force = 1 }`), internal/app/apid (metadata
 * `node`: whom the order is passed on to), machined's roles (os:operator or os:admin).
 */

const SHUTDOWN = '/machine.MachineService/Shutdown';

/** `ShutdownRequest` in protobuf: field 1, varint; false is the default and so nothing. */
export const shutdownRequest = (force: boolean): Uint8Array => Uint8Array.from(force ? [0x08, 0x01] : []);

export interface TalosTarget {
  /** For messages: `host nuc1`. */
  readonly label: string;
  readonly address: string;
  readonly config: TalosHaltConfig;
  readonly credentials: TalosCredentials;
}

/**
 * `done`: the node took the order, or an endpoint passed it on; they are tried in turn. What is wrong with certificates
 * or rights is `refused`. Never rejects.
 */
export async function haltOverTalos(target: TalosTarget, signal?: AbortSignal): Promise<Outcome> {
  const { label, address, config } = target;
  const failures: Outcome[] = [];
  for (const through of [address, ...config.endpoints.filter((endpoint) => endpoint !== address)]) {
    const outcome = await order(target, through, signal);
    const way = through === address ? '' : ` through ${through}`;
    const at = `${label} (Talos API of ${address}${way}, port ${config.port})`;
    if (outcome.code === 'done') return way === '' ? outcome : { code: 'done', detail: `${at}: passed on` };
    failures.push({ code: outcome.code, detail: `${at}: ${outcome.detail}` });
    if (signal?.aborted) break;
  }
  // A refusal says most; somebody who was reached and was silent says more than nobody.
  const worst = ['refused', 'timeout', 'unreachable'].find((code) => failures.some((each) => each.code === code));
  const told = failures.find(({ code }) => code === worst);
  return told ?? { code: 'unreachable', detail: `${label}: nothing was tried` };
}

async function order(target: TalosTarget, through: string, signal?: AbortSignal): Promise<Outcome> {
  const { address, config, credentials } = target;
  const timeoutMs = config.timeout * 1000;
  const deadline = AbortSignal.timeout(timeoutMs);
  const over = signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
  const { ca, crt, key } = credentials;
  try {
    const site = { host: through, port: config.port, ca, client: { crt, key }, alpn: 'h2' };
    const socket = await tlsConnected(site, timeoutMs, over);
    const { status, message, heard } = await grpcCall(
      socket,
      `${through.includes(':') ? `[${through}]` : through}:${config.port}`,
      {
        path: SHUTDOWN,
        message: shutdownRequest(config.force),
        metadata: through === address ? {} : { node: address },
      },
      over,
    );
    if (status !== undefined) return ended(status, message);
    // Under TLS 1.3 our certificate is turned down after the handshake, with an alert or without a word.
    if (/ALERT|CERT/.test(message)) return notTrusted(`our certificate was turned down (${message})`);
    if (!heard) return notTrusted(`${message} before a word; our certificate was turned down, it seems`);
    return { code: 'timeout', detail: `${message} before there was an answer` };
  } catch (error) {
    if (signal?.aborted) return { code: 'timeout', detail: 'given up' };
    if (!(error instanceof TlsConnectError)) return { code: 'unreachable', detail: 'the call failed' };
    if (error.failure === 'certificate') return notTrusted(error.message);
    return { code: error.failure === 'timeout' ? 'timeout' : 'unreachable', detail: error.message };
  }
}

const notTrusted = (what: string): Outcome => ({
  code: 'refused',
  detail: `${what}; check that the talosconfig belongs to this cluster and has not expired`,
});

/** Codes of gRPC. */
function ended(status: number, message: string): Outcome {
  const said = message === '' ? '' : `: ${message}`;
  switch (status) {
    case 0:
      return { code: 'done' };
    case 4:
      return { code: 'timeout', detail: `connected, but no answer in time${said}` };
    case 14:
      return { code: 'unreachable', detail: `cannot be served now${said}` };
    case 7:
    case 16:
      return { code: 'refused', detail: `the certificate may not halt it; it needs the role os:operator${said}` };
    default:
      return { code: 'refused', detail: `gRPC status ${status}${said}` };
  }
}

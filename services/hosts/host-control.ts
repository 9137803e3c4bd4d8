import type { HostConfig } from '../config/schema.ts';
import type { HostControl, Outcome } from '../shutdown/promises.ts';
import { acceptsConnections } from './reachability.ts';
import { haltOverSsh } from './ssh-halt.ts';
import type { TcpTarget } from './tcp-connect.ts';
import { sendMagicPacket } from './wake-on-lan.ts';

interface HostSecrets {
  /** Private key for SSH, PEM or OpenSSH text without passphrase. */
  readonly key?: string;
}

const PROBE_TIMEOUT_MS = 2000;

/**
 * Where a host is asked whether it runs; undefined when the configuration names no address. Such a host must not be
 * polled: it would be reported as not answering, which reads as switched off.
 */
export function probeTarget({ address, halt, probePort }: HostConfig): TcpTarget | undefined {
  const host = halt?.ssh.host ?? address;
  // A probe port of its own belongs to the machine's own address, not to a jump address for SSH.
  const target = probePort === undefined ? host : (address ?? host);
  return target === undefined ? undefined : { host: target, port: probePort ?? halt?.ssh.port ?? 22 };
}

/**
 * One machine as its configuration describes it: halted over SSH, woken by a magic packet, watched by a TCP port.
 * What is not configured is `refused`; a protected host is `left-alone`.
 */
export function hostControl(config: HostConfig, secrets: HostSecrets): HostControl {
  const { id, address, halt, wake } = config;
  return {
    id,
    halt: (signal) => {
      if (config.protected) return settled({ code: 'left-alone', detail: `host ${id} is protected` });
      if (halt === undefined)
        return settled({ code: 'refused', detail: `host ${id}: no way to halt it is configured` });
      const { ssh } = halt;
      const host = ssh.host ?? address;
      if (host === undefined || secrets.key === undefined)
        return settled({ code: 'refused', detail: `host ${id}: ${host === undefined ? 'no address' : 'no SSH key'}` });
      return haltOverSsh(
        {
          label: `host ${id}`,
          host,
          port: ssh.port,
          user: ssh.user,
          key: secrets.key,
          hostKey: ssh.hostKey,
          command: ssh.command,
          connectTimeoutMs: ssh.connectTimeout * 1000,
        },
        signal,
      );
    },
    wake: (signal) => {
      if (wake === undefined)
        return settled({ code: 'refused', detail: `host ${id} cannot be woken over the network: no wake: { wol: … }` });
      return sendMagicPacket(wake.wol, signal);
    },
    reachable: (signal) => {
      const target = probeTarget(config);
      return target === undefined
        ? Promise.resolve(false)
        : acceptsConnections(target.host, target.port, PROBE_TIMEOUT_MS, signal);
    },
  };
}

const settled = (outcome: Outcome): Promise<Outcome> => Promise.resolve(outcome);

import { askable, type HostConfig, probeTarget } from '../config/hosts.ts';
import type { HostControl, Outcome } from '../shutdown/promises.ts';
import type { AgentOrders } from './agent-orders.ts';
import { haltByCommand } from './command-halt.ts';
import { haltProxmox } from './proxmox-halt.ts';
import { acceptsConnections } from './reachability.ts';
import { haltOverSsh } from './ssh-halt.ts';
import { haltOverTalos } from './talos-halt.ts';
import type { TalosCredentials } from './talosconfig.ts';
import { sendMagicPacket } from './wake-on-lan.ts';

/** What a way of halting needs besides its configuration, already read. */
export interface HostSecrets {
  /** Private key for SSH, PEM or OpenSSH text without passphrase. */
  readonly key?: string;
  readonly talos?: TalosCredentials;
  /** Of Proxmox: the secret part of the token, and the authority to trust (PEM). */
  readonly proxmox?: { readonly token: string; readonly ca?: string };
  /** Variables of the command. */
  readonly env?: Readonly<Record<string, string>>;
}

const PROBE_TIMEOUT_MS = 2000;

/**
 * One machine as its configuration describes it: halted in the way it names, woken by a magic packet, watched by a TCP
 * port (or by its agent where it has no address). What is not configured is `refused`; a protected host is `left-alone`.
 * @param agents orders for hosts that fetch them
 */
export function hostControl(config: HostConfig, secrets: HostSecrets, agents?: AgentOrders): HostControl {
  const { id, wake } = config;
  return {
    id,
    halt: (signal) => {
      if (config.protected) return settled({ code: 'left-alone', detail: `host ${id} is protected` });
      return halted(config, secrets, agents, signal);
    },
    wake: (signal) => {
      if (wake === undefined)
        return settled({ code: 'refused', detail: `host ${id} cannot be woken over the network: no wake: { wol: … }` });
      return sendMagicPacket(wake.wol, signal);
    },
    reachable: (signal) => {
      const target = probeTarget(config);
      if (target !== undefined) return acceptsConnections(target.host, target.port, PROBE_TIMEOUT_MS, signal);
      return askable(config) && agents !== undefined ? agents.reachable(id) : Promise.resolve(false);
    },
  };
}

function halted(
  config: HostConfig,
  secrets: HostSecrets,
  agents: AgentOrders | undefined,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  const { id, address, halt } = config;
  const label = `host ${id}`;
  if (halt?.ssh !== undefined) return overSsh(label, halt.ssh, address, secrets.key, signal);
  if (halt?.talos !== undefined) return overTalos(label, halt.talos, address, secrets.talos, signal);
  if (halt?.proxmox !== undefined && secrets.proxmox !== undefined)
    return haltProxmox(label, halt.proxmox, secrets.proxmox, signal);
  if (halt?.command !== undefined) return haltByCommand(label, halt.command, secrets.env ?? {}, signal);
  if (halt?.agent !== undefined && agents !== undefined) return agents.halt(id, halt.agent.timeout * 1000, signal);
  return refused(`${label}: no way to halt it is configured`);
}

type Ways = NonNullable<HostConfig['halt']>;

function overSsh(
  label: string,
  ssh: NonNullable<Ways['ssh']>,
  address: string | undefined,
  key: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  const host = ssh.host ?? address;
  if (host === undefined || key === undefined)
    return refused(`${label}: ${host === undefined ? 'no address' : 'no SSH key'}`);
  const { port, user, hostKey, command, connectTimeout } = ssh;
  const connectTimeoutMs = connectTimeout * 1000;
  return haltOverSsh({ label, host, port, user, key, hostKey, command, connectTimeoutMs }, signal);
}

function overTalos(
  label: string,
  config: NonNullable<Ways['talos']>,
  ownAddress: string | undefined,
  credentials: TalosCredentials | undefined,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  const address = config.address ?? ownAddress;
  if (address === undefined || credentials === undefined)
    return refused(`${label}: ${address === undefined ? 'no address' : 'no Talos certificates'}`);
  return haltOverTalos({ label, address, config, credentials }, signal);
}

const refused = (detail: string): Promise<Outcome> => settled({ code: 'refused', detail });

const settled = (outcome: Outcome): Promise<Outcome> => Promise.resolve(outcome);

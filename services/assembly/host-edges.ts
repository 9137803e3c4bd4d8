import type { HostConfig, TalosHaltConfig } from '../config/hosts.ts';
import { readSecret } from '../config/secrets.ts';
import { AgentOrders, type HostSecrets, hostControl, type TalosCredentials, talosCredentials } from '../hosts/index.ts';
import type { Clock } from '../runtime/clock.ts';
import { messageOf, UserError } from '../runtime/errors.ts';
import type { HostControl } from '../shutdown/promises.ts';

/** The hosts with their secrets read, and the orders for those that fetch them. */
export interface HostEdges {
  readonly hosts: readonly HostControl[];
  /** Absent: no host has an agent. */
  readonly agents?: AgentOrders;
}

/** @param wire times the waiting of agents @throws UserError where a secret is missing */
export function openHosts(configs: readonly HostConfig[], wire: Clock): HostEdges {
  const tokens = new Map(
    configs.flatMap(({ id, halt }) =>
      halt?.agent === undefined ? [] : [[id, readSecret(halt.agent.token, `host ${id}: halt.agent.token`)] as const],
    ),
  );
  for (const [id, token] of tokens)
    if (!/^[\x21-\x7e]{16,1024}$/.test(token))
      throw new UserError(
        `host ${id}: halt.agent.token has fewer than 16 characters, or some that no header can carry`,
        'openssl rand -hex 32',
      );
  const agents = tokens.size === 0 ? undefined : new AgentOrders(tokens, wire);
  const hosts = configs.map((each) => hostControl(each, secretsOf(each), agents));
  return { hosts, ...(agents === undefined ? {} : { agents }) };
}

function secretsOf({ id, halt }: HostConfig): HostSecrets {
  const where = `host ${id}: halt`;
  if (halt?.ssh !== undefined) return { key: readSecret(halt.ssh.key, `${where}.ssh.key`) };
  if (halt?.talos !== undefined) return { talos: talosSecrets(halt.talos, `${where}.talos`) };
  if (halt?.proxmox !== undefined) {
    const { token, ca } = halt.proxmox;
    return {
      proxmox: {
        token: readSecret(token.secret, `${where}.proxmox.token.secret`),
        ...(ca === undefined ? {} : { ca: readSecret({ file: ca }, `${where}.proxmox.ca`) }),
      },
    };
  }
  if (halt?.command === undefined) return {};
  const variables = Object.entries(halt.command.env);
  return {
    env: Object.fromEntries(variables.map(([name, each]) => [name, readSecret(each, `${where}.command.env.${name}`)])),
  };
}

function talosSecrets({ talosconfig, context, ca, crt, key }: TalosHaltConfig, where: string): TalosCredentials {
  if (talosconfig === undefined) {
    const given = { ca, crt, key };
    const read = (name: keyof typeof given): string => {
      const secret = given[name];
      if (secret === undefined) throw new UserError(`${where}.${name} is missing`);
      return readSecret(secret, `${where}.${name}`);
    };
    return { ca: read('ca'), crt: read('crt'), key: read('key') };
  }
  const text = readSecret({ file: talosconfig }, `${where}.talosconfig`);
  try {
    return talosCredentials(text, context);
  } catch (error) {
    throw new UserError(`${where}.talosconfig: ${messageOf(error)}`, 'talosctl config info');
  }
}

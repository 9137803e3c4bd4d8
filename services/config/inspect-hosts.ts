import { type HostConfig, probeTarget } from './hosts.ts';
import type { Problem } from './inspect.ts';
import type { Config } from './schema.ts';

/** What only the whole configuration can tell about halting a machine and seeing that it is off. Pure. */
export function hostProblems(config: Config): Problem[] {
  const staged = new Set(config.shutdown.stages.flatMap(({ hosts }) => hosts));
  return config.hosts.flatMap((host, index) => {
    const path = `hosts[${index}]`;
    return [
      ...(staged.has(host.id) ? [...addresses(host, path), ...proof(host, path)] : []),
      ...times(host, path),
      ...agents(config, host, path),
    ];
  });
}

function addresses(host: HostConfig, path: string): Problem[] {
  for (const way of ['ssh', 'talos'] as const) {
    const key = way === 'ssh' ? 'host' : 'address';
    if (host.halt?.[way] !== undefined && probeTarget({ ...host, probePort: undefined }) === undefined)
      return [
        {
          severity: 'error',
          path: `${path}.halt.${way}`,
          message: `${host.id} has no address to connect to`,
          tryThis: `add address: or halt.${way}.${key}:`,
        },
      ];
  }
  return [];
}

/** A command says nothing of what became of the machine, so something else must. */
function proof(host: HostConfig, path: string): Problem[] {
  if (host.halt?.command === undefined || host.poe !== undefined || probeTarget(host) !== undefined) return [];
  return [
    {
      severity: 'warning',
      path,
      message: `nothing tells when ${host.id} is off: it would be reported as in trouble`,
      tryThis: 'add address: and probePort:, or poe:',
    },
  ];
}

function times({ id, halt, haltTimeout }: HostConfig, path: string): Problem[] {
  const { proxmox, command, agent } = halt ?? {};
  const [key, takesS] =
    proxmox !== undefined && proxmox.guests !== 'leave'
      ? ['proxmox.guestTimeout', proxmox.guestTimeout]
      : command !== undefined
        ? ['command.timeout', command.timeout]
        : ['agent.timeout', agent?.timeout ?? 0];
  if (takesS < haltTimeout) return [];
  return [
    {
      severity: 'error',
      path: `${path}.haltTimeout`,
      message: `${id} is cut after ${haltTimeout} s, while halt.${key} allows ${takesS} s before it even goes down`,
      tryThis: `haltTimeout: ${Math.ceil(takesS) + 60}s`,
    },
  ];
}

function agents({ http }: Config, { id, halt }: HostConfig, path: string): Problem[] {
  if (halt?.agent === undefined || !/^(127\.|localhost|\[::1\])/i.test(http.listen)) return [];
  return [
    {
      severity: 'warning',
      path: `${path}.halt.agent`,
      message: `the agent on ${id} cannot reach ${http.listen}, which is this machine only`,
      tryThis: 'http.listen: 0.0.0.0:8470 with readToken: true, or a reverse proxy',
    },
  ];
}

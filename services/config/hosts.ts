import { z } from 'zod';
import { identifier, plainPort, seconds, secret } from './values.ts';

/** Machines: how each is halted, woken, fed and watched. */

const tcpPort = z.int().min(1).max(65535);

const ssh = z.strictObject({
  user: z.string().min(1),
  host: z.string().min(1).optional().meta({ description: 'address; the host’s own address when absent' }),
  port: tcpPort.default(22),
  key: secret.meta({ description: 'private key (passwords are not supported)' }),
  /** `SHA256:…` as printed by ssh-keygen -l. Pinned: another key is refused. */
  hostKey: z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}=?$/, 'a fingerprint such as SHA256:… (ssh-keygen -lf)'),
  command: z.string().min(1).default('sudo systemctl poweroff'),
  connectTimeout: seconds(5),
});

const bareAddress = z.string().regex(/^[^\s/@]+$/, 'an address without a port, such as 10.0.0.21');

const talos = z
  .strictObject({
    address: bareAddress.optional().meta({ description: 'address of the node; the host’s own address when absent' }),
    port: tcpPort.default(50_000),
    endpoints: z.array(bareAddress).max(8).default([]).meta({
      description: 'other nodes, asked in turn to pass the order on where the node itself is not reached',
    }),
    talosconfig: z.string().min(1).optional().meta({ description: 'file with ca, crt and key, as talosctl uses it' }),
    context: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'context of the talosconfig; its own choice when absent' }),
    ca: secret.optional().meta({ description: 'certificate of the Talos API’s authority (PEM)' }),
    crt: secret.optional().meta({ description: 'client certificate (PEM); needs the role os:operator' }),
    key: secret.optional().meta({ description: 'its private key (PEM)' }),
    /** Holdover has drained the node by then; without force it would wait for evictions that nobody can serve. */
    force: z.boolean().default(true).meta({
      description: 'halt without draining once more; false for nodes that holdover does not drain',
    }),
    timeout: seconds(10).meta({ description: 'deadline of one call' }),
  })
  .refine(
    ({ talosconfig, context, ca, crt, key }) =>
      talosconfig === undefined
        ? ca !== undefined && crt !== undefined && key !== undefined && context === undefined
        : ca === undefined && crt === undefined && key === undefined,
    'either talosconfig: or all of ca:, crt: and key:',
  );
export type TalosHaltConfig = z.infer<typeof talos>;

/** An effect that is not heard of for five minutes is given up, so all of it must fit into that. */
const MOST_GUEST_S = 240;

const proxmox = z
  .strictObject({
    url: z
      .string()
      .regex(/^https:\/\/[^\s/@?#]+$/i, 'https://address:8006 of the node, without path or password')
      .meta({ description: 'https://address:8006 of the node' }),
    node: z
      .string()
      .regex(/^[a-z0-9]([a-z0-9-]{0,62})$/i, 'the name of the node as Proxmox shows it')
      .meta({ description: 'name of the node as Proxmox shows it' }),
    token: z.strictObject({
      id: z.string().regex(/^[^\s@!=]+@[^\s@!=]+![^\s@!=]+$/, 'a token such as holdover@pve!halt'),
      secret,
    }),
    fingerprint: z
      .string()
      .regex(/^([0-9a-f]{2}:?){31}[0-9a-f]{2}$/i, 'the SHA-256 of the certificate (openssl x509 -fingerprint -sha256)')
      .optional()
      .meta({ description: 'SHA-256 of the one certificate to accept' }),
    ca: z.string().min(1).optional().meta({ description: 'file with the certificate authority to trust (PEM)' }),
    guests: z
      .enum(['shutdown', 'stop', 'leave'])
      .default('shutdown')
      .meta({
        description:
          'shutdown: guests are asked first, and what is left is left to the node; stop: what is left is stopped hard; ' +
          'leave: all is left to the node',
      }),
    guestTimeout: seconds(60)
      .refine((timeoutS) => timeoutS <= MOST_GUEST_S, `at most ${MOST_GUEST_S}s`)
      .meta({ description: 'how long guests may take; haltTimeout of the host must be longer' }),
    requestTimeout: seconds(8)
      .refine((timeoutS) => timeoutS <= 10, 'at most 10s')
      .meta({ description: 'deadline of one request; Proxmox takes 3 s to say no' }),
  })
  .refine(
    ({ ca, fingerprint }) => ca === undefined || fingerprint === undefined,
    'either ca: or fingerprint:, not both',
  );
export type ProxmoxHaltConfig = z.infer<typeof proxmox>;

/** Program and arguments, never a shell. */
export const argv = z
  .array(z.string().max(4096))
  .min(1)
  .max(64)
  .refine(([program = '']) => program.startsWith('/'), 'the program with its whole path, then its arguments')
  .meta({ description: 'program (whole path) and arguments; no shell' });

const command = z.strictObject({
  argv,
  env: z
    .record(z.string().regex(/^[A-Z_][A-Z0-9_]*$/i, 'a variable name'), secret)
    .default({})
    .meta({ description: 'secrets for the command, as environment variables' }),
  timeout: seconds(15).meta({ description: 'deadline; the command and all it started are killed then' }),
});
export type CommandHaltConfig = z.infer<typeof command>;

const agent = z.strictObject({
  token: secret.meta({ description: 'what the agent shows; it may read and take the orders of this host only' }),
  timeout: seconds(20).meta({ description: 'how long an order waits for the agent before it is withdrawn' }),
});

const WAYS = ['ssh', 'talos', 'proxmox', 'command', 'agent'] as const;

const halt = z
  .strictObject({
    ssh: ssh.optional(),
    talos: talos.optional(),
    proxmox: proxmox.optional(),
    command: command.optional().meta({ description: 'a program on this machine that halts that one' }),
    agent: agent.optional().meta({ description: '`holdover agent` on that machine fetches the order' }),
  })
  .refine((ways) => WAYS.filter((way) => ways[way] !== undefined).length === 1, `exactly one of ${WAYS.join(', ')}`);

const wake = z.strictObject({
  wol: z.strictObject({
    mac: z.string().regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i, 'a MAC address such as 02:00:00:00:00:01'),
    address: z.string().default('255.255.255.255'),
    port: tcpPort.default(9),
  }),
});

export const hostSchema = z.strictObject({
  id: identifier,
  /** Address for reachability, SSH and Talos. */
  address: z.string().min(1).optional(),
  /** Kubernetes node name, if it is one. */
  node: z.string().min(1).optional(),
  /** `switch/port`, where PoE feeds it. */
  poe: z
    .string()
    .regex(/^[^/]+\/[a-z0-9][a-z0-9._-]*$/i, 'switch/port, such as sw1/7 or mikrotik/ether5')
    .transform((text) => text.replace(/[^/]*$/, plainPort))
    .optional(),
  halt: halt.optional(),
  wake: wake.optional(),
  /** Never halted, never cut: the router, this machine. */
  protected: z.boolean().default(false),
  /** TCP port that answers while the machine runs; the one it is halted through (22, its agent) when absent. */
  probePort: tcpPort.optional(),
  /** Draw to assume where no port tells, W. */
  powerW: z.number().nonnegative().default(10).meta({ unit: 'W' }),
  /** Below this draw the machine counts as halted; 0.65 of its own draw before (at least 2.2 W) when absent. */
  haltedBelowW: z.number().positive().optional().meta({ unit: 'W' }),
  haltTimeout: seconds(90).meta({
    description: 'from the halt command to off; then the port is cut and that is reported as forced',
  }),
  bootTimeout: seconds(300),
  /** Where no watts tell whether it is off: how long it must have been silent before its port is cut. */
  offAfterSilence: seconds(20).meta({
    description: 'how long it must be silent before its port is cut, where the port tells no watts',
  }),
});
export type HostConfig = z.infer<typeof hostSchema>;

/** Where a program on the machine is expected to answer while it runs. */
export interface ProbeTarget {
  readonly host: string;
  readonly port: number;
}

/**
 * Where a host is asked whether it runs; undefined when the configuration names no address. Such a host must not be
 * polled: it would be reported as not answering, which reads as switched off.
 */
export function probeTarget({ address, halt: ways, probePort }: HostConfig): ProbeTarget | undefined {
  // Its agent knows better than a port that may never have answered.
  if (ways?.agent !== undefined && probePort === undefined) return undefined;
  const through = throughWhat(ways);
  const host = through?.host ?? address;
  // A probe port of its own belongs to the machine's own address, not to a jump address.
  const target = probePort === undefined ? host : (address ?? host);
  return target === undefined ? undefined : { host: target, port: probePort ?? through?.port ?? 22 };
}

function throughWhat(
  ways: HostConfig['halt'],
): { readonly host?: string | undefined; readonly port: number } | undefined {
  if (ways?.ssh !== undefined) return ways.ssh;
  if (ways?.talos !== undefined) return { host: ways.talos.address, port: ways.talos.port };
  if (ways?.proxmox === undefined) return undefined;
  const { hostname, port } = new URL(ways.proxmox.url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 443 : Number(port) };
}

/** Whether anything can tell that the machine runs: a port that answers, or its agent. */
export const askable = (host: HostConfig): boolean => probeTarget(host) !== undefined || host.halt?.agent !== undefined;

import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import type { DeviceHandle, World } from '../model.ts';
import { listenOnMachine } from './machine-listener.ts';

/** A guest of the node. `obeys`: it goes down when asked; it takes `takesMs` of real time for that. */
export interface ProxmoxGuest {
  readonly kind: 'qemu' | 'lxc';
  readonly vmid: number;
  readonly name: string;
  readonly takesMs: number;
  readonly obeys: boolean;
  /** Suspended guests turn the order down at once. */
  readonly paused?: boolean;
}

export interface ProxmoxApiOptions {
  readonly node: string;
  readonly crt: string;
  readonly key: string;
  /** `USER@REALM!NAME=SECRET`, as it is sent. */
  readonly token: string;
  readonly guests?: readonly ProxmoxGuest[];
  /** False: the token has VM.Audit and nothing else. */
  readonly mayHalt?: boolean;
  /** False: the token sees no guests, which Proxmox shows as an empty list. */
  readonly mayAudit?: boolean;
  readonly host?: string;
  /** A free one when absent. */
  readonly port?: number;
}

export interface ProxmoxApiHandle extends DeviceHandle {
  readonly port: number;
  /** Every order as it came, `POST /nodes/pve/qemu/100/status/shutdown timeout=60`. */
  readonly orders: readonly string[];
  readonly running: () => readonly number[];
}

/** The API face of one Proxmox VE machine: guests that take their time, and the power of the node. HTTPS only. */
export async function serveProxmoxApi(
  world: World,
  hostId: string,
  options: ProxmoxApiOptions,
): Promise<ProxmoxApiHandle> {
  const { node, host = '127.0.0.1', guests = [], mayHalt = true, mayAudit = true } = options;
  const name = `proxmox:${hostId}`;
  const running = new Set(guests.map(({ vmid }) => vmid));
  const timers = new Set<NodeJS.Timeout>();
  const sockets = new Set<Socket>();
  const privileges = {
    [`/nodes/${node}`]: mayHalt ? { 'Sys.PowerMgmt': 1 } : {},
    '/vms': { ...(mayAudit ? { 'VM.Audit': 1 } : {}), ...(mayHalt ? { 'VM.PowerMgmt': 1 } : {}) },
  };
  const orders: string[] = [];

  const stopGuest = (guest: ProxmoxGuest, afterMs: number): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      running.delete(guest.vmid);
    }, afterMs);
    timers.add(timer);
  };
  const list = (kind: ProxmoxGuest['kind']): object[] =>
    (mayAudit ? guests : [])
      .filter((guest) => guest.kind === kind)
      .map(({ vmid, name: called }) => ({ vmid, name: called, status: running.has(vmid) ? 'running' : 'stopped' }));

  /** @returns data of the answer; a number is a refusal */
  const post = (path: string, form: URLSearchParams): unknown => {
    if (!mayHalt) return 403;
    if (path === `/nodes/${node}/status` && form.get('command') === 'shutdown') {
      setImmediate(() => world.hosts.get(hostId)?.halt());
      return null;
    }
    const [, kind, vmid, order] = /^\/nodes\/[^/]+\/(qemu|lxc)\/(\d+)\/status\/(shutdown|stop)$/.exec(path) ?? [];
    const guest = guests.find((each) => each.kind === kind && String(each.vmid) === vmid);
    if (guest === undefined || !path.startsWith(`/nodes/${node}/`)) return 501;
    if (order === 'shutdown' && guest.paused === true) return 500;
    if (order === 'stop') stopGuest(guest, 0);
    else if (guest.obeys) stopGuest(guest, guest.takesMs);
    return `UPID:${node}:00001234:00005678:65000000:qm${order}:${vmid}:holdover@pve!halt:`;
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(request);
    if (world.faults.silent.has(name)) return;
    const path = (request.url ?? '').replace(/^\/api2\/json/, '');
    if (request.headers.authorization !== `PVEAPIToken=${options.token}`) return send(response, 401);
    if (request.method === 'GET' && path === `/nodes/${node}/qemu`) return send(response, list('qemu'));
    if (request.method === 'GET' && path === `/nodes/${node}/lxc`) return send(response, list('lxc'));
    if (request.method === 'GET' && path === '/access/permissions') return send(response, privileges);
    if (request.method !== 'POST') return send(response, 501);
    orders.push(`POST ${path} ${body}`.trim());
    send(response, post(path, new URLSearchParams(body)));
  };

  const server = createServer({ cert: options.crt, key: options.key }, (request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  server.on('tlsClientError', () => undefined);
  // never listens itself: sockets are handed in by a port that goes and comes with the machine
  const listener = await listenOnMachine(
    world,
    world.hosts.get(hostId),
    { host, port: options.port ?? 0 },
    (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => undefined); // a peer that goes away is an ordinary end
      server.emit('connection', socket);
    },
  );
  return {
    name,
    port: listener.port,
    address: `${host}:${listener.port}`,
    orders,
    running: () => [...running],
    close: () => {
      for (const timer of timers) clearTimeout(timer);
      for (const socket of sockets) socket.destroy();
      return listener.close();
    },
  };
}

const REASONS: Readonly<Record<number, string>> = {
  401: 'invalid token value!',
  403: 'Permission check failed (/nodes, Sys.PowerMgmt)',
  500: 'VM is paused - cannot shutdown',
  501: 'Method not implemented',
};

function send(response: ServerResponse, data: unknown): void {
  const refused = typeof data === 'number';
  if (refused) response.writeHead(data, REASONS[data] ?? '', { 'content-type': 'application/json;charset=UTF-8' });
  else response.writeHead(200, { 'content-type': 'application/json;charset=UTF-8' });
  response.end(JSON.stringify(refused ? { data: null, message: `${REASONS[data] ?? ''}\n` } : { data }));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

import { connect, type Socket } from 'node:net';
import type { Metadata, Server, ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import type { DeviceHandle, World, WorldHost } from '../model.ts';
import { listenOnMachine } from './machine-listener.ts';

/** What a Talos node shows and whom it lets in; PEM texts. */
export interface TalosApiOptions {
  /** Authority of the API: clients must show a certificate signed by it. */
  readonly ca: string;
  readonly crt: string;
  readonly key: string;
  readonly host?: string;
  /** A free one when absent. */
  readonly port?: number;
  /** Machine behind the metadata `node`, by address; an order without it is for this one. */
  readonly nodes?: ReadonlyMap<string, string>;
  /** False: the client's certificate has the role os:reader only. */
  readonly operator?: boolean;
}

/** One order as it came. */
export interface TalosOrder {
  readonly hostId: string;
  readonly force: boolean;
}

export interface TalosApiHandle extends DeviceHandle {
  readonly port: number;
  readonly orders: readonly TalosOrder[];
}

const PROTO = `
syntax = "proto3";
package machine;
message ShutdownRequest { bool force = 1; }
message Shutdown { string actor_id = 2; }
message ShutdownResponse { repeated Shutdown messages = 1; }
`;

/** The gRPC face of one Talos machine (mutual TLS): `machine.MachineService/Shutdown`, passed on where it names a node. */
export async function serveTalosApi(world: World, hostId: string, options: TalosApiOptions): Promise<TalosApiHandle> {
  const { host = '127.0.0.1', operator = true } = options;
  const { default: grpc } = await import('@grpc/grpc-js');
  const { default: protobuf } = await import('protobufjs');
  const { root } = protobuf.parse(PROTO, { keepCase: true });
  const request = root.lookupType('machine.ShutdownRequest');
  const response = root.lookupType('machine.ShutdownResponse');
  const name = `talos:${hostId}`;
  const orders: TalosOrder[] = [];
  const machineOf = (metadata: Metadata): WorldHost | undefined => {
    const [node] = metadata.get('node');
    return world.hosts.get(node === undefined ? hostId : (options.nodes?.get(String(node)) ?? ''));
  };
  const shutdown = (call: ServerUnaryCall<{ force: boolean }, object>, answer: sendUnaryData<object>): void => {
    if (world.faults.silent.has(name)) return;
    const machine = machineOf(call.metadata);
    if (!operator || machine?.state !== 'running') {
      const { PERMISSION_DENIED, UNAVAILABLE } = grpc.status;
      if (!operator) answer({ code: PERMISSION_DENIED, details: 'not authorized' });
      else answer({ code: UNAVAILABLE, details: 'connection error: no route to host' });
      return;
    }
    orders.push({ hostId: machine.id, force: call.request.force });
    answer(null, { messages: [{ actor_id: '6d2f1c1e-0000-4000-8000-000000000000' }] });
    setImmediate(() => machine.halt());
  };
  const server = new grpc.Server();
  server.addService(
    {
      shutdown: {
        path: '/machine.MachineService/Shutdown',
        requestStream: false,
        responseStream: false,
        requestDeserialize: (bytes: Buffer) => request.toObject(request.decode(bytes), { defaults: true }),
        requestSerialize: (value: object) => Buffer.from(request.encode(request.fromObject(value)).finish()),
        responseDeserialize: (bytes: Buffer) => response.toObject(response.decode(bytes)),
        responseSerialize: (value: object) => Buffer.from(response.encode(response.fromObject(value)).finish()),
      },
    },
    { shutdown },
  );
  const credentials = grpc.ServerCredentials.createSsl(
    Buffer.from(options.ca),
    [{ cert_chain: Buffer.from(options.crt), private_key: Buffer.from(options.key) }],
    true,
  );
  const inner = await bound(server, '127.0.0.1:0', credentials);
  const site = { host, port: options.port ?? 0 };
  const listener = await listenOnMachine(world, world.hosts.get(hostId), site, (socket) => joined(socket, inner));
  return {
    name,
    port: listener.port,
    address: `${host}:${listener.port}`,
    orders,
    close: async () => {
      await listener.close();
      server.forceShutdown();
    },
  };
}

/** The gRPC server keeps its own port; the machine's port goes and comes with the machine. */
function joined(socket: Socket, port: number): void {
  const inner = connect({ host: '127.0.0.1', port });
  socket.pipe(inner).pipe(socket);
  for (const [one, other] of [
    [socket, inner],
    [inner, socket],
  ] as const) {
    one.on('error', () => undefined);
    one.on('close', () => other.destroy());
  }
}

function bound(server: Server, address: string, credentials: Parameters<Server['bindAsync']>[1]): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => (error === null ? resolve(port) : reject(error)));
  });
}

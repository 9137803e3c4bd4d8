import { createServer, type Server, type Socket } from 'node:net';
import type { MachineState, World, WorldHost } from '../../../services/twin/model.ts';
import { freePort } from '../../ports.ts';

/** Machines and nothing else: enough of a world for the faces of hosts. */
export interface Machines {
  readonly world: World;
  readonly states: Record<string, MachineState>;
  readonly silent: Set<string>;
  /** How often each was told to stop. */
  readonly halts: Record<string, number>;
}

export function machines(...ids: string[]): Machines {
  const states: Record<string, MachineState> = Object.fromEntries(ids.map((id) => [id, 'running']));
  const halts: Record<string, number> = Object.fromEntries(ids.map((id) => [id, 0]));
  const silent = new Set<string>();
  const machine = (id: string): WorldHost => ({
    id,
    controlPlane: false,
    get state() {
      return states[id] ?? 'off';
    },
    bootId: 'b',
    powerW: 7,
    halt: () => {
      halts[id] = (halts[id] ?? 0) + 1;
      states[id] = 'halting';
    },
    wake: () => undefined,
  });
  const world = {
    hosts: new Map(ids.map((id) => [id, machine(id)])),
    faults: { silent, switchDisobeys: false, haltIgnored: new Set<string>(), stuckBudgets: new Set<string>() },
    onChange: () => () => undefined,
  } as unknown as World;
  return { world, states, silent, halts };
}

/** A TCP server that does as it is told with each connection; closed by `close`. */
export async function listener(serve: (socket: Socket) => void): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** A port of this machine where nobody listens. */
export const deadPort = freePort;

export async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 6000; tries += 1) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('did not come true');
}

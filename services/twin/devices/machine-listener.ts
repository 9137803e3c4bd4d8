import type { Socket } from 'node:net';
import type { World, WorldHost } from '../model.ts';
import { TcpServer } from './tcp-server.ts';

/** A TCP port of a machine: it listens while the machine runs and is refused while it does not. */
export interface MachineListener {
  /** Stays the same however often the machine goes down and comes up. */
  readonly port: number;
  close(): Promise<void>;
}

/** @param serve gets every connection, and closes it */
export async function listenOnMachine(
  world: World,
  machine: WorldHost | undefined,
  site: { readonly host: string; readonly port: number },
  serve: (socket: Socket) => void,
): Promise<MachineListener> {
  const listener = new TcpServer(site.host, site.port, serve);
  await listener.listen();
  let up = true;
  const follow = (): void => {
    const running = machine?.state === 'running' || machine?.state === 'halting';
    if (running === up) return;
    up = running;
    // a port that somebody took meanwhile is tried again at the next change
    (running ? listener.listen() : listener.close()).catch(() => {
      up = !running;
    });
  };
  const unsubscribe = world.onChange(follow);
  follow();
  return {
    port: listener.port,
    close: () => {
      unsubscribe();
      return listener.close();
    },
  };
}

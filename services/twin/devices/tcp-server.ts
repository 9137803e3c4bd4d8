import { createServer, type Server, type Socket } from 'node:net';
import { lastingPort } from './lasting-port.ts';
import { Sequence } from './plug.ts';

/** A listening socket that can vanish and come back on the port it had. */
export class TcpServer {
  readonly #host: string;
  readonly #serve: (socket: Socket) => void;
  readonly #sockets = new Set<Socket>();
  readonly #sequence = new Sequence();
  #server: Server | undefined;
  #port: number;

  constructor(host: string, port: number, serve: (socket: Socket) => void) {
    this.#host = host;
    this.#port = port;
    this.#serve = serve;
  }

  /** The port it listens on; 0 before it ever did. */
  get port(): number {
    return this.#port;
  }

  /** Listens; rejects when the port is taken. */
  listen(): Promise<void> {
    return this.#sequence.run(async () => {
      if (this.#server) return;
      if (this.#port === 0) this.#port = await lastingPort(this.#host);
      const server = createServer((socket) => this.#accept(socket));
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host: this.#host, port: this.#port }, () => {
          server.off('error', reject);
          resolve();
        });
      });
      server.on('error', () => undefined);
      this.#server = server;
    });
  }

  /** Destroys every connection and stops listening. */
  close(): Promise<void> {
    return this.#sequence.run(async () => {
      const server = this.#server;
      this.#server = undefined;
      if (!server) return;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of this.#sockets) socket.destroy();
      await closed;
    });
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    // a peer that resets the line is an ordinary end
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    this.#serve(socket);
  }
}

import { once } from 'node:events';
import { createServer as createWeb, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { createServer as createTlsWeb } from 'node:https';
import { type AddressInfo, createServer as createTcp, type Socket } from 'node:net';
import { type SecureContextOptions, TLSSocket } from 'node:tls';

/** Peers that take messages on loopback, and the ways in which they do not. */

export interface Taken {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface WebPeer {
  readonly url: string;
  readonly taken: Taken[];
  /** How the next requests are answered. */
  answer: (response: ServerResponse, taken: Taken) => void;
  close(): Promise<void>;
}

export async function webPeer(tls?: { readonly key: string; readonly cert: string }): Promise<WebPeer> {
  const peer = {
    taken: [] as Taken[],
    answer: (response: ServerResponse, _taken: Taken): void => {
      response.end('ok');
    },
  };
  const server = (tls === undefined ? createWeb() : createTlsWeb(tls)).on('request', async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const taken = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
    peer.taken.push(taken);
    peer.answer(response, taken);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return Object.assign(peer, {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly data: string;
  readonly user?: string;
  readonly encrypted: boolean;
}

export interface MailPeer {
  readonly server: string;
  readonly mails: Mail[];
  /** Replaces the answer to a verb: `RCPT` → `550 nobody`. */
  readonly says: Map<string, string>;
  close(): Promise<void>;
}

/** An SMTP server of few words (RFC 5321, STARTTLS of RFC 3207, AUTH PLAIN of RFC 4616). */
export async function mailPeer(tls?: SecureContextOptions): Promise<MailPeer> {
  const mails: Mail[] = [];
  const says = new Map<string, string>();
  const sockets = new Set<Socket>();
  const server = createTcp((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    socket.write('220 test ESMTP\r\n');
    talk(socket, false, mails, says, tls);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    server: `127.0.0.1:${port}`,
    mails,
    says,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function talk(
  socket: Socket,
  encrypted: boolean,
  mails: Mail[],
  says: Map<string, string>,
  tls?: SecureContextOptions,
): void {
  let rest = '';
  let data: string[] | undefined;
  let mail = { from: '', to: [] as string[], user: undefined as string | undefined };
  const say = (text: string): void => {
    socket.write(`${text}\r\n`);
  };
  const done = (): void => {
    const { user, ...envelope } = mail;
    const answer = says.get('.');
    if (answer === undefined)
      mails.push({ ...envelope, data: (data ?? []).join('\n'), encrypted, ...(user === undefined ? {} : { user }) });
    data = undefined;
    say(answer ?? '250 taken as 17');
  };
  const verbs: Readonly<Record<string, (line: string) => void>> = {
    EHLO: () => {
      const extra = [...(tls !== undefined && !encrypted ? ['STARTTLS'] : []), 'AUTH PLAIN'];
      say(['250-test', ...extra.slice(0, -1).map((each) => `250-${each}`), `250 ${extra.at(-1)}`].join('\r\n'));
    },
    STAR: () => {
      say('220 go');
      socket.removeAllListeners('data');
      const secure = new TLSSocket(socket, { isServer: true, ...tls });
      secure.on('error', () => {});
      talk(secure, true, mails, says, tls);
    },
    AUTH: (line) => {
      const [, user = '', password = ''] = Buffer.from(line.split(' ')[2] ?? '', 'base64')
        .toString()
        .split('\0');
      mail.user = user;
      say(password === 'geheim-1' ? '235 welcome' : '535 wrong');
    },
    MAIL: (line) => {
      mail = { ...mail, from: /<(.*?)>/.exec(line)?.[1] ?? '', to: [] };
      say('250 ok');
    },
    RCPT: (line) => {
      mail.to.push(/<(.*?)>/.exec(line)?.[1] ?? '');
      say('250 ok');
    },
    DATA: () => {
      data = [];
      say('354 go on');
    },
    QUIT: () => {
      say('221 bye');
      socket.end();
    },
  };
  const command = (line: string): void => {
    const verb = line.slice(0, 4).toUpperCase();
    const said = says.get(verb);
    if (said !== undefined) say(said);
    else (verbs[verb] ?? (() => say('502 what?')))(line);
  };
  socket.on('data', (chunk: Buffer) => {
    rest += chunk.toString('utf8');
    for (let end = rest.indexOf('\r\n'); end >= 0; end = rest.indexOf('\r\n')) {
      const line = rest.slice(0, end);
      rest = rest.slice(end + 2);
      if (data === undefined) command(line);
      else if (line === '.') done();
      else data.push(line);
    }
  });
}

import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { Clock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import { type Carrier, retryAfterMs, SEND_WITHIN_MS, type Sent, withoutSecrets } from './carrier.ts';
import type { Message } from './notice.ts';
import { type ChannelSecrets, requestFor, type WebChannel, type WebRequest } from './requests.ts';

/** Posts messages. Certificates are always checked, redirects never followed: a secret goes to one place only. */

const MOST_ANSWER = 2000;
/** The message itself is wrong; another time it would be as wrong. */
const POISON: ReadonlySet<number> = new Set([400, 413, 422]);

export function webCarrier(
  channel: WebChannel,
  secrets: ChannelSecrets,
  site: string,
  clock: Clock,
  withinMs = SEND_WITHIN_MS,
): Carrier {
  const hidden = [secrets.token, secrets.webhook, secrets.password, ...Object.values(secrets.headers ?? {})].filter(
    (each) => each !== undefined,
  );
  return {
    id: channel.id,
    send: async (message: Message): Promise<Sent> => {
      try {
        const request = requestFor(channel, secrets, site, message);
        const answer = await post(request, secrets.ca, withinMs);
        return judged(answer, clock.wallMs(), hidden);
      } catch (error) {
        return { kind: 'later', because: withoutSecrets(messageOf(error), hidden) };
      }
    },
  };
}

interface Answer {
  readonly status: number;
  readonly retryAfter?: string;
  readonly text: string;
}

function judged({ status, retryAfter, text }: Answer, wallMs: number, hidden: readonly string[]): Sent {
  const said = withoutSecrets(text.replace(/\s+/g, ' ').trim(), hidden).slice(0, 160);
  const words = `${status}${said === '' ? '' : `: ${said}`}`;
  if (status >= 200 && status < 300) return { kind: 'sent', said: words };
  if (POISON.has(status)) return { kind: 'refused', because: `the message is refused with ${words}` };
  const afterMs = retryAfterMs(retryAfter, wallMs);
  const because =
    status === 401 || status === 403
      ? `not allowed, check the token (${words})`
      : status === 404
        ? `nothing is there, check the address (${words})`
        : status >= 300 && status < 400
          ? `it points elsewhere, name the final address (${words})`
          : `answered ${words}`;
  return { kind: 'later', because, ...(afterMs === undefined ? {} : { afterMs }) };
}

function post({ url, method, headers, body }: WebRequest, ca: string | undefined, withinMs: number): Promise<Answer> {
  const target = new URL(url);
  const send = target.protocol === 'https:' ? tlsRequest : plainRequest;
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(withinMs);
    const outgoing = send(
      target,
      {
        method,
        agent: false,
        signal,
        headers: { ...headers, 'content-length': Buffer.byteLength(body), 'user-agent': 'holdover' },
        ...(ca === undefined ? {} : { ca }),
      },
      (incoming) => {
        const answer = (text: string): void =>
          resolve({
            status: incoming.statusCode ?? 0,
            text,
            ...(incoming.headers['retry-after'] === undefined ? {} : { retryAfter: incoming.headers['retry-after'] }),
          });
        let text = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (chunk: string) => {
          text += chunk;
          if (text.length < MOST_ANSWER) return;
          // The status is all that matters; nobody has to listen to a page.
          answer(text);
          incoming.destroy();
        });
        incoming.on('end', () => answer(text));
        incoming.on('error', () => answer(text));
      },
    );
    outgoing.on('error', (error) => {
      reject(signal.aborted ? new Error(`no answer within ${withinMs / 1000} s`) : new Error(explained(error, target)));
    });
    outgoing.end(body);
  });
}

/** Host and port, never the path: that may be the secret. */
function explained(error: Error, { hostname, port, protocol }: URL): string {
  const { code } = error as NodeJS.ErrnoException;
  const where = `${hostname}:${port === '' ? (protocol === 'https:' ? 443 : 80) : port}`;
  if (code === 'ECONNREFUSED') return `nobody listens on ${where}`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `${hostname} is not known; is the network there?`;
  if (/CERT|SELF_SIGNED|UNABLE_TO|SSL|TLS/.test(code ?? ''))
    return `the certificate of ${where} is not trusted (${code}); name its authority with ca:`;
  return `${where}: ${error.message}`;
}

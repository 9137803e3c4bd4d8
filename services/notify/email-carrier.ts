import type { ChannelConfig } from '../config/notify.ts';
import { messageOf } from '../runtime/errors.ts';
import { type Carrier, SEND_WITHIN_MS, type Sent, withoutSecrets } from './carrier.ts';
import type { Message } from './notice.ts';
import { type ChannelSecrets, valuesOf } from './requests.ts';
import { fill } from './template.ts';

/** Sends messages by SMTP. The Message-ID is the message's own, so that a repetition can be known for what it is. */

export type EmailChannel = Extract<ChannelConfig, { email: unknown }>;

export function emailCarrier(
  channel: EmailChannel,
  secrets: ChannelSecrets,
  site: string,
  withinMs = SEND_WITHIN_MS,
): Carrier {
  const { server, tls, user, from, to } = channel.email;
  const colon = server.lastIndexOf(':');
  const host = server.slice(0, colon).replace(/^\[|\]$/g, '');
  const hidden = secrets.password === undefined ? [] : [secrets.password];
  return {
    id: channel.id,
    send: async (message: Message): Promise<Sent> => {
      const { createTransport } = await import('nodemailer');
      const transport = createTransport({
        host,
        port: Number(server.slice(colon + 1)),
        secure: tls === 'implicit',
        requireTLS: tls === 'starttls',
        ignoreTLS: tls === 'none',
        connectionTimeout: withinMs,
        greetingTimeout: withinMs,
        socketTimeout: withinMs,
        disableFileAccess: true,
        disableUrlAccess: true,
        ...(secrets.ca === undefined ? {} : { tls: { ca: secrets.ca } }),
        ...(user === undefined ? {} : { auth: { user, pass: secrets.password ?? '' } }),
      });
      const late = AbortSignal.timeout(withinMs);
      const deadline = new Promise<never>((_, reject) => {
        late.addEventListener('abort', () => reject(new Error(`no answer within ${withinMs / 1000} s`)), {
          once: true,
        });
      });
      deadline.catch(() => {});
      try {
        const values = valuesOf(site, message);
        const sent = transport.sendMail({
          from,
          to: [...to],
          // A line of its own must not become a header.
          subject: fill(channel.title, values).replace(/\s+/g, ' ').slice(0, 200),
          text: fill(channel.text, values),
          messageId: `<${message.id}@holdover.invalid>`,
          date: new Date(message.atMs),
          headers: { 'X-Holdover-Event': message.event, 'Auto-Submitted': 'auto-generated' },
          ...(message.severity === 'critical' ? { priority: 'high' as const } : {}),
        });
        sent.catch(() => {});
        const { response } = await Promise.race([sent, deadline]);
        return { kind: 'sent', said: withoutSecrets(response, hidden).slice(0, 160) };
      } catch (error) {
        return judged(error, server, hidden);
      } finally {
        transport.close();
      }
    },
  };
}

function judged(error: unknown, server: string, hidden: readonly string[]): Sent {
  const { code, responseCode, command } = error as { code?: string; responseCode?: number; command?: string };
  const words = withoutSecrets(messageOf(error), hidden).replace(/\s+/g, ' ').slice(0, 200);
  if (code === 'EAUTH') return { kind: 'later', because: `${server} does not take the user and password (${words})` };
  if (code === 'ETLS' || /certificate|self.signed/i.test(words))
    return { kind: 'later', because: `no trusted connection to ${server}: ${words}; name its authority with ca:` };
  // A permanent refusal of the mail itself, not of us.
  if (responseCode !== undefined && responseCode >= 500 && /RCPT|DATA|MAIL/.test(command ?? ''))
    return { kind: 'refused', because: `${server} refuses the mail: ${words}` };
  return { kind: 'later', because: `${server}: ${words}` };
}

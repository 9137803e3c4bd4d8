import type { ChannelConfig } from '../config/notify.ts';
import { UserError } from '../runtime/errors.ts';
import type { Message } from './notice.ts';
import { fill, inJson, type Place } from './template.ts';

/** What each service on the web wants to be posted. Pure. */

export interface WebRequest {
  readonly url: string;
  readonly method: 'POST' | 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Secrets of a channel, already read. */
export interface ChannelSecrets {
  readonly password?: string;
  readonly token?: string;
  readonly webhook?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly ca?: string;
}

export type WebChannel = Exclude<ChannelConfig, { email: unknown }>;

/** What a text of a channel can be filled with. */
export const valuesOf = (site: string, message: Message, title = message.title): Record<Place, string> => ({
  site,
  event: message.event,
  severity: message.severity,
  title,
  text: message.text,
  time: new Date(message.atMs).toISOString(),
  id: message.id,
  count: String(message.count),
});

const JSON_TYPE = { 'content-type': 'application/json' };
const PRIORITY = { info: '3', warning: '4', critical: '5' } as const;
const TAGS = { info: 'information_source', warning: 'warning', critical: 'rotating_light' } as const;
const COLOUR = { info: 0x2b_7a_52, warning: 0xd0_94_1f, critical: 0xb0_2a_20 } as const;
/** Limits of the services, characters. */
const MOST = { telegram: 4000, slack: 2900, discord: 4000, ntfy: 3800 } as const;

const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

/** Slack reads these three as marks of its own. */
const inSlack = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** @throws UserError when a webhook's secret is not an address */
export function requestFor(channel: WebChannel, secrets: ChannelSecrets, site: string, message: Message): WebRequest {
  const values = valuesOf(site, message);
  const title = cut(fill(channel.title, values), 200);
  const text = fill(channel.text, values);
  if ('ntfy' in channel) {
    const { url, topic } = channel.ntfy;
    const body = {
      topic,
      title,
      message: cut(text === '' ? title : text, MOST.ntfy),
      priority: Number(PRIORITY[message.severity]),
      tags: [TAGS[message.severity]],
    };
    const headers = {
      ...JSON_TYPE,
      ...(secrets.token === undefined ? {} : { authorization: `Bearer ${secrets.token}` }),
    };
    return { url: url.replace(/\/+$/, ''), method: 'POST', headers, body: JSON.stringify(body) };
  }
  if ('telegram' in channel) {
    const { url, chat } = channel.telegram;
    const body = {
      chat_id: chat,
      text: cut(`${title}\n\n${text}`.trim(), MOST.telegram),
      disable_notification: message.severity === 'info',
    };
    return {
      url: `${url.replace(/\/+$/, '')}/bot${secrets.token ?? ''}/sendMessage`,
      method: 'POST',
      headers: JSON_TYPE,
      body: JSON.stringify(body),
    };
  }
  if ('slack' in channel) {
    const body = { text: cut(`*${inSlack(title)}*\n${inSlack(text)}`.trim(), MOST.slack) };
    return { url: hookOf(channel.id, secrets), method: 'POST', headers: JSON_TYPE, body: JSON.stringify(body) };
  }
  if ('discord' in channel) {
    const embed = {
      title,
      description: cut(text, MOST.discord),
      color: COLOUR[message.severity],
      timestamp: values.time,
    };
    const body = { embeds: [embed], allowed_mentions: { parse: [] } };
    return { url: hookOf(channel.id, secrets), method: 'POST', headers: JSON_TYPE, body: JSON.stringify(body) };
  }
  const { url, method, contentType, body } = channel.webhook;
  const isJson = /\bjson\b/i.test(contentType);
  const own = { ...values, title, text };
  return {
    url,
    method,
    headers: { 'content-type': contentType, 'idempotency-key': message.id, ...secrets.headers },
    body:
      body === undefined
        ? JSON.stringify({ ...own, count: message.count })
        : fill(body, own, isJson ? inJson : undefined),
  };
}

function hookOf(id: string, { webhook }: ChannelSecrets): string {
  if (webhook === undefined || !/^https?:\/\//i.test(webhook) || !URL.canParse(webhook))
    throw new UserError(
      `channel ${id}: its webhook is not an address`,
      'write the whole https://… address into the secret',
    );
  return webhook;
}

import { readFileSync } from 'node:fs';
import type { ChannelConfig } from '../config/notify.ts';
import { readSecret } from '../config/secrets.ts';
import type { Secret } from '../config/values.ts';
import type { Clock } from '../runtime/clock.ts';
import { UserError } from '../runtime/errors.ts';
import type { Carrier } from './carrier.ts';
import { emailCarrier } from './email-carrier.ts';
import type { ChannelSecrets } from './requests.ts';
import { webCarrier } from './web-carrier.ts';

/**
 * The carrier of a channel, with its secrets and certificates read.
 * @throws UserError when one of them cannot be read: at the start, and not in the dark
 */
export function carrierOf(channel: ChannelConfig, site: string, clock: Clock, withinMs?: number): Carrier {
  const secrets = secretsOf(channel);
  return 'email' in channel
    ? emailCarrier(channel, secrets, site, withinMs)
    : webCarrier(channel, secrets, site, clock, withinMs);
}

function secretsOf(channel: ChannelConfig): ChannelSecrets {
  const where = `notify channel ${channel.id}`;
  const read = (secret: Secret | undefined, name: string): string | undefined =>
    secret === undefined ? undefined : readSecret(secret, `${where}: ${name}`);
  if ('email' in channel) {
    const password = read(channel.email.password, 'email.password');
    return { ...(password === undefined ? {} : { password }), ...authority(channel.email.ca, where) };
  }
  if ('ntfy' in channel) {
    const token = read(channel.ntfy.token, 'ntfy.token');
    return { ...(token === undefined ? {} : { token }), ...authority(channel.ntfy.ca, where) };
  }
  if ('telegram' in channel)
    return {
      token: readSecret(channel.telegram.token, `${where}: telegram.token`),
      ...authority(channel.telegram.ca, where),
    };
  if ('webhook' in channel) {
    const headers = Object.entries(channel.webhook.headers).map(([name, secret]) => [
      name,
      readSecret(secret, `${where}: webhook.headers.${name}`),
    ]);
    return { headers: Object.fromEntries(headers), ...authority(channel.webhook.ca, where) };
  }
  const hook = 'slack' in channel ? channel.slack : channel.discord;
  const webhook = readSecret(hook.webhook, `${where}: webhook`);
  if (!/^https?:\/\//i.test(webhook) || !URL.canParse(webhook))
    throw new UserError(`${where}: its webhook is not an address`, 'write the whole https://… address into the secret');
  return { webhook, ...authority(hook.ca, where) };
}

function authority(path: string | undefined, where: string): { ca?: string } {
  if (path === undefined) return {};
  try {
    return { ca: readFileSync(path, 'utf8') };
  } catch {
    throw new UserError(`${where}: ${path} cannot be read`, 'ca: names a file with a certificate in PEM form');
  }
}

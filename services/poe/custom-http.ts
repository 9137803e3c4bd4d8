import type { HttpSwitchConfig, RequestTemplate } from '../config/switches.ts';
import { quoted, WebError } from '../runtime/web-error.ts';
import { WebLink } from '../runtime/web-link.ts';
import { customControl } from './custom-control.ts';
import { withPort } from './mapping.ts';
import type { PortControl } from './port-control.ts';

export interface HttpSecrets {
  readonly password?: string;
  readonly token?: string;
  /** By the names of their headers. */
  readonly values?: Readonly<Record<string, string>>;
  readonly ca?: string;
}

/** Ports switched by a user's own requests. */
export function httpControl(config: HttpSwitchConfig, secrets: HttpSecrets): PortControl {
  const link = new WebLink('http', config, secrets.ca);
  const { password, token, values = {} } = secrets;
  const all = [password, token, ...Object.values(values)].filter((each) => each !== undefined);
  const authorization =
    token !== undefined
      ? { authorization: `Bearer ${token}` }
      : config.user === undefined
        ? {}
        : { authorization: `Basic ${Buffer.from(`${config.user}:${password ?? ''}`).toString('base64')}` };
  const send = async (template: RequestTemplate, usual: 'GET' | 'POST', port: string, signal?: AbortSignal) => {
    const { method = usual, body, contentType } = template;
    // A query may hold a key, so it stays out of messages.
    const [path = '', ...query] = withPort(template.path, port).split('?');
    const answer = await link.request(
      {
        method,
        path,
        ...(query.length === 0 ? {} : { secretQuery: query.join('?') }),
        headers: { ...authorization, ...values, ...(body === undefined ? {} : { 'content-type': contentType }) },
        ...(body === undefined ? {} : { body: withPort(body, port) }),
      },
      signal,
    );
    const what = `${method} ${path}`;
    const { status } = answer;
    if (status >= 200 && status < 300) return answer.text;
    if (status === 401) throw new WebError('credentials', link.name, `${what} was turned down`);
    if (status === 403) throw new WebError('forbidden', link.name, `${what} is not allowed`);
    if (status >= 500) throw new WebError('restarting', link.name, `${what} was answered with ${status}`);
    throw new WebError(
      'rejected',
      link.name,
      `${what} was answered with ${status} ${quoted(answer.text, all)}`.trimEnd(),
    );
  };
  const { path, body = '', read } = config.status;
  return customControl({
    name: link.name,
    ports: config.ports,
    read,
    perPort: `${path}${body}`.includes('{port}'),
    status: (port, signal) => send(config.status, 'GET', port, signal),
    switch: async (port, enabled, signal) => {
      await send(enabled ? config.on : config.off, 'POST', port, signal);
    },
    close: () => link.close(),
  });
}

import type { Problem } from './inspect.ts';
import type { Config } from './schema.ts';

const LOOPBACK = /^(127\.|localhost|\[::1\])/;

/** What only the whole of `notify` can tell. Pure. */
export function notifyProblems({ notify, history }: Config): Problem[] {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  notify.channels.forEach((channel, index) => {
    const path = `notify.channels[${index}]`;
    if (seen.has(channel.id))
      problems.push({
        severity: 'error',
        path: `${path}.id`,
        message: `${channel.id} is used twice`,
        tryThis: 'give each its own id',
      });
    seen.add(channel.id);
    if (!('email' in channel)) return;
    const { tls, user, password, server } = channel.email;
    if ((user === undefined) !== (password === undefined))
      problems.push({
        severity: 'error',
        path: `${path}.email`,
        message: `${channel.id} needs user: and password:, or neither`,
      });
    if (tls === 'none' && !LOOPBACK.test(server))
      problems.push({
        severity: 'warning',
        path: `${path}.email.tls`,
        message: `${channel.id} sends everything in the clear${password === undefined ? '' : ', its password too'}`,
        tryThis: 'tls: starttls',
      });
  });
  if (notify.reports.every.length > 0 && !history.enabled)
    problems.push({
      severity: 'error',
      path: 'notify.reports',
      message: 'reports are made from the history, which is off',
      tryThis: 'history: { enabled: true }',
    });
  if (notify.reports.every.length > 0 && notify.channels.length === 0)
    problems.push({
      severity: 'warning',
      path: 'notify.reports',
      message: 'nobody gets the reports',
      tryThis: 'add notify.channels',
    });
  return problems;
}

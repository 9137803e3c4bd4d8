import type { CommandHaltConfig } from '../config/hosts.ts';
import { runCommand } from '../runtime/run-command.ts';
import type { Outcome } from '../shutdown/promises.ts';

/**
 * Halts a machine by a program on this one. `done`: it ended with status 0. Any other status is `refused`, and so is a
 * program that cannot be started. `secrets`: its variables, which appear in no message. Never rejects.
 */
export async function haltByCommand(
  label: string,
  { argv, timeout }: Pick<CommandHaltConfig, 'argv' | 'timeout'>,
  secrets: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): Promise<Outcome> {
  const ended = await runCommand(argv, {
    timeoutMs: timeout * 1000,
    env: secrets,
    ...(signal === undefined ? {} : { signal }),
  });
  if (ended.status === 0) return { code: 'done' };
  const said = withoutSecrets(ended.complaint, secrets);
  const detail = `${label}: ${ended.how}${said === '' ? '' : `: ${said}`}`;
  return { code: ended.end === 'timeout' ? 'timeout' : 'refused', detail };
}

function withoutSecrets(text: string, secrets: Readonly<Record<string, string>>): string {
  let clean = text;
  for (const secret of Object.values(secrets)) if (secret !== '') clean = clean.replaceAll(secret, '***');
  return clean;
}

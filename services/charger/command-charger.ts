import type { ChargerConfig } from '../config/charger.ts';
import { runCommand } from '../runtime/run-command.ts';
import type { ChargerControl } from '../shutdown/promises.ts';

/** Where the current goes in the arguments. */
const AMPS = '{amps}';

/**
 * Sets the charger's current by a program of the user. `done`: it ended with status 0; whether the charger obeys is seen
 * at the circuit. `secrets`: its variables, which appear in no message.
 */
export function commandCharger(
  { argv, timeout }: Pick<ChargerConfig['set']['command'], 'argv' | 'timeout'>,
  secrets: Readonly<Record<string, string>>,
): ChargerControl {
  return {
    setCurrent: async (amps) => {
      const text = String(Math.round(amps * 10) / 10);
      const ended = await runCommand(
        argv.map((part) => part.replaceAll(AMPS, text)),
        { timeoutMs: timeout * 1000, env: secrets },
      );
      if (ended.status === 0) return { code: 'done' };
      const said = withoutSecrets(ended.complaint, secrets);
      const detail = `charger: ${ended.how}${said === '' ? '' : `: ${said}`}`;
      return { code: ended.end === 'timeout' ? 'timeout' : 'refused', detail };
    },
  };
}

function withoutSecrets(text: string, secrets: Readonly<Record<string, string>>): string {
  let clean = text;
  for (const secret of Object.values(secrets)) if (secret !== '') clean = clean.replaceAll(secret, '***');
  return clean;
}

import { loadConfig } from '../config/load.ts';
import { carrierOf } from '../notify/index.ts';
import { systemClock } from '../runtime/clock.ts';
import { UserError } from '../runtime/errors.ts';

/** The command `notify test`: one message to every channel, at once and past every rule, and what came back. */
export async function notifyTest(options: { config: string; channel?: string; json?: boolean }): Promise<number> {
  const { config } = loadConfig(options.config);
  const { channels } = config.notify;
  const wanted = channels.filter(({ id }) => options.channel === undefined || id === options.channel);
  if (wanted.length === 0)
    throw new UserError(
      options.channel === undefined ? 'no channel is configured' : `no channel is called ${options.channel}`,
      channels.length === 0 ? 'add notify: { channels: […] }' : `one of ${channels.map(({ id }) => id).join(', ')}`,
    );
  const site = config.site.name;
  const carriers = wanted.map((channel) => carrierOf(channel, site, systemClock));
  const atMs = systemClock.wallMs();
  const results = await Promise.all(
    carriers.map(async (carrier) => {
      const result = await carrier.send({
        id: `test-${carrier.id}-${Math.round(atMs)}`,
        event: 'test',
        severity: 'info',
        title: 'A test',
        text: 'If you can read this, holdover can reach you.',
        atMs,
        count: 1,
      });
      return {
        channel: carrier.id,
        ok: result.kind === 'sent',
        said: result.kind === 'sent' ? result.said : result.because,
      };
    }),
  );
  if (options.json) console.log(JSON.stringify(results));
  else for (const { channel, ok, said } of results) console.log(`${ok ? 'sent  ' : 'FAILED'}  ${channel}: ${said}`);
  return results.every(({ ok }) => ok) ? 0 : 1;
}

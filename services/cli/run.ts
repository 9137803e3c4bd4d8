import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadConfig, showProblem } from '../config/load.ts';
import { startService } from '../main.ts';
import { fastClock, systemClock } from '../runtime/clock.ts';
import { createLog, type LogLevel } from '../runtime/log.ts';
import { forgetStart } from '../runtime/small-heap.ts';

/** Where the page is: beside the bundle, or where the build put it when started from the sources. */
const WEB_ROOTS = ['./web', '../../dist/web'];

/** The command `run`: the service, until it is told to stop. */
export async function run(options: { config: string; logLevel: LogLevel; clockSpeed: number }): Promise<number> {
  const log = createLog(options.logLevel);
  const { config, warnings } = loadConfig(options.config);
  for (const warning of warnings) log.warn({ config: warning.path }, showProblem(warning).trim());
  const webRoot = WEB_ROOTS.map((each) => fileURLToPath(new URL(each, import.meta.url))).find((each) =>
    existsSync(each),
  );
  const service = await startService({
    config,
    clock: fastClock(options.clockSpeed),
    wire: systemClock,
    log,
    drill: { run: async (...ask) => (await import('./live-drill.ts')).liveDrill(config, log, ...ask) },
    ...(webRoot === undefined ? {} : { webRoot }),
  });
  forgetStart();
  console.log(JSON.stringify({ ready: true, address: service.address }));
  const signal = await new Promise<string>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => resolve(name));
  });
  log.info({ signal }, 'stopping');
  await service.stop();
  return 0;
}

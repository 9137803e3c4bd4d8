import { systemClock } from '../../services/runtime/clock.ts';
import { demoRack } from '../../services/twin/demo-rack.ts';
import { serveRack } from '../../services/twin/rack.ts';
import type { ConfigInput } from '../../services/twin/rack-config.ts';

/**
 * The demonstration's rack in a process of its own, at the speed of the world, with its BMS on TCP.
 * Arguments: folder, and a JSON object with configuration sections to add. Prints `{"config"}` when it is ready and runs
 * until SIGTERM.
 */
const [folder = '', sections = '{}'] = process.argv.slice(2);
const stopped = new Promise<void>((resolve) => {
  process.once('SIGTERM', () => resolve());
});
const rack = await serveRack({
  plan: demoRack({ startWallMs: systemClock.wallMs() }),
  folder,
  config: JSON.parse(sections) as Partial<ConfigInput>,
});
console.log(JSON.stringify({ config: rack.configPath }));
await stopped;
await rack.close();

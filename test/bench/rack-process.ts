import { systemClock } from '../../services/runtime/clock.ts';
import { demoRack } from '../../services/twin/demo-rack.ts';
import { serveRack } from '../../services/twin/rack.ts';
import type { ConfigInput } from '../../services/twin/rack-config.ts';
import { withNodes } from './racks.ts';

/**
 * The demonstration's rack in a process of its own, at the speed of the world, with its BMS on TCP.
 * Arguments: folder, a JSON object with configuration sections to add, and how many nodes it has (20). Prints
 * `{"config"}` when it is ready and runs until SIGTERM.
 */
const [folder = '', sections = '{}', nodes = '20'] = process.argv.slice(2);
const stopped = new Promise<void>((resolve) => {
  process.once('SIGTERM', () => resolve());
});
const rack = await serveRack({
  plan: withNodes(demoRack({ startWallMs: systemClock.wallMs() }), Number(nodes)),
  folder,
  config: JSON.parse(sections) as Partial<ConfigInput>,
});
console.log(JSON.stringify({ config: rack.configPath }));
await stopped;
await rack.close();

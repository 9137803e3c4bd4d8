import { nutMeasurements } from '../../services/assembly/nut.ts';
import { nutSchema } from '../../services/config/nut.ts';
import { nutServer } from '../../services/nut/index.ts';
import { keepHeapSmall } from '../../services/runtime/small-heap.ts';
import { testFeed } from '../services/telemetry/snapshot-fixture.ts';
import { benchRack } from './racks.ts';

/**
 * The NUT server over a rack of 54 nodes in a process of its own, with a new picture every second. Prints `{"port"}` when
 * it listens and runs until SIGTERM.
 */
keepHeapSmall();
const silent = (): undefined => undefined;
const { snapshot } = benchRack(54);
const feed = testFeed(snapshot);
const user = { user: 'mon', password: { env: 'UNUSED' }, upsmon: 'secondary' };
const server = nutServer(
  nutSchema.parse({ listen: '127.0.0.1:0', users: [user] }),
  { passwords: { mon: 'pw' } },
  {
    desk: { command: async () => ({ accepted: false, because: 'a bench' }) },
    facts: { batteryType: 'LiFePO4', capacityAh: 100, nominalPowerW: 1760, packs: 1 },
    site: 'bench',
    version: '0.1.0',
    chargeLow: 10,
    measured: nutMeasurements,
    log: { debug: silent, info: silent, warn: silent, error: silent },
  },
);
await server.start(feed);
const beat = setInterval(() => feed.publish({ ...snapshot }), 1000);
process.once('SIGTERM', () => {
  clearInterval(beat);
  void server.stop();
});
console.log(JSON.stringify({ port: server.port() }));

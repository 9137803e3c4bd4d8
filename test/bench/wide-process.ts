import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { systemClock } from '../../services/runtime/clock.ts';
import { demoRack } from '../../services/twin/demo-rack.ts';
import { serveJbdOnTcp } from '../../services/twin/devices/jbd-bms.ts';
import { serveSnmpSwitch } from '../../services/twin/devices/snmp-switch.ts';
import { serveRack } from '../../services/twin/rack.ts';
import type { ConfigInput } from '../../services/twin/rack-config.ts';

/**
 * The demonstration's rack with sixteen packs and four switches, each on a wire of its own and polled every second. They
 * are faces of the same world. Arguments and output are those of `rack-process.ts`.
 */
const PACKS = 16;
const SWITCHES = 4;

const [folder = '', sections = '{}'] = process.argv.slice(2);
const stopped = new Promise<void>((resolve) => {
  process.once('SIGTERM', () => resolve());
});
const rack = await serveRack({
  plan: demoRack({ startWallMs: systemClock.wallMs() }),
  folder,
  config: JSON.parse(sections) as Partial<ConfigInput>,
});
interface Listed {
  readonly id: string;
}
const config = parse(readFileSync(rack.configPath, 'utf8')) as {
  packs: (Listed & { via: unknown; every?: unknown })[];
  switches: (Listed & { port?: number; every?: unknown; community: { file: string } })[];
};
const [pack] = config.packs;
const [poe] = config.switches;
if (pack === undefined || poe === undefined) throw new Error('the demonstration has a pack and a switch');
const closers: { close(): Promise<unknown> }[] = [];
const packs = [{ ...pack, every: '1s' }];
for (let at = 2; at <= PACKS; at += 1) {
  const bms = await serveJbdOnTcp(rack.world, { throttle: true });
  closers.push(bms);
  packs.push({ ...pack, id: `${pack.id}-${at}`, via: { tcp: bms.address }, every: '1s' });
}
const community = readFileSync(poe.community.file, 'utf8').trim();
const switches = [{ ...poe, every: '1s' }];
for (let at = 2; at <= SWITCHES; at += 1) {
  const snmp = await serveSnmpSwitch(rack.world, { readCommunity: community, writeCommunity: community });
  closers.push(snmp);
  switches.push({ ...poe, id: `${poe.id}-${at}`, port: snmp.port, every: '1s' });
}
const wide = join(folder, 'wide.yaml');
writeFileSync(wide, stringify({ ...config, packs, switches }));
console.log(JSON.stringify({ config: wide }));
await stopped;
for (const each of closers) await each.close();
await rack.close();

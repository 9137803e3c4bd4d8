import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { loadConfig } from '../../services/config/load.ts';
import { type Service, startService } from '../../services/main.ts';
import { fastClock, systemClock } from '../../services/runtime/clock.ts';
import { createLog } from '../../services/runtime/log.ts';
import type { CoordinatorView, JournalLine } from '../../services/shutdown/view.ts';
import { demoRack } from '../../services/twin/demo-rack.ts';
import type { SwitchKind } from '../../services/twin/devices/switches/index.ts';
import { patient } from '../../services/twin/patience.ts';
import { type RackHandle, serveRack } from '../../services/twin/rack.ts';
import type { ConfigInput } from '../../services/twin/rack-config.ts';
import { freePort } from '../ports.ts';
import { getJson, until } from './stage.ts';

/**
 * One outage on a small rack with each kind of switch: the real service halts the machines, cuts their ports through that
 * switch, and powers them again, and nothing that ran loses its power.
 */

const SPEED = 4;
/** One that tells late, and one on a slow line. */
const KINDS = ['poe-unifi', 'poe-broadcom'] as const satisfies readonly SwitchKind[];
const MACHINES = ['pi1', 'pi2'];

const dir = mkdtempSync(join(tmpdir(), 'holdover-poe-e2e-'));
let rack: RackHandle | undefined;
let service: Service | undefined;
afterEach(async () => {
  await service?.stop();
  await rack?.close();
  rmSync(dir, { recursive: true, force: true });
});

async function begin(kind: SwitchKind): Promise<{ rack: RackHandle; service: Service }> {
  const demo = demoRack({ startWallMs: systemClock.wallMs() });
  const hosts = demo.world.hosts.filter(({ id }) => MACHINES.includes(id));
  const world = { ...demo.world, hosts, switch: { ...demo.world.switch, ports: 4 } };
  const cluster = { ...demo.cluster, podsPerNode: 0 };
  const plan = patient({ ...demo, world, cluster, protectedPorts: ['4'], protectedHosts: [] }, SPEED);
  const begun = await serveRack({ plan, folder: dir, speed: SPEED, throttleBms: false, poe: kind });
  rack = begun;
  const { cluster: _, ...rest } = parse(readFileSync(begun.configPath, 'utf8')) as ConfigInput;
  const own: ConfigInput = {
    ...rest,
    shutdown: { ...rest.shutdown, stages: [{ name: 'all', hosts: MACHINES, after: '1s' }] },
    http: { listen: `127.0.0.1:${await freePort()}` },
  };
  const path = join(dir, 'own.yaml');
  writeFileSync(path, stringify(own));
  const { config } = loadConfig(path);
  service = await startService({ config, clock: fastClock(SPEED), wire: systemClock, log: createLog('silent') });
  return { rack: begun, service };
}

describe.each(KINDS)('an outage with %s', (kind) => {
  it('cuts the ports of machines that are off, and brings all back', async () => {
    const { rack, service } = await begin(kind);
    const seen = () => getJson<Pick<CoordinatorView, 'phase' | 'hosts'>>(`${service.address}/api/v1/hosts`);
    const hosts = (what: string, phase: CoordinatorView['phase'], each: string) =>
      until(what, async () => {
        const now = await seen();
        return now.phase === phase && now.hosts.every((host) => host.phase === each) ? now.hosts : undefined;
      });
    const enabled = () => rack.world.switch.ports.filter((port) => port.enabled).map(({ port }) => port);

    await until('both answer and their ports are measured', async () => {
      const { hosts } = await seen();
      return hosts.every(({ reachable, powerW = 0 }) => reachable === true && powerW > 5) ? true : undefined;
    });
    rack.world.setMains(false);
    const down = await hosts('both are cut', 'dark', 'cut');
    expect(down.filter(({ forced }) => forced)).toEqual([]);
    expect(enabled()).toEqual(['3', '4']);

    rack.world.setMains(true);
    await hosts('both are back', 'mains', 'up');
    expect(enabled()).toEqual(['1', '2', '3', '4']);
    for (const id of MACHINES) expect(rack.world.hosts.get(id)?.state).toBe('running');
    expect(rack.world.violations).toEqual([]);
    const { entries } = await getJson<{ entries: readonly JournalLine[] }>(
      `${service.address}/api/v1/journal?limit=1000`,
    );
    const codes = entries.flatMap(({ entry }) =>
      entry.kind === 'outcome' && ['cut', 'power'].includes(entry.effectKind)
        ? entry.results.map(({ code }) => code)
        : [],
    );
    expect(codes.length).toBeGreaterThanOrEqual(4);
    expect(codes.filter((code) => code !== 'done' && code !== 'already')).toEqual([]);
  }, 180_000);
});

import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { configSchema } from '../../../../../services/config/schema.ts';
import { openSwitch, type SwitchSecrets } from '../../../../../services/poe/index.ts';
import type { PoeSwitch } from '../../../../../services/shutdown/promises.ts';
import { type ServedSwitch, SWITCHES, type SwitchKind } from '../../../../../services/twin/devices/switches/index.ts';
import type { SimWorld } from '../../../../../services/twin/world.ts';
import { smallRack } from '../small-rack.ts';

/** Every emulated switch against the driver that reads it: two readings of one note, and one world behind them. */

const SECRET = 'correct-horse-7';
const KINDS = Object.keys(SWITCHES) as SwitchKind[];
/** The official UniFi interface has neither watts nor a switch. */
const SWITCHING = KINDS.filter((kind) => kind !== 'poe-unifi-api');

let served: ServedSwitch | undefined;
let poe: PoeSwitch | undefined;
let moving: NodeJS.Timeout | undefined;
afterEach(async () => {
  clearInterval(moving);
  await poe?.close();
  await served?.handle.close();
});

async function rig(
  kind: SwitchKind,
  { secrets, settle, requestTimeout }: { secrets?: SwitchSecrets; settle?: string; requestTimeout?: string } = {},
) {
  const world = smallRack();
  const made = await SWITCHES[kind].serve(world, SECRET, {});
  served = made;
  const secretKeys = Object.keys(made.secrets).map((name) => [name, { env: 'X' }]);
  const fast = made.config.driver === 'netgear-plus' ? { pageGap: 0 } : {};
  const [config] = configSchema.parse({
    switches: [
      {
        id: 'sw1',
        ...made.config,
        ...Object.fromEntries(secretKeys),
        ...fast,
        ...(requestTimeout === undefined || made.config.driver === 'poe-serial' ? {} : { requestTimeout }),
        settle: settle ?? '20s',
      },
    ],
  }).switches;
  if (config === undefined) throw new Error('no switch');
  const device = openSwitch(config, secrets ?? { password: SECRET, token: SECRET });
  poe = device;
  // ten seconds of the world in each second
  moving = setInterval(() => world.step(0.5), 50);
  return { world, poe: device, name: made.portName, made };
}

const enabledIn = (world: SimWorld): readonly string[] =>
  world.switch.ports.filter(({ enabled }) => enabled).map(({ port }) => port);

describe.each(KINDS)('%s', (kind) => {
  it('is read as the world is', async () => {
    const { world, poe, name } = await rig(kind);
    const { ports, budgetW } = await poe.read();
    const shown = world.switch.ports.slice(0, ports.length);
    expect(ports.map(({ port }) => port)).toEqual(shown.map(({ port }) => name(port)));
    expect(ports.map(({ state }) => state)).toEqual(shown.map(({ state }) => state));
    expect(ports.every(({ enabled }) => enabled === true)).toBe(true);
    if (kind === 'poe-unifi-api') return;
    expect(ports[0]?.powerW).toBeCloseTo(world.switch.ports[0]?.powerW ?? 0, 0);
    if (kind !== 'poe-mikrotik' && !kind.startsWith('poe-netgear')) expect(budgetW).toBe(120);
  });
});

describe.each(KINDS)('%s, whose cable is pulled', (kind) => {
  it('fails at once or in time, tells nothing old, and is there again', async () => {
    const { poe, made } = await rig(kind, { requestTimeout: '500ms' });
    const { ports } = await poe.read();
    await made.handle.unplug();
    await expect(poe.read()).rejects.toMatchObject({ name: expect.any(String), retryable: true });
    await made.handle.replug();
    // a line that was lost is opened again after a rest
    await expect
      .poll(async () => (await poe.read()).ports.length, { timeout: 20_000, interval: 200 })
      .toBe(ports.length);
  }, 30_000);

  it('does not wait for ever for one that says nothing', async () => {
    const { world, poe, made } = await rig(kind, { requestTimeout: '300ms' });
    await poe.read();
    world.setFault('silent', [kind.startsWith('poe-unifi') ? 'controller' : 'switch']);
    await expect(poe.read()).rejects.toMatchObject({ code: expect.stringMatching(/timeout|refused/) });
    world.setFault('silent', false);
    await expect
      .poll(async () => (await poe.read()).ports.length, { timeout: 20_000, interval: 200 })
      .toBeGreaterThan(0);
    expect(made.handle.name).toBe('switch');
  }, 30_000);
});

describe.each(SWITCHING)('%s, switched', (kind) => {
  it('cuts the ports that were asked for, and powers them again', async () => {
    const { world, poe, name } = await rig(kind);
    const [one, two] = [name('2'), name('4')];
    world.switch.setPriority('2', 1);
    const before = world.switch.ports.map(({ port, enabled, priority }) => [port, enabled, priority]);
    expect(await poe.setPorts([one, two], false)).toEqual([
      { port: one, code: 'done' },
      { port: two, code: 'done' },
    ]);
    expect(enabledIn(world)).toEqual(['1', '3', '5', '6', '7', '8']);
    expect(world.hosts.get('pi2')?.state).toBe('off');
    expect(world.hosts.get('pi1')?.state).toBe('running');
    expect(await poe.setPorts([two, one], true)).toMatchObject([{ code: 'done' }, { code: 'done' }]);
    expect(world.switch.ports.map(({ port, enabled, priority }) => [port, enabled, priority])).toEqual(before);
  }, 60_000);

  it('that accepts and does nothing is called disobedient', async () => {
    const { world, poe, name } = await rig(kind, { settle: '200ms' });
    world.setFault('switchDisobeys', true);
    const before = (await poe.read()).ports.map(({ port, enabled }) => [port, enabled]);
    expect(await poe.setPorts([name('2')], false)).toMatchObject([{ code: 'disobeyed' }]);
    expect((await poe.read()).ports.map(({ port, enabled }) => [port, enabled])).toEqual(before);
  }, 60_000);
});

const WITH_SECRET = KINDS.filter((kind) => !['poe-broadcom', 'poe-realtek', 'poe-modbus'].includes(kind));

describe.each(WITH_SECRET)('%s, with another password', (kind) => {
  it('tells and switches nothing', async () => {
    const { world, poe, name } = await rig(kind, { secrets: { password: 'wrong', token: 'wrong' } });
    await expect(poe.read()).rejects.toMatchObject({ retryable: expect.any(Boolean) });
    expect((await poe.setPorts([name('2')], false)).map(({ code }) => code)).toEqual(['refused']);
    expect(enabledIn(world)).toHaveLength(8);
  });
});

describe('nonsense', () => {
  it.each(KINDS)('does not end %s, and switches nothing', async (kind) => {
    const { world, made } = await rig(kind);
    const { connect } = await import('node:net');
    const [host = '', port = ''] = made.handle.address.split(':');
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
        await new Promise<void>((resolve) => {
          const socket = connect(Number(port), host, () => socket.end(bytes));
          socket.on('error', () => resolve()).on('close', () => resolve());
          socket.resume();
        });
      }),
      { numRuns: 8 },
    );
    expect(enabledIn(world)).toHaveLength(8);
    await expect(made.handle.unplug().then(() => made.handle.replug())).resolves.toBeUndefined();
  });
});

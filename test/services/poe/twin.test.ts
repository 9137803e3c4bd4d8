import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSwitch } from '../../../services/poe/index.ts';
import { snmpSession } from '../../../services/poe/snmp-session.ts';
import { snmpSwitch } from '../../../services/poe/snmp-switch.ts';
import type { PoeSwitch } from '../../../services/shutdown/promises.ts';
import { serveSnmpSwitch } from '../../../services/twin/devices/snmp-switch.ts';
import type { SimWorld } from '../../../services/twin/world.ts';
import { smallRack } from '../twin/devices/small-rack.ts';
import { switchConfig } from './fixtures.ts';
import { restoresExactly } from './restoring.ts';

const SECRETS = { community: 'private' };

let world: SimWorld;
let face: Awaited<ReturnType<typeof serveSnmpSwitch>>;
let poe: PoeSwitch;

const config = (more: Record<string, unknown> = {}) =>
  switchConfig({ port: face.port, portWatts: 'netgear', settle: '1s', ...more });

beforeEach(async () => {
  world = smallRack();
  face = await serveSnmpSwitch(world);
  poe = openSwitch(config(), SECRETS);
});
afterEach(async () => {
  await poe.close();
  await face.close();
});

describe('the SNMP driver on the simulated switch', () => {
  it('sees what the world has', async () => {
    const sample = await poe.read();
    expect(sample).toMatchObject({ budgetW: 120, drawnW: Math.round(world.switch.drawnW), totalTrusted: true });
    expect(sample.ports.map(({ port, state, powerW }) => [port, state, powerW])).toEqual(
      world.switch.ports.map(({ port, state, powerW }) => [port, state, Math.round(powerW * 1000) / 1000]),
    );
    expect(sample.ports[0]).toMatchObject({ poeClass: 3, priority: 'low', voltageV: 53.8, deniedCount: 0 });
  });

  it('cuts and restores a port whose machine has halted', async () => {
    world.hosts.get('pi1')?.halt();
    for (let s = 0; s < 60; s += 1) world.step(1);
    expect(await poe.setPorts(['1'], false)).toEqual([{ port: '1', code: 'done' }]);
    expect(world.hosts.get('pi1')?.state).toBe('off');
    expect((await poe.read()).ports[0]).toMatchObject({ enabled: false, state: 'disabled', powerW: 0 });
    expect(world.violations).toEqual([]);
    expect(await poe.setPorts(['1'], true)).toMatchObject([{ port: '1', code: 'done' }]);
    for (let s = 0; s < 120; s += 1) world.step(1);
    expect((await poe.read()).ports[0]).toMatchObject({ enabled: true, state: 'delivering' });
    expect(world.hosts.get('pi1')?.state).toBe('running');
  });

  it('leaves everything as it was, whatever is cut and powered again', async () => {
    const state = async () =>
      (await poe.read()).ports.map(({ port, enabled, priority }) => ({ port, enabled, priority }));
    const before = await state();
    await restoresExactly(
      poe,
      ['3', '4', '5', '6', '7', '8'],
      () => world.switch.ports.map(({ port, enabled }) => ({ port, enabled })),
      8,
    );
    expect(await state()).toEqual(before);
  });

  it('never cuts a protected port', async () => {
    await poe.close();
    poe = openSwitch(config({ protect: ['2'] }), SECRETS);
    expect((await poe.setPorts(['2'], false))[0]).toMatchObject({ code: 'left-alone' });
    expect(world.violations).toEqual([]);
  });

  it('calls a switch that ignores its orders disobedient', async () => {
    world.setFault('switchDisobeys', true);
    const [outcome] = await poe.setPorts(['3'], false);
    expect(outcome).toMatchObject({ port: '3', code: 'disobeyed' });
    world.setFault('switchDisobeys', false);
    expect(await poe.setPorts(['3'], false)).toEqual([{ port: '3', code: 'done' }]);
  });

  it('is refused with the community that may only read', async () => {
    await poe.close();
    poe = openSwitch(config(), { community: 'public' });
    expect(await poe.setPorts(['3'], false)).toMatchObject([
      { code: 'refused', detail: expect.stringMatching(/noAccess/) },
    ]);
    expect(world.switch.ports[2]?.enabled).toBe(true);
  });

  it('settles on a switch that falls silent, and goes on when it is back', async () => {
    await poe.close();
    const link = snmpSession(config(), SECRETS, { timeoutMs: 150, retries: 1 });
    poe = snmpSwitch(config(), SECRETS, { link });
    await poe.read();
    world.setFault('silent', ['switch']);
    await expect(poe.read()).rejects.toMatchObject({ code: 'timeout', retryable: true });
    expect(await poe.setPorts(['3', '4'], false)).toMatchObject([{ code: 'timeout' }, { code: 'timeout' }]);
    expect(world.switch.ports.every(({ enabled }) => enabled)).toBe(true);
    world.setFault('silent', false);
    expect((await poe.read()).ports).toHaveLength(8);
  });

  it('has nothing to say once the battery is empty', async () => {
    const flat = smallRack({ capacityAh: 0.2 });
    const dying = await serveSnmpSwitch(flat);
    const link = snmpSession(switchConfig({ port: dying.port }), SECRETS, { timeoutMs: 150, retries: 0 });
    const last = snmpSwitch(switchConfig(), SECRETS, { link });
    expect((await last.read()).ports).toHaveLength(8);
    flat.setMains(false);
    for (let s = 0; s < 7200 && flat.switch.powered; s += 60) flat.step(60);
    await expect(last.read()).rejects.toMatchObject({ code: 'timeout' });
    await last.close();
    await dying.close();
  });
});

import { afterEach, expect, it } from 'vitest';
import { probe } from '../../../services/cli/probe.ts';
import { type ServedSwitch, SWITCHES } from '../../../services/twin/devices/switches/index.ts';
import { smallRack } from '../twin/devices/small-rack.ts';
import { captured } from './captured.ts';

let served: ServedSwitch | undefined;
afterEach(() => served?.handle.close());

it.each(['poe-broadcom', 'poe-realtek'] as const)('finds %s by name, and switches nothing', async (kind) => {
  const world = smallRack();
  served = await SWITCHES[kind].serve(world, '', {});
  const device = `tcp://${served.handle.address}`;
  const { value, out } = await captured(() => probe(device, { driver: 'poe-serial', seconds: 20 }));
  expect(value).toBe(0);
  expect(out).toContain('8 ports');
  expect(out).toContain('of 120.0 W, guard 12.0 W');
  expect(out).toMatch(/port 1 delivers \d/);
  expect(out).toContain(`via: { tcp: "${served.handle.address}" }`);
  const asked = await captured(() => probe(device, { driver: 'poe-serial', seconds: 20, json: true }));
  expect(JSON.parse(asked.out)).toMatchObject({ driver: 'poe-serial', sample: { budgetW: 120 } });
  expect(world.switch.ports.every(({ enabled }) => enabled)).toBe(true);
});

it('says that nobody is there', async () => {
  const { value, err } = await captured(() => probe('tcp://127.0.0.1:1', { driver: 'poe-serial', seconds: 5 }));
  expect(value).toBe(1);
  expect(err).toMatch(/ECONNREFUSED|refused/i);
  expect(err).toContain('second UART');
});

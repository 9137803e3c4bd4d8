import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Buses } from '../../../services/assembly/buses.ts';
import { packControls } from '../../../services/assembly/pack-controls.ts';
import { deviceSource } from '../../../services/assembly/sources.ts';
import { checkConfig } from '../../../services/config/load.ts';
import type { Config } from '../../../services/config/schema.ts';
import { systemClock } from '../../../services/runtime/clock.ts';
import { demoRack } from '../../../services/twin/demo-rack.ts';
import { BOARDS, serveBoardOnTcp } from '../../../services/twin/devices/boards/index.ts';
import { serveJbdOnPath } from '../../../services/twin/devices/jbd-bms.ts';
import { openPtyPair } from '../../../services/twin/pty-pair.ts';
import { createWorld } from '../../../services/twin/world.ts';
import { peer } from '../../peers.ts';

const socat = peer('socat');

let folder = '';
const closing: (() => Promise<void>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdover-control-'));
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

function packs(...more: object[]): Config['packs'] {
  const pack = { driver: 'jbd', chemistry: 'lifepo4', cells: 16, capacityAh: 100 };
  const list = more.map((each, index) => ({
    id: `p${index}`,
    via: { tcp: `127.0.0.1:${4000 + index}` },
    ...pack,
    ...each,
  }));
  const checked = checkConfig(JSON.stringify({ packs: list }));
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  return checked.config.packs;
}

describe('the switches of packs', () => {
  it('are there for those alone whose configuration allows it', async () => {
    const buses = new Buses();
    const on = { control: { mosfets: true } };
    const daly = { driver: 'daly', via: { tcp: '127.0.0.1:5000' }, address: 2 };
    const list = packs({}, on, { control: { mosfets: false } }, { ...daly, ...on });
    expect(packControls(list, buses).map(({ id }) => id)).toEqual(['p1', 'p3']);
    await buses.close();
  });

  it('are reached at their Modbus unit, and only what is allowed is switched', async () => {
    const world = createWorld(demoRack().world);
    const board = await serveBoardOnTcp(world, BOARDS['jk-pb'].make(world), { name: 'jk' });
    closing.push(board.close);
    const buses = new Buses();
    closing.push(() => buses.close());
    const via = { modbusRtu: `tcp://${board.address}`, unit: 1 };
    const [pack] = packs({ driver: 'jk-modbus', via, control: { balancing: true } });
    if (pack === undefined) throw new Error('no pack');
    const [control] = packControls([pack], buses);
    expect(await control?.setBalancing(false)).toEqual({ code: 'done' });
    expect(await control?.setDischarge(false)).toMatchObject({ code: 'refused' });
    expect(world.pack.dischargeFetClosed).toBe(true);
  });

  it.skipIf(socat.skip)(`go off and on over a pty, and are read back (${socat.title})`, async () => {
    const pair = await openPtyPair(folder);
    if (pair === undefined) throw new Error('socat made no pty pair');
    closing.push(pair.close);
    const world = createWorld(demoRack().world);
    const board = await serveJbdOnPath(world, pair.device);
    closing.push(board.close);
    const buses = new Buses();
    closing.push(() => buses.close());
    const [pack] = packs({ via: { serial: pair.host }, control: { mosfets: true } });
    if (pack === undefined) throw new Error('no pack');
    const source = deviceSource('pack', pack, buses, systemClock, systemClock);
    const [control] = packControls([pack], buses);
    if (control === undefined) throw new Error('no control');

    const { signal } = new AbortController();
    expect(await source.poll(signal)).toMatchObject({ chargeFetClosed: true, dischargeFetClosed: true });
    // Polls go on meanwhile on the same line.
    const [off] = await Promise.all([control.setDischarge(false), source.poll(signal)]);
    expect(off).toEqual({ code: 'done' });
    expect(world.pack.dischargeFetClosed).toBe(false);
    expect(world.pack.chargeFetClosed).toBe(true);
    const sample = await source.poll(signal);
    expect(sample).toMatchObject({ dischargeFetClosed: false, chargeFetClosed: true });
    expect(sample).toMatchObject({ alarms: [{ code: 'locked-by-command', level: 'warning' }] });
    expect(await control.setDischarge(false)).toEqual({ code: 'already' });
    expect(await control.setDischarge(true)).toEqual({ code: 'done' });
    expect(world.pack.dischargeFetClosed).toBe(true);
    await board.unplug();
    expect(await control.setDischarge(false)).toMatchObject({ code: 'timeout' });
    expect(world.pack.dischargeFetClosed).toBe(true);
  });
});

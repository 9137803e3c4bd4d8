import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serveSnmpSwitch } from '../../../../services/twin/devices/snmp-switch.ts';
import type { SimWorld } from '../../../../services/twin/world.ts';
import { peer } from '../../../peers.ts';
import { smallRack } from './small-rack.ts';

const snmpwalk = peer('snmpwalk');
const snmpset = peer('snmpset');

let world: SimWorld;
let face: Awaited<ReturnType<typeof serveSnmpSwitch>>;

beforeEach(async () => {
  world = smallRack();
  face = await serveSnmpSwitch(world, { readCommunity: 'look', writeCommunity: 'touch' });
});
afterEach(() => face.close());

interface Ran {
  readonly status: number;
  readonly lines: readonly string[];
}

function run(program: string, community: string, args: readonly string[], waitS = 5): Promise<Ran> {
  const options = ['-v2c', '-c', community, '-t', `${waitS}`, '-r', '0', '-On', '-Oe', face.address];
  return new Promise((resolve) => {
    execFile(program, [...options, ...args], { timeout: 60_000 }, (error, stdout, stderr) => {
      const status = typeof error?.code === 'number' ? error.code : error ? -1 : 0;
      resolve({ status, lines: `${stdout}${stderr}`.split('\n').filter((line) => line !== '') });
    });
  });
}
const walk = async (root: string, community = 'look', ...options: string[]) =>
  (await run(snmpwalk.path, community, [...options, root])).lines;
const set = (community: string, ...pairs: string[]) => run(snmpset.path, community, pairs);

const PORT = '.1.3.6.1.2.1.105.1.1.1';
const MAIN = '.1.3.6.1.2.1.105.1.3.1.1';
const NETGEAR = '.1.3.6.1.4.1.4526.10.15.1.1.1';

describe.skipIf(snmpwalk.skip || snmpset.skip)(`the simulated switch and ${snmpwalk.title}, ${snmpset.title}`, () => {
  it('shows RFC 3621 with every port at its own number', async () => {
    const admin = await walk(`${PORT}.3`);
    expect(admin).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((port) => `${PORT}.3.1.${port} = INTEGER: 1`));
    const states = await walk(`${PORT}.6`);
    expect(states.slice(0, 3)).toEqual([
      `${PORT}.6.1.1 = INTEGER: 3`,
      `${PORT}.6.1.2 = INTEGER: 3`,
      `${PORT}.6.1.3 = INTEGER: 2`,
    ]);
    expect(await walk(`${PORT}.10.1.1`)).toEqual([`${PORT}.10.1.1 = INTEGER: 4`]);
    expect(await walk(`${MAIN}.2`)).toEqual([`${MAIN}.2.1 = Gauge32: 120`]);
    expect(await walk(`${MAIN}.4`)).toEqual([`${MAIN}.4.1 = Gauge32: ${Math.round(world.switch.drawnW)}`]);
  });

  it('lets its whole tree be walked, in order and to an end', async () => {
    const lines = (await walk('.1.3.6.1')).filter((line) => line.includes(' = '));
    expect(lines.at(-1)).toMatch(/No more variables left/);
    const oids = lines.slice(0, -1).map((line) => line.split(' ')[0] ?? '');
    // 12 columns of 8 ports, 4 of one supply, 5 of Netgear's 8 ports
    expect(oids.length).toBe(12 * 8 + 4 + 5 * 8);
    expect(new Set(oids).size).toBe(oids.length);
    expect(oids.some((oid) => oid.startsWith(`${PORT}.1.`) || oid.startsWith(`${PORT}.2.`))).toBe(false);
  });

  it('follows the world from one question to the next', async () => {
    const before = world.switch.ports[0]?.powerW ?? 0;
    expect(await walk(`${NETGEAR}.2.1.1`)).toEqual([`${NETGEAR}.2.1.1 = Gauge32: ${Math.round(before * 1000)}`]);
    world.hosts.get('pi1')?.halt();
    for (let s = 0; s < 60; s += 1) world.step(1);
    const after = world.switch.ports[0]?.powerW ?? 0;
    expect(after).toBeLessThan(before / 2);
    expect(await walk(`${NETGEAR}.2.1.1`)).toEqual([`${NETGEAR}.2.1.1 = Gauge32: ${Math.round(after * 1000)}`]);
  });

  it('switches a port off and on when the community may write', async () => {
    expect((await set('touch', `${PORT}.3.1.3`, 'i', '2')).lines).toEqual([`${PORT}.3.1.3 = INTEGER: 2`]);
    expect(world.switch.ports.filter(({ enabled }) => !enabled).map(({ port }) => port)).toEqual(['3']);
    expect(await walk(`${PORT}.6.1.3`)).toEqual([`${PORT}.6.1.3 = INTEGER: 1`]);
    await set('touch', `${PORT}.3.1.3`, 'i', '1', `${PORT}.7.1.3`, 'i', '1');
    expect(world.switch.ports[2]).toMatchObject({ enabled: true, priority: 1 });
  });

  it.each([
    ['the community may only read', 'look', [`${PORT}.3.1.3`, 'i', '2'], /noAccess/],
    ['the value is neither on nor off', 'touch', [`${PORT}.3.1.3`, 'i', '0'], /wrongValue/],
    ['the object cannot be written', 'touch', [`${PORT}.6.1.3`, 'i', '1'], /notWritable/],
  ])('refuses a write when %s', async (_why, community, pairs, reason) => {
    const { status, lines } = await set(community, ...pairs);
    expect(status).not.toBe(0);
    expect(lines.join('\n')).toMatch(reason);
    expect(world.switch.ports.every(({ enabled }) => enabled)).toBe(true);
  });

  it('changes nothing when one of several writes is illegal', async () => {
    const { status } = await set('touch', `${PORT}.3.1.3`, 'i', '2', `${PORT}.3.1.4`, 'i', '9');
    expect(status).not.toBe(0);
    expect(world.switch.ports.every(({ enabled }) => enabled)).toBe(true);
  });

  it('says yes and does nothing while it disobeys', async () => {
    world.setFault('switchDisobeys', true);
    expect((await set('touch', `${PORT}.3.1.3`, 'i', '2')).status).toBe(0);
    expect(await walk(`${PORT}.3.1.3`)).toEqual([`${PORT}.3.1.3 = INTEGER: 1`]);
  });

  it('does not answer a community it does not know, nor anybody while it is mute or unplugged', async () => {
    const asks = () => run(snmpwalk.path, 'look', [`${MAIN}.2`], 1);
    expect((await run(snmpwalk.path, 'guess', [`${MAIN}.2`], 1)).lines.join()).toMatch(/Timeout/i);
    world.setFault('silent', ['switch']);
    expect((await asks()).lines.join()).toMatch(/Timeout/i);
    world.setFault('silent', false);
    await face.unplug();
    expect((await asks()).lines.join()).toMatch(/Timeout/i);
    await face.replug();
    expect((await asks()).lines).toEqual([`${MAIN}.2.1 = Gauge32: 120`]);
  });
});

it('survives datagrams that are no SNMP', async () => {
  const socket = createSocket('udp4');
  const garbage = [Buffer.alloc(0), Buffer.from('hello'), Buffer.alloc(2000, 0x30), Buffer.from('3003020101', 'hex')];
  for (const datagram of garbage)
    await new Promise((resolve) => socket.send(datagram, face.port, '127.0.0.1', resolve));
  // a GET of the consumption, community "look": it still answers
  const get = Buffer.from(
    '302802010104046c6f6f6ba01d02010102010002010030123010060c2b06010201690103010104010500',
    'hex',
  );
  const answer = new Promise<Buffer>((resolve) => socket.once('message', resolve));
  socket.send(get, face.port, '127.0.0.1');
  expect((await answer)[0]).toBe(0x30);
  socket.close();
});

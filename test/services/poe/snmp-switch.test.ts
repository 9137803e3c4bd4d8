import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode } from '../../../services/poe/columns.ts';
import { openSwitch } from '../../../services/poe/index.ts';
import { rfc3621Columns, switchSample } from '../../../services/poe/rfc3621.ts';
import { SnmpError } from '../../../services/poe/snmp-error.ts';
import { BatchedGet, type SnmpLink, walk } from '../../../services/poe/snmp-link.ts';
import { snmpSwitch } from '../../../services/poe/snmp-switch.ts';
import { AsnType, type Varbind } from '../../../services/poe/varbind.ts';
import { vendorTable } from '../../../services/poe/vendor-watts.ts';
import { UserError } from '../../../services/runtime/errors.ts';
import { adminOf, FakeAgent, sleepingClock, stateOf } from './fake-agent.ts';
import { switchConfig } from './fixtures.ts';

const portsOf = (count: number) => Array.from({ length: count }, (_, at) => `1.${at + 1}`);

function rig(agent: FakeAgent, more: Record<string, unknown> = {}) {
  const wire = sleepingClock();
  const poe = snmpSwitch(switchConfig({ settle: '3s', ...more }), {}, { link: agent, wire, clock: wire });
  return { poe, wire, agent };
}

const written = (agent: FakeAgent) => agent.sets.flat().map(({ oid }) => oid.split('.').slice(-2).join('.'));

const keyOf = (name: string) => (name.includes('.') ? name : `1.${Number(name)}`);

describe('switching ports', () => {
  it('writes, reads back and says done; what is so already is not written', async () => {
    const { poe, agent } = rig(new FakeAgent(portsOf(4)));
    agent.put(adminOf('1.2'), 2);
    agent.put(stateOf('1.2'), 1);
    expect(await poe.setPorts(['1', '2', '3'], false)).toEqual([
      { port: '1', code: 'done' },
      { port: '2', code: 'already' },
      { port: '3', code: 'done' },
    ]);
    expect(written(agent)).toEqual(['1.1', '1.3']);
    expect(agent.sets.flat().every(({ value }) => value === 2)).toBe(true);
    expect((await poe.setPorts(['1', '3'], true)).map(({ code }) => code)).toEqual(['done', 'done']);
  });

  it('leaves protected ports alone, however they are written', async () => {
    const { poe, agent } = rig(new FakeAgent(portsOf(4)), { protect: ['1', 3, '1.4'] });
    const outcomes = await poe.setPorts(['1', '1.1', '3', '4', '2'], false);
    expect(outcomes.map(({ code }) => code)).toEqual(['left-alone', 'left-alone', 'left-alone', 'left-alone', 'done']);
    expect(written(agent)).toEqual(['1.2']);
  });

  it('writes a port once that is named twice, and answers for both names', async () => {
    const { poe, agent } = rig(new FakeAgent(portsOf(2)));
    const outcomes = await poe.setPorts(['2', '1.2'], false);
    expect(outcomes).toEqual([
      { port: '2', code: 'done' },
      { port: '1.2', code: 'done' },
    ]);
    expect(written(agent)).toEqual(['1.2']);
  });

  it('tells groups apart', async () => {
    const { poe, agent } = rig(new FakeAgent(['1.1', '2.1']), { group: 2 });
    expect(await poe.setPorts(['1'], false)).toEqual([{ port: '1', code: 'done' }]);
    expect(written(agent)).toEqual(['2.1']);
    await poe.setPorts(['1.1'], false);
    expect(written(agent)).toEqual(['2.1', '1.1']);
  });

  it.each(['', 'x', '1.2.3', '-1', '7 ', 'uplink'])('refuses %j, which is no port', async (port) => {
    const { poe, agent } = rig(new FakeAgent(portsOf(2)));
    expect(await poe.setPorts([port], false)).toMatchObject([{ port, code: 'refused' }]);
    expect([agent.gets, agent.sets.length]).toEqual([0, 0]);
  });

  it('refuses a port the switch does not have, and says how groups are written', async () => {
    const { poe, agent } = rig(new FakeAgent(portsOf(2)));
    const [outcome] = await poe.setPorts(['9'], false);
    expect(outcome).toMatchObject({ code: 'refused', detail: expect.stringContaining('group.port') });
    expect(agent.sets).toEqual([]);
  });

  it('waits for a state that follows slowly, but no longer than the settling time', async () => {
    const slow = rig(new FakeAgent(portsOf(2)));
    slow.agent.sluggish = 4;
    expect(await slow.poe.setPorts(['1'], false)).toEqual([{ port: '1', code: 'done' }]);
    expect(slow.wire.sleptMs()).toBeGreaterThan(0);
    const never = rig(new FakeAgent(portsOf(2)));
    never.agent.sluggish = 1000;
    const [outcome] = await never.poe.setPorts(['1'], false);
    expect(outcome).toMatchObject({ code: 'disobeyed', detail: 'told to be off, port 1 is off and delivering' });
    expect(never.wire.sleptMs()).toBe(3000);
  });

  it('says disobeyed when the switch says yes and does nothing', async () => {
    const { poe, agent } = rig(new FakeAgent(portsOf(3)));
    agent.ignores.add('1.2');
    const outcomes = await poe.setPorts(['1', '2', '3'], false);
    expect(outcomes.map(({ code }) => code)).toEqual(['done', 'disobeyed', 'done']);
    expect(outcomes[1]?.detail).toContain('port 2 is on and delivering');
  });

  it('goes by the admin state where the switch tells no other', async () => {
    const { poe, agent } = rig(new FakeAgent(portsOf(2)));
    agent.values.delete(stateOf('1.1'));
    agent.put(stateOf('1.2'), 7);
    agent.sluggish = 1000;
    expect((await poe.setPorts(['1', '2'], false)).map(({ code }) => code)).toEqual(['done', 'done']);
  });

  it('switches on without waiting for a device to be found', async () => {
    const { poe, agent } = rig(new FakeAgent(portsOf(1)));
    await poe.setPorts(['1'], false);
    expect(await poe.setPorts(['1'], true)).toEqual([{ port: '1', code: 'done' }]);
    expect(agent.values.get(stateOf('1.1'))?.value).toBe(2);
  });

  it('says so when a port that is on is denied power, and waits for power where the switch counts that', async () => {
    const denied = (port: string) => `1.3.6.1.2.1.105.1.1.1.12.${port}`;
    const { poe, agent, wire } = rig(new FakeAgent(portsOf(4)));
    for (const port of portsOf(4)) agent.put(denied(port), 7, AsnType.counter32);
    await poe.setPorts(['1', '2', '3', '4'], false);
    const get = agent.get.bind(agent);
    let looks = 0;
    agent.get = async (oids) => {
      looks += 1;
      // After a first look at ports that search, one is refused, one is fed, one was refused earlier, one has no device.
      if (looks === 4) {
        agent.put(denied('1.1'), 8, AsnType.counter32);
        agent.put(stateOf('1.2'), 3);
        agent.put(stateOf('1.3'), 3);
      }
      return get(oids);
    };
    const sleptMs = wire.sleptMs();
    expect(await poe.setPorts(['1', '2', '3', '4'], true)).toEqual([
      { port: '1', code: 'disobeyed', detail: 'port 1 is on, but denied power: its switch has too little of it left' },
      { port: '2', code: 'done' },
      { port: '3', code: 'done' },
      { port: '4', code: 'done', detail: 'port 4 is on and still looks for a device' },
    ]);
    expect(wire.sleptMs() - sleptMs).toBeLessThanOrEqual(3500);
    // What was refused before it was switched on does not count.
    await poe.setPorts(['1'], false);
    expect((await poe.setPorts(['1'], true))[0]).toMatchObject({
      code: 'done',
      detail: expect.stringMatching(/still looks/),
    });
  });

  it('writes no more than 24 ports at once, and fewer when that is too big', async () => {
    const { poe, agent } = rig(new FakeAgent(portsOf(48)));
    const all = portsOf(48).map((port) => port.slice(2));
    expect((await poe.setPorts(all, false)).every(({ code }) => code === 'done')).toBe(true);
    expect(agent.sets.map(({ length }) => length)).toEqual([24, 24]);
    agent.most = 7;
    agent.sets.length = 0;
    expect((await poe.setPorts(all, true)).every(({ code }) => code === 'done')).toBe(true);
    expect(Math.max(...agent.sets.map(({ length }) => length))).toBeLessThanOrEqual(7);
    expect(written(agent).toSorted()).toEqual(portsOf(48).toSorted());
  });

  it('brings all others down when one port of a batch refuses', async () => {
    const { poe, agent } = rig(new FakeAgent(portsOf(6)));
    agent.refuses.set('1.3', 'inconsistentValue');
    const outcomes = await poe.setPorts(['1', '2', '3', '4', '5', '6'], false);
    expect(outcomes.map(({ code }) => code)).toEqual(['done', 'done', 'refused', 'done', 'done', 'done']);
    expect(outcomes[2]?.detail).toMatch(/inconsistentValue.*port 3 is on/);
    // 1 and 2 had been switched by the failed request and are not written again
    expect(written(agent).filter((port) => port === '1.1' || port === '1.2')).toEqual(['1.1', '1.2']);
  });

  it('does not try each port when the community may only read', async () => {
    const { poe, agent } = rig(new FakeAgent(portsOf(6)));
    for (const port of portsOf(6)) agent.refuses.set(port, 'noAccess');
    const outcomes = await poe.setPorts(['1', '2', '3'], false);
    expect(outcomes.map(({ code }) => code)).toEqual(['refused', 'refused', 'refused']);
    expect(outcomes[0]?.detail).toMatch(/may read but not write/);
    expect(agent.sets).toHaveLength(1);
  });

  it('says timeout when nothing answers, and when nothing answers any more', async () => {
    const dead = rig(new FakeAgent(portsOf(2)));
    dead.agent.silentAfter = 0;
    expect((await dead.poe.setPorts(['1', '2'], false)).map(({ code }) => code)).toEqual(['timeout', 'timeout']);
    const dying = rig(new FakeAgent(portsOf(2)));
    dying.agent.silentAfter = 2; // the look and the write
    const [outcome] = await dying.poe.setPorts(['1'], false);
    expect(outcome).toMatchObject({ code: 'timeout', detail: expect.stringContaining('not read back') });
    expect(written(dying.agent)).toEqual(['1.1']);
  });

  it('believes its eyes when the answer to the write was lost', async () => {
    const { poe, agent } = rig(new FakeAgent(portsOf(2)));
    const set = agent.set.bind(agent);
    agent.set = async (varbinds) => {
      await set(varbinds);
      throw new SnmpError('no_answer', agent.name, 'no answer to SET');
    };
    expect(await poe.setPorts(['1'], false)).toEqual([{ port: '1', code: 'done' }]);
  });

  it('settles when the caller gives up', async () => {
    const { poe, agent } = rig(new FakeAgent(portsOf(2)));
    agent.sluggish = 1_000_000;
    const abort = new AbortController();
    const set = agent.set.bind(agent);
    agent.set = async (varbinds) => {
      await set(varbinds);
      abort.abort();
    };
    const outcomes = await poe.setPorts(['1'], false, abort.signal);
    expect(outcomes.map(({ port }) => port)).toEqual(['1']);
    expect(outcomes[0]?.code).not.toBe('done');
  });

  it('uses a vendor’s own switch where RFC 3621 has no ports', async () => {
    const agent = new FakeAgent([]);
    const tpLink = '1.3.6.1.4.1.11863.6.56.1.1.2.1.1';
    agent.put(`${tpLink}.2.5`, 1);
    agent.put(`${tpLink}.11.5`, 2);
    const { poe } = rig(agent, { portWatts: 'tp-link' });
    const set = agent.set.bind(agent);
    agent.set = async (varbinds) => {
      await set(varbinds);
      agent.put(`${tpLink}.11.5`, 0);
    };
    expect(await poe.setPorts(['5'], false)).toEqual([{ port: '5', code: 'done' }]);
    expect(agent.sets).toEqual([[{ oid: `${tpLink}.2.5`, value: 0 }]]);
  });

  it('never writes a port it was not asked for, and gives each name its outcome', async () => {
    const name = fc.oneof(
      fc.integer({ min: 0, max: 12 }).map(String),
      fc.integer({ min: 1, max: 12 }).map((port) => `1.${port}`),
      fc.string({ maxLength: 4 }),
    );
    const accidents = fc.record({
      names: fc.array(name, { maxLength: 14 }),
      enabled: fc.boolean(),
      protect: fc.array(fc.integer({ min: 1, max: 10 }).map(String), { maxLength: 3 }),
      refuses: fc.array(fc.integer({ min: 1, max: 10 }), { maxLength: 3 }),
      ignores: fc.array(fc.integer({ min: 1, max: 10 }), { maxLength: 3 }),
      most: fc.integer({ min: 1, max: 30 }),
      silentAfter: fc.integer({ min: 0, max: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(accidents, async ({ names, enabled, protect, refuses, ignores, most, silentAfter }) => {
        const { poe, agent } = rig(new FakeAgent(portsOf(10)), { protect });
        for (const port of refuses) agent.refuses.set(`1.${port}`, 'wrongValue');
        for (const port of ignores) agent.ignores.add(`1.${port}`);
        agent.most = most;
        agent.silentAfter = silentAfter;
        const outcomes = await poe.setPorts(names, enabled);
        expect(outcomes.map(({ port }) => port)).toEqual(names);
        const asked = new Set(names.map(keyOf));
        for (const port of written(agent)) {
          expect(asked).toContain(port);
          expect(protect).not.toContain(port.slice(2));
        }
        const done = outcomes.filter(({ code }) => code === 'done').map(({ port }) => adminOf(keyOf(port)));
        expect(done.filter((oid) => agent.values.get(oid)?.value !== (enabled ? 1 : 2))).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});

describe('reading', () => {
  it('finds the ports once, then asks for them by name', async () => {
    const { poe, agent, wire } = rig(new FakeAgent(portsOf(24)));
    const sample = await poe.read();
    expect(sample.ports.map(({ port }) => port)).toEqual(portsOf(24).map((port) => port.slice(2)));
    expect(sample.measuredAtMs).toBe(wire.wallMs());
    expect(agent.gets).toBe(0);
    agent.put(stateOf('1.7'), 4);
    expect((await poe.read()).ports[6]).toEqual({ port: '7', enabled: true, state: 'fault' });
    expect(agent.gets).toBe(1);
  });

  it('looks anew when something is gone, and after ten minutes', async () => {
    const { poe, agent, wire } = rig(new FakeAgent(['1.1', '1.2']));
    await poe.read();
    agent.values.delete(adminOf('1.2'));
    agent.values.delete(stateOf('1.2'));
    expect((await poe.read()).ports.map(({ port }) => port)).toEqual(['1']);
    agent.put(adminOf('1.3'), 1);
    expect((await poe.read()).ports.map(({ port }) => port)).toEqual(['1']);
    await wire.sleep(600_000);
    expect((await poe.read()).ports.map(({ port }) => port)).toEqual(['1', '3']);
  });

  it('refuses an agent without PoE, and says so', async () => {
    const { poe } = rig(new FakeAgent([]));
    await expect(poe.read()).rejects.toMatchObject({ reason: 'no_poe', message: expect.stringContaining('portWatts') });
  });

  it('fails whole and recovers when the switch is silent for a while', async () => {
    const { poe, agent } = rig(new FakeAgent(portsOf(3)));
    await poe.read();
    agent.silentAfter = 0;
    await expect(poe.read()).rejects.toMatchObject({ code: 'timeout', retryable: true });
    agent.silentAfter = Number.POSITIVE_INFINITY;
    expect((await poe.read()).ports).toHaveLength(3);
  });

  it('takes the configured budget before the switch’s own', async () => {
    const { poe, agent } = rig(new FakeAgent(['1.1']), { budgetW: 95 });
    agent.put('1.3.6.1.2.1.105.1.3.1.1.2.1', 400, AsnType.gauge32);
    expect((await poe.read()).budgetW).toBe(95);
  });

  it('needs a community or keys', () => {
    expect(() => openSwitch(switchConfig(), {})).toThrow(UserError);
  });
});

describe('asking in pieces', () => {
  it('halves what is too big and stays with that', async () => {
    const agent = new FakeAgent(portsOf(48));
    agent.most = 10;
    const gets = new BatchedGet(agent);
    const oids = portsOf(48).map(adminOf);
    expect((await gets.get(oids)).map(({ oid }) => oid)).toEqual(oids);
    const before = agent.gets;
    await gets.get(oids.slice(0, 6));
    expect(agent.gets).toBe(before + 1);
  });

  it('gives up when one variable is too big', async () => {
    const agent = new FakeAgent(portsOf(2));
    agent.most = 0;
    await expect(new BatchedGet(agent).get([adminOf('1.1')])).rejects.toMatchObject({ reason: 'tooBig' });
  });

  it('refuses an answer of another length', async () => {
    const link = { name: 'x', get: async () => [] } as unknown as SnmpLink;
    await expect(new BatchedGet(link).get(['1.2', '1.3'])).rejects.toMatchObject({ reason: 'bad_answer' });
  });

  it('ends a walk at the end of the subtree, and of the MIB', async () => {
    const agent = new FakeAgent(portsOf(60));
    expect(await walk(agent, '1.3.6.1.2.1.105.1.1.1.3')).toHaveLength(60);
    expect(await walk(agent, '1.3.6.1.2.1.105.1.1.1.6')).toHaveLength(60);
    expect(await walk(agent, '1.3.6.1.2.1.105.1.1.1.99')).toEqual([]);
  });

  it('does not follow an agent that never ends', async () => {
    let row = 0;
    const getBulk = async () =>
      Array.from({ length: 25 }, (): Varbind => ({ oid: `1.3.1.${++row}`, type: AsnType.integer, value: 1 }));
    await expect(walk({ name: 'x', getBulk } as unknown as SnmpLink, '1.3.1')).rejects.toMatchObject({
      reason: 'too_many_rows',
    });
  });

  it.each([
    ['back', ['1.3.1.5', '1.3.1.4']],
    ['nowhere', ['1.3.1.5', '1.3.1.5']],
  ])('does not follow an agent that goes %s', async (_where, oids) => {
    const getBulk = async () => oids.map((oid): Varbind => ({ oid, type: AsnType.integer, value: 1 }));
    await expect(walk({ name: 'x', getBulk } as unknown as SnmpLink, '1.3.1')).rejects.toMatchObject({
      reason: 'oid_not_increasing',
    });
  });
});

describe('the decoder and garbage', () => {
  const columns = (table: Parameters<typeof vendorTable>[0]) => [
    ...vendorTable(table).before,
    ...rfc3621Columns({ budget: 1, consumption: 1 }),
    ...vendorTable(table).after,
  ];
  const tables = ['cisco', 'ciscosb', 'netgear', 'procurve', 'aruba-cx', 'mikrotik', 'tp-link', undefined] as const;
  const value = fc.oneof(
    fc.integer(),
    fc.double(),
    fc.constantFrom(0xffff_ffff, 0x7fff_ffff, -1, Number.NaN, null, undefined, true),
    fc.string(),
    fc.uint8Array({ maxLength: 9 }),
    fc.bigInt(),
  );
  const garbage = fc.constantFrom(...tables).chain((table) => {
    const roots = columns(table).map(({ oid }) => oid);
    const oid = fc.oneof(
      fc
        .tuple(fc.constantFrom(...roots), fc.array(fc.nat(60), { maxLength: 4 }))
        .map(([root, arcs]) => [root, ...arcs].join('.')),
      fc.string(),
    );
    const varbind = fc.record({
      oid,
      type: fc.oneof(fc.integer({ min: 0, max: 140 }), fc.constant(2), fc.constant(0x42)),
      value,
    });
    return fc.tuple(fc.constant(table), fc.array(varbind, { maxLength: 40 }));
  });

  it('never throws and never tells a figure that cannot be', () => {
    fc.assert(
      fc.property(garbage, ([table, varbinds]) => {
        const sample = switchSample(decode(varbinds, columns(table)), { measuredAtMs: 1, group: 1 });
        const names = sample.ports.map(({ port }) => port);
        expect(new Set(names).size).toBe(names.length);
        expect(sample.ports.filter(({ powerW = 0 }) => !(powerW >= 0 && powerW <= 200))).toEqual([]);
        expect(sample.ports.filter(({ poeClass, state }) => poeClass !== undefined && state !== 'delivering')).toEqual(
          [],
        );
        expect(sample.ports.flatMap((port) => Object.values(port))).not.toContain(undefined);
        const { budgetW = 0, drawnW = 0, reservedW = 0 } = sample;
        expect([budgetW, drawnW, reservedW].filter((watts) => !Number.isFinite(watts))).toEqual([]);
        expect(Math.min(drawnW, reservedW)).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['text', AsnType.octetString, Buffer.from('1')],
    ['an address', AsnType.oid, '1.3.6.1'],
    ['nothing', AsnType.null, null],
    ['a number that is none', AsnType.integer, Number.NaN],
    ['text that says it is a number', AsnType.integer, '1'],
  ])('knows the port but not its state when the column holds %s', (_what, type, raw) => {
    const { ports } = decode([{ oid: adminOf('1.1'), type, value: raw }], columns(undefined));
    expect(ports.get('1.1')).toEqual({ group: 1, port: 1 });
  });
});

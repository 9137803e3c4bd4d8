import { describe, expect, it } from 'vitest';
import { type Column, decode, type Reading } from '../../../services/poe/columns.ts';
import { RFC3621_SWITCHING, rfc3621Columns, switching, switchSample } from '../../../services/poe/rfc3621.ts';
import { snmpError } from '../../../services/poe/snmp-error.ts';
import { type SnmpLink, walk } from '../../../services/poe/snmp-link.ts';
import { isMissing } from '../../../services/poe/varbind.ts';
import { columnsWith, vendorTable } from '../../../services/poe/vendor-watts.ts';
import { type PoeVector, varbind, vector, vectors } from './fixtures.ts';

/** Every vector of the fixture is used below; this finds one that was added and forgotten. */
const used = new Set<string>();
const take = (id: string): PoeVector => {
  used.add(id);
  return vector(id);
};

const standard = rfc3621Columns({ budget: 1, consumption: 1 });

function columnsFor(portWatts: Parameters<typeof vendorTable>[0]): readonly Column[] {
  return columnsWith(vendorTable(portWatts), standard);
}

const read = ({ varbinds = [] }: PoeVector, columns: readonly Column[] = standard): Reading =>
  decode(varbinds.map(varbind), columns);
const sample = (reading: Reading) => switchSample(reading, { measuredAtMs: 5, group: 1 });

describe('what a walk of RFC 3621 says', () => {
  it('std-8port: states, classes and priorities of eight ports', () => {
    const { expect: want, ...given } = take('std-8port');
    const { ports, ...whole } = sample(read({ ...given, expect: want }));
    expect(whole).toEqual({
      kind: 'switch',
      measuredAtMs: 5,
      budgetW: want.budget_W,
      drawnW: want.consumption_W,
      // 30, 30, 15.4 and 15.4 for classes 4, 4, 3 and 0
      reservedW: 90.8,
      totalTrusted: true,
      headroomW: 89,
      unreservedW: 29.2,
      dropOrder: ['8', '2', '6', '1'],
    });
    const numbers = (state: string) => ports.filter((each) => each.state === state).map(({ port }) => Number(port));
    expect(numbers('delivering')).toEqual(want.delivering);
    expect(numbers('searching')).toEqual(want.searching);
    expect(numbers('fault')).toEqual([...(want.fault as number[]), ...(want.other_fault as number[])]);
    expect(ports.filter(({ enabled }) => enabled === false).map(({ port }) => Number(port))).toEqual(want.admin_off);
    const classes = ports
      .filter(({ poeClass }) => poeClass !== undefined)
      .map(({ port, poeClass }) => [port, poeClass]);
    expect(Object.fromEntries(classes)).toEqual(want.classes);
    for (const [port, priority] of Object.entries(want.priority as object))
      expect(ports.find((each) => each.port === port)?.priority).toBe(priority);
    expect(ports.reduce((sum, { deniedCount = 0 }) => sum + deniedCount, 0)).toBe(want.denied_total);
    expect(ports.every(({ powerW }) => powerW === undefined)).toBe(true);
  });

  it('zyxel-xmg1915: a switch that shows its supply and no port', () => {
    const given = take('zyxel-xmg1915');
    const { budgetW, drawnW, ports, totalTrusted } = sample(read(given));
    expect([budgetW, drawnW, totalTrusted]).toEqual([given.expect.budget_W, given.expect.consumption_W, true]);
    expect(ports).toEqual([]);
  });

  it('zyxel-consumption-stuck-zero: 0 W is a fact until a port delivers, then it is not', () => {
    const given = take('zyxel-consumption-stuck-zero');
    expect(sample(read(given))).toMatchObject({ budgetW: 180, drawnW: 0, totalTrusted: true });
    const delivering = ['1.3.6.1.2.1.105.1.1.1.6.1.4', 'INTEGER', 3] as const;
    const withPort = { ...given, varbinds: [...(given.varbinds ?? []), delivering] };
    const untrusted = sample(read(withPort));
    expect(untrusted.totalTrusted).toBe(false);
    expect(untrusted).not.toHaveProperty('drawnW');
    const watts = ['1.3.6.1.4.1.4526.10.15.1.1.1.2.1.4', 'Gauge32', 6400] as const;
    const summed = sample(read({ ...withPort, varbinds: [...withPort.varbinds, watts] }, columnsFor('netgear')));
    expect(summed).toMatchObject({ drawnW: 6.4, totalTrusted: false });
  });

  it.each(['hp-budget-in-milliwatts', 'aoscx-half-watts'])('%s: scales are told, never guessed', (id) => {
    const given = take(id);
    const { budget_scale: budget = 1, consumption_scale: consumption = 1 } = given.profile ?? {};
    const scaled = sample(read(given, rfc3621Columns({ budget, consumption })));
    expect([scaled.budgetW, scaled.drawnW]).toEqual([given.expect.budget_W, given.expect.consumption_W]);
  });

  it('hp-budget-in-milliwatts: without its scale the figures are unknown, not enormous', () => {
    const unscaled = sample(read(vector('hp-budget-in-milliwatts')));
    expect(unscaled).not.toHaveProperty('budgetW');
    expect(unscaled.drawnW).toBe(56_000);
  });

  it('stack-two-groups: 1.1 and 2.1 are different ports, and budgets of two supplies are not one', () => {
    const given = take('stack-two-groups');
    const reading = read(given);
    expect([...reading.ports.keys()]).toEqual(['1.1', '2.1']);
    for (const [group, want] of Object.entries(given.expect.groups as Record<string, Record<string, number>>))
      expect(reading.groups.get(Number(group))).toEqual({
        group: Number(group),
        budgetW: want.budget_W,
        drawnW: want.consumption_W,
      });
    const whole = sample(reading);
    expect(whole.ports.map(({ port }) => port)).toEqual(['1', '2.1']);
    expect(whole.drawnW).toBe(180 + 92);
    // 220 W are left in group 1 and 278 W in group 2: nobody can have more than 220
    expect((whole.budgetW ?? 0) - (whole.drawnW ?? 0)).toBe(220);
    expect(switchSample(reading, { measuredAtMs: 5, group: 2 }).ports.map(({ port }) => port)).toEqual(['1.1', '1']);
  });

  it('sparse-ports: numbers come from the index', () => {
    const given = take('sparse-ports');
    expect([...read(given).ports.keys()]).toEqual(given.expect.ports);
    expect(sample(read(given)).ports.map(({ port }) => port)).toEqual(['1', '2', '17', '48']);
  });

  it('get-noSuchInstance, get-noSuchObject, end-of-mib: what is missing is missing, not off and not 0', () => {
    const instance = take('get-noSuchInstance');
    const reading = read(instance);
    expect(reading.missing).toEqual(instance.varbinds?.map(([oid]) => oid));
    expect(reading.ports.size).toBe(0);
    const object = sample(read(take('get-noSuchObject')));
    expect(object).not.toHaveProperty('drawnW');
    const end = take('end-of-mib');
    expect(end.varbinds?.map(varbind).map(isMissing)).toEqual([end.expect.end]);
    expect(read(end).groups.size).toBe(0);
  });

  it('truthvalue-0, detection-7: illegal values are unknown', () => {
    const [truth] = sample(read(take('truthvalue-0'))).ports;
    expect(truth).toEqual({ port: '1', state: 'unknown' });
    const detection = take('detection-7');
    expect(sample(read(detection)).ports[0]?.state).toBe(detection.expect.state);
  });

  it('wrong-extra-arc: an OID with one arc too many is no column', () => {
    const { oid = '' } = take('wrong-extra-arc');
    const reading = read({ id: '', varbinds: [[oid, 'INTEGER', 1]], expect: {} });
    expect([reading.ports.size, reading.groups.size]).toEqual([0, 0]);
  });

  it('on-off-trap, usage-trap: their variables read like those of an answer', () => {
    const onOff = read({ id: '', varbinds: take('on-off-trap').trap?.varbinds ?? [], expect: {} });
    expect(onOff.ports.get('1.7')?.state).toBe('searching');
    const usage = take('usage-trap');
    const reading = read({ id: '', varbinds: usage.trap?.varbinds ?? [], expect: {} });
    expect(reading.groups.get(1)?.drawnW).toBe(usage.expect.consumption_W);
  });
});

it.each([1, 0.001, 1e-6])('takes all ones for no figure, whatever the scale: %d', (scale) => {
  const columns = rfc3621Columns({ budget: scale, consumption: scale });
  const main = '1.3.6.1.2.1.105.1.3.1.1';
  const varbinds = [2, 4].map((column) => varbind([`${main}.${column}.1`, 'Gauge32', 0xffff_ffff]));
  expect(decode(varbinds, columns).groups.get(1)).toEqual({ group: 1 });
});

describe('what vendor tables add', () => {
  const figuresOf = (reading: Reading, key: string) => {
    const { powerW, currentA, voltageV } = reading.ports.get(key) ?? {};
    return { power_W: powerW, current_A: currentA, voltage_V: voltageV };
  };

  it.each([
    ['netgear-m4300-like', 'netgear', '1.3'],
    ['ciscosb', 'ciscosb', '1.52'],
    ['hp-procurve', 'procurve', '1.7'],
  ] as const)('%s: watts, amperes and volts', (id, table, key) => {
    const given = take(id);
    expect(given.expect[key]).toMatchObject(figuresOf(read(given, columnsFor(table)), key));
  });

  it('cisco-ext: watts besides the classes of RFC 3621', () => {
    const given = take('cisco-ext');
    const reading = read(given, columnsFor('cisco'));
    for (const key of ['1.1', '1.2']) {
      const { powerW, poeClass } = reading.ports.get(key) ?? {};
      expect(given.expect[key]).toMatchObject({ power_W: powerW, class: poeClass });
    }
  });

  it('mikrotik-hex-poe: ports by their own index, the total from the ports', () => {
    const given = take('mikrotik-hex-poe');
    const reading = read(given, columnsFor('mikrotik'));
    for (const port of ['3', '4']) {
      const { powerW, currentA } = reading.ports.get(`1.${port}`) ?? {};
      expect({ power_W: powerW, current_A: currentA }).toEqual(given.expect[port]);
    }
    const whole = sample(reading);
    expect(whole.drawnW).toBe(given.expect.total_W);
    expect(whole).not.toHaveProperty('budgetW');
  });

  it('tplink-jetstream: its own words for on, priority and state', () => {
    const given = take('tplink-jetstream');
    const whole = sample(read(given, columnsFor('tp-link')));
    expect([whole.budgetW, whole.drawnW]).toEqual([given.expect.budget_W, given.expect.consumption_W]);
    const [port] = whole.ports;
    expect(given.expect['5']).toEqual({
      admin: port?.enabled ? 'on' : 'off',
      priority: port?.priority,
      power_W: port?.powerW,
      current_A: port?.currentA,
      voltage_V: port?.voltageV,
      class: port?.poeClass,
      state: port?.state,
    });
    expect(port?.port).toBe('5');
  });

  it('class-bt: classes above 4, which RFC 3621 cannot tell', () => {
    const given = take('class-bt');
    const reading = read(given, columnsFor('aruba-cx'));
    expect(given.expect['1.4']).toEqual({ class: reading.ports.get('1.4')?.poeClass });
  });

  it('reads any column that is given by its OID', () => {
    const varbinds = [varbind(['1.3.6.1.4.1.54367.1.2.2.4.4.1.3.7', 'Gauge32', 4100])];
    const columns = columnsFor({ oid: '1.3.6.1.4.1.54367.1.2.2.4.4.1.3', scale: 0.001, index: 'port' });
    expect(decode(varbinds, columns, 2).ports.get('2.7')).toMatchObject({ powerW: 4.1 });
  });
});

describe('writes and their answers', () => {
  it.each(['set-off-request', 'set-on-request'])('%s', (id) => {
    const { call, expect: want } = take(id);
    if (call === undefined) throw new Error('no call');
    const asked = switching(RFC3621_SWITCHING, call.group, call.port, call.enable);
    expect([asked]).toEqual((want.varbinds as [string, string, number][]).map(varbind));
  });

  it.each([
    'set-reply-wrongValue',
    'set-reply-noAccess',
    'set-reply-notWritable',
    'set-v1-noSuchName',
    'set-multi-partial',
  ])('%s', (id) => {
    const { reply, expect: want } = take(id);
    if (typeof reply !== 'object') throw new Error('no reply');
    // the library's own error
    const raised = {
      name: 'RequestFailedError',
      status: reply.error_status,
      message: 'X: 1.3.6.1.2.1.105.1.1.1.3.1.7',
    };
    const error = snmpError(raised, 'switch sw1', 'SET');
    expect(error.reason).toBe(want.error ?? 'wrongValue');
    expect(error.oid).toBe('1.3.6.1.2.1.105.1.1.1.3.1.7');
    expect(error.retryable).toBe(false);
    if (want.hint !== undefined) expect(error.message).toMatch(/may read but not write/);
  });

  it('wrong-community: silence, and a hint that it may be the community', () => {
    const { expect: want } = take('wrong-community');
    const error = snmpError({ name: 'RequestTimedOutError' }, 'switch sw1', 'GET');
    expect(error.code).toBe(want.error);
    expect(error.message).toMatch(/wrong community/);
    expect(error.retryable).toBe(true);
  });

  it('oid-not-increasing: the walk ends with an error', async () => {
    const { replies = [], expect: want } = take('oid-not-increasing');
    const link = {
      name: 'switch sw1',
      getBulk: async () => replies.map(varbind),
    } as unknown as SnmpLink;
    await expect(walk(link, '1.3.6.1.2.1.105.1.1.1.3')).rejects.toMatchObject({ reason: want.error });
  });
});

it('no vector is left out', () => {
  expect(vectors.filter(({ id }) => !used.has(id)).map(({ id }) => id)).toEqual([]);
});

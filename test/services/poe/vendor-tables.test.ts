import { describe, expect, it } from 'vitest';
import { decode } from '../../../services/poe/columns.ts';
import { rfc3621Columns, switchSample } from '../../../services/poe/rfc3621.ts';
import { snmpSwitch } from '../../../services/poe/snmp-switch.ts';
import { columnsWith, vendorTable } from '../../../services/poe/vendor-watts.ts';
import { configOf, sound } from '../config/sound-config.ts';
import { FakeAgent, sleepingClock } from './fake-agent.ts';
import { type RecordedVarbind, switchConfig, varbind } from './fixtures.ts';

/** The OIDs are those of protocols/poe-snmp.md §2; figures are made up. */

const RFC = '1.3.6.1.2.1.105.1';
const HUAWEI = '1.3.6.1.4.1.2011.5.25.195';
const number = (oid: string, value: number): RecordedVarbind => [oid, 'Gauge32', value];

function sampleOf(portWatts: Parameters<typeof vendorTable>[0], rows: readonly RecordedVarbind[]) {
  const columns = columnsWith(vendorTable(portWatts), rfc3621Columns({ budget: 1, consumption: 1 }));
  return switchSample(decode(rows.map(varbind), columns), { measuredAtMs: 5, group: 1 });
}

/** Port 3 of group 1 as RFC 3621 has it: on and delivering, with a supply of 370 W. */
const standard = [number(`${RFC}.1.1.3.1.3`, 1), number(`${RFC}.1.1.6.1.3`, 3), number(`${RFC}.3.1.1.2.1`, 370)];

describe('watts of a port beside RFC 3621', () => {
  it.each([
    ['dell-n', '1.3.6.1.4.1.674.10895.5000.2.6132.1.1.15.1.1.1.2.1.3'],
    ['extreme', '1.3.6.1.4.1.1916.1.27.2.1.1.6.1.3'],
    ['intellinet', '1.3.6.1.4.1.54367.1.2.2.4.4.1.3.3'],
    ['netgear-old', '1.3.6.1.4.1.4526.1.9.15.1.1.1.2.1.3'],
    ['netgear-smart', '1.3.6.1.4.1.4526.11.15.1.1.1.2.1.3'],
  ] as const)('%s', (name, oid) => {
    const { ports, drawnW, budgetW } = sampleOf(name, [...standard, number(oid, 6400)]);
    expect(ports).toEqual([{ port: '3', state: 'delivering', enabled: true, powerW: 6.4 }]);
    expect([drawnW, budgetW]).toEqual([6.4, 370]);
    expect(sampleOf(name, [...standard, number(oid, 0xffff_ffff)]).ports[0]).not.toHaveProperty('powerW');
  });

  it('zyxel: only with the factor that somebody looked up', () => {
    const rows = [...standard, number('1.3.6.1.4.1.890.1.15.3.59.2.1.1.1.3', 64)];
    expect(sampleOf({ table: 'zyxel', scale: 0.1 }, rows).ports[0]?.powerW).toBe(6.4);
    const withWatts = (portWatts: unknown) => ({
      ...sound(),
      switches: [...sound().switches.slice(1), { ...sound().switches[0], portWatts }],
    });
    expect(configOf(withWatts({ table: 'zyxel', scale: 0.001 })).switches).toHaveLength(2);
    for (const wrong of ['zyxel', { table: 'zyxel' }, { table: 'cisco', scale: 1 }])
      expect(() => configOf(withWatts(wrong))).toThrow(/portWatts/);
  });
});

describe('what a supply tells', () => {
  it('extreme: the measured watts of a slot', () => {
    const rows = [...standard, number('1.3.6.1.4.1.1916.1.27.1.2.1.14.1', 81_250)];
    expect(sampleOf('extreme', rows)).toMatchObject({ drawnW: 81.25, budgetW: 370 });
  });

  it('cisco: what it calls used is promised, and the rest is left to promise', () => {
    const used = [number('1.3.6.1.4.1.9.9.402.1.3.1.4.1', 51_600), number('1.3.6.1.4.1.9.9.402.1.3.1.5.1', 318_400)];
    const measured = number(`${RFC}.3.1.1.4.1`, 22);
    const whole = { drawnW: 22, reservedW: 51.6, budgetW: 370, unreservedW: 318.4, headroomW: 348 };
    expect(sampleOf('cisco', [...standard, measured, ...used])).toMatchObject(whole);
    // Without the budget of RFC 3621 it is what is promised and what remains.
    expect(sampleOf('cisco', [...standard.slice(0, 2), measured, ...used])).toMatchObject(whole);
    // One supply of two that does not tell: then the classes count.
    const second = number(`${RFC}.3.1.1.2.2`, 370);
    expect(sampleOf('cisco', [...standard, second, measured, ...used]).reservedW).toBe(15.4);
  });

  it('ciscosb: its guard band, and whether it admits by class', () => {
    const unit = (mode: number) =>
      sampleOf('ciscosb', [
        ...standard,
        number('1.3.6.1.4.1.9.6.1.101.108.2.1.5.1', 20),
        number('1.3.6.1.4.1.9.6.1.101.108.2.1.6.1', mode),
        number(`${RFC}.3.1.1.4.1`, 100),
      ]);
    expect(unit(5)).toMatchObject({ guardW: 20, admission: 'static', headroomW: 250 });
    for (const mode of [0, 6, 9]) expect(unit(mode)).not.toHaveProperty('admission');
  });
});

describe('a table that stands alone', () => {
  const rows = [
    // RFC 3621 numbers ports, Huawei interfaces: 3 is not the same port in both.
    ...standard,
    number(`${RFC}.3.1.1.4.1`, 99),
    number(`${HUAWEI}.3.1.3.3`, 1),
    number(`${HUAWEI}.3.1.10.3`, 6400),
    number(`${HUAWEI}.3.1.3.4`, 1),
    number(`${HUAWEI}.3.1.10.4`, 0),
    number(`${HUAWEI}.3.1.3.5`, 2),
    number(`${HUAWEI}.3.1.10.5`, 0),
    number(`${HUAWEI}.2.1.5.0`, 6400),
  ];

  it('huawei: ports by interface, and no port of RFC 3621', () => {
    const sample = sampleOf(
      'huawei',
      rows.filter(([oid]) => !oid.startsWith(`${RFC}.1.1`)),
    );
    expect(sampleOf('huawei', rows)).toEqual(sample);
    expect(sample).toMatchObject({ drawnW: 6.4, budgetW: 370 });
    expect(sample.ports).toEqual([
      { port: '3', state: 'delivering', enabled: true, powerW: 6.4 },
      { port: '4', state: 'searching', enabled: true, powerW: 0 },
      { port: '5', state: 'disabled', enabled: false, powerW: 0 },
    ]);
  });

  it('huawei: is switched by its own column alone, and off when it gives no watts', async () => {
    const agent = new FakeAgent(['1.3']);
    agent.put(`${HUAWEI}.3.1.3.3`, 1);
    agent.put(`${HUAWEI}.3.1.10.3`, 6400);
    const wire = sleepingClock();
    const config = switchConfig({ settle: '2s', portWatts: 'huawei' });
    const poe = snmpSwitch(config, {}, { link: agent, wire, clock: wire });
    expect(await poe.setPorts(['3'], false)).toMatchObject([{ code: 'disobeyed' }]);
    expect(agent.sets).toEqual([[expect.objectContaining({ oid: `${HUAWEI}.3.1.3.3`, value: 2 })]]);
    agent.put(`${HUAWEI}.3.1.10.3`, 0);
    expect(await poe.setPorts(['3'], false)).toEqual([{ port: '3', code: 'already' }]);
  });

  it('netonix: a word for each port, and what all draw', async () => {
    const netonix = '1.3.6.1.4.1.46242';
    const word = (port: number, text: string): RecordedVarbind => [`${netonix}.5.1.2.${port}`, 'OCTET STRING', text];
    const words = ['Off', '24V', '48VH', '', 'soon', 'x'.repeat(500)].map((text, at) => word(at + 1, text));
    const { ports, drawnW } = sampleOf('netonix', [...words, number(`${netonix}.6.0`, 153)]);
    expect(ports).toEqual([
      { port: '1', state: 'unknown', enabled: false },
      { port: '2', state: 'unknown', enabled: true },
      { port: '3', state: 'unknown', enabled: true },
      ...['4', '5', '6'].map((port) => ({ port, state: 'unknown' })),
    ]);
    expect(drawnW).toBe(15.3);
    const agent = new FakeAgent([]);
    agent.put(`${netonix}.5.1.2.2`, Buffer.from('24V'), 4);
    const poe = snmpSwitch(switchConfig({ portWatts: 'netonix' }), {}, { link: agent, wire: sleepingClock() });
    expect(await poe.setPorts(['2'], false)).toMatchObject([{ code: 'refused' }]);
    expect(agent.sets).toEqual([]);
  });
});

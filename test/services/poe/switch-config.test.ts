import { describe, expect, it } from 'vitest';
import { explain } from '../../../services/config/explain.ts';
import { inspect } from '../../../services/config/inspect.ts';
import { configSchema } from '../../../services/config/schema.ts';

function problems(raw: unknown) {
  const { success, data, error } = configSchema.safeParse(raw);
  return success ? inspect(data) : explain(error, raw);
}

const mikrotik = { id: 'sw1', driver: 'mikrotik', url: 'https://10.0.0.2', user: 'holdover', password: { env: 'P' } };

describe('a switch in the configuration', () => {
  it('takes an SNMP switch as before', () => {
    const snmp = { id: 'sw1', driver: 'snmp', host: '10.0.0.2', community: { env: 'C' }, protect: [1, '24'] };
    expect(configSchema.parse({ switches: [snmp] }).switches[0]).toEqual({
      ...snmp,
      port: 161,
      group: 1,
      budgetScale: 1,
      consumptionScale: 1,
      settle: 10,
      every: 2,
      protect: ['1', '24'],
    });
  });

  it.each([
    ['an unknown driver', { driver: 'mikrotic' }, { path: 'switches[0].driver', tryThis: 'mikrotik' }],
    ['no driver', { driver: undefined }, { path: 'switches[0].driver', message: expect.stringContaining('snmp') }],
    ['a misspelt key', { usr: 'x' }, { path: 'switches[0].usr', tryThis: 'user' }],
    ['another driver’s key', { community: { env: 'C' } }, { path: 'switches[0].community' }],
    ['a path in the address', { url: 'https://10.0.0.2/rest' }, { path: 'switches[0].url' }],
    ['a wrong fingerprint', { tls: { fingerprint: '12' } }, { path: 'switches[0].tls.fingerprint' }],
  ])('explains %s', (_, more, problem) => {
    expect(problems({ switches: [{ ...mikrotik, ...more }] })).toContainEqual(expect.objectContaining(problem));
  });

  it.each([
    ['a shell line instead of an argument list', { on: { command: ['poe on'] } }, 'switches[0].on.command'],
    [
      'a pattern that is none',
      { status: { command: ['/bin/x'], read: { text: { on: '(', off: 'x' } } } },
      'switches[0].status.read.text.on',
    ],
    ['a port that is an option', { ports: ['-rf'] }, 'switches[0].ports[0]'],
    ['a secret that was written down', { env: { KEY: 'hunter2' } }, 'switches[0].env.KEY'],
  ])('explains %s', (_, more, path) => {
    const command = { command: ['/bin/true', '{port}'] };
    const status = { ...command, read: { json: { enabled: 'on' } } };
    const exec = { id: 'sw1', driver: 'exec', ports: [1], status, on: command, off: command };
    expect(problems({ switches: [exec] })).toEqual([]);
    const found = problems({ switches: [{ ...exec, ...more }] });
    expect(found).toContainEqual(expect.objectContaining({ path }));
    expect(JSON.stringify(found)).not.toContain('hunter2');
  });

  it('wants user and password together, and warns of passwords in the clear', () => {
    const path = { path: '/p/{port}' };
    const status = { ...path, read: { json: { enabled: 'on' } } };
    const http = { id: 'sw1', driver: 'http', url: 'https://10.0.0.2', ports: [1], status, on: path, off: path };
    expect(problems({ switches: [http] })).toEqual([]);
    expect(problems({ switches: [{ ...http, user: 'x' }] })).toMatchObject([{ severity: 'error' }]);
    expect(problems({ switches: [{ ...http, url: 'http://10.0.0.2' }] })).toEqual([]);
    const clear = { ...http, url: 'http://10.0.0.2', token: { env: 'T' } };
    expect(problems({ switches: [clear] })).toMatchObject([{ severity: 'warning' }]);
  });

  it('says that ports behind the official UniFi interface are not cut', () => {
    const sw = {
      id: 'sw1',
      driver: 'unifi-api',
      url: 'https://10.0.0.1',
      key: { env: 'K' },
      device: '00:00:5e:00:53:10',
    };
    expect(problems({ switches: [sw] })).toEqual([]);
    expect(problems({ switches: [sw], hosts: [{ id: 'n1', poe: 'sw1/1' }] })).toContainEqual(
      expect.objectContaining({ severity: 'warning', path: 'switches[0].driver', tryThis: 'driver: unifi' }),
    );
    expect(problems({ switches: [{ ...sw, url: 'http://10.0.0.1' }] })).toMatchObject([{ severity: 'warning' }]);
  });

  it('never repeats a password that was written down', () => {
    const found = problems({ switches: [{ ...mikrotik, password: 'hunter2' }] });
    expect(found).toMatchObject([{ path: 'switches[0].password' }]);
    expect(JSON.stringify(found)).not.toContain('hunter2');
  });

  it('lets ports have names where the switch names them', () => {
    const host = (poe: string) => ({ id: 'n1', poe, halt: undefined });
    const snmp = { id: 'sw2', driver: 'snmp', host: '10.0.0.3', community: { env: 'C' } };
    expect(problems({ switches: [mikrotik], hosts: [host('sw1/ether5')] })).toEqual([]);
    expect(problems({ switches: [snmp], hosts: [host('sw2/ether5')] })).toMatchObject([{ path: 'hosts[0].poe' }]);
    expect(problems({ switches: [mikrotik], hosts: [host('sw1/../5')] })).toMatchObject([{ path: 'hosts[0].poe' }]);
  });

  it('knows port 07 for port 7, however it is written', () => {
    const exec = {
      id: 'sw1',
      driver: 'exec',
      ports: ['07', 'lan3'],
      status: { command: ['/bin/poe'], read: { json: { enabled: '{port}' } } },
      on: { command: ['/bin/on', '{port}'] },
      off: { command: ['/bin/off', '{port}'] },
    };
    const serial = { id: 'sw2', driver: 'poe-serial', via: { serial: '/dev/ttyS1' }, switching: true };
    const i2c = { id: 'sw3', driver: 'i2c', i2c: '/dev/i2c-1', chip: 'tps23861', addresses: [0x20], switching: true };
    const all = [exec, { ...serial, ports: { '07': 3 } }, { ...i2c, ports: { '07': [1] } }];
    const hosts = all.map(({ id }) => ({
      id: `n-${id}`,
      poe: `${id}/007`,
      halt: { ssh: { user: 'o', key: { env: 'K' }, hostKey: 'SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' } },
    }));
    const switches = all.map((each) => ({ ...each, protect: ['7'] }));
    expect(problems({ switches, hosts }).filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(problems({ switches: [{ ...serial, ports: { '07': 3, 7: 4 } }] })).toMatchObject([
      { path: expect.stringContaining('switches[0].ports'), message: expect.stringContaining('twice') },
    ]);
    expect(problems({ switches: [{ ...exec, ports: ['7', '07'] }] })).toMatchObject([
      { path: 'switches[0].ports', message: 'port 7 is there twice' },
    ]);
  });

  it('says which port a switch does not have', () => {
    const modbus = {
      id: 'sw1',
      driver: 'modbus',
      host: '10.0.0.2:502',
      ports: 8,
      protect: ['9'],
      map: { enabled: { base: 0 } },
    };
    expect(problems({ switches: [modbus], hosts: [{ id: 'n1', poe: 'sw1/12' }] })).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ path: 'switches[0].protect[0]', message: 'sw1 has no port 9' }),
        expect.objectContaining({
          path: 'hosts[0].poe',
          message: 'sw1 has no port 12',
          tryThis: 'one of 1, 2, 3, 4, 5, 6, 7, 8',
        }),
      ]),
    );
  });
});

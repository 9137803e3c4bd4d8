import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { controlledSwitch, controlSample } from '../../../services/poe/port-control.ts';
import { unifiControl } from '../../../services/poe/unifi.ts';
import { decodeUnifiDevice, parseFaithfully } from '../../../services/poe/unifi-device.ts';
import { NO_ENTRY, NO_MODE, portOverrides, readAsSet } from '../../../services/poe/unifi-overrides.ts';
import { unifiFailure } from '../../../services/poe/unifi-session.ts';
import { sleepingClock } from './fake-agent.ts';
import { type Asked, configOf, type FakeDevice, fakeDevice, type Said, type Vector, vectorsOf } from './fake-device.ts';

type Row = Record<string, unknown>;
const PASSWORD = 'hunter2-correct';
const MAC = '00:00:5e:00:53:10';
const { take, ids, taken } = vectorsOf('poe-unifi');
const deviceOf = ({ input }: Vector): Row => (input as { data: Row[] }).data[0] ?? {};
const rack = (): Row => structuredClone(deviceOf(take('us16p150-device')));
const entry = (row: Row) =>
  decodeUnifiDevice({ port_table: [{ port_idx: 1, port_poe: true, is_uplink: false, ...row }] });

describe('what a controller says of a switch', () => {
  it('us16p150-device: the table is the truth', () => {
    const { expect: want } = take('us16p150-device');
    const sample = controlSample(decodeUnifiDevice(rack()), 5);
    expect(sample).toMatchObject({ budgetW: want.budget_W, totalTrusted: true });
    expect(sample.drawnW).toBeCloseTo(want.consumption_W as number, 6);
    expect(sample.ports).toHaveLength(want.port_count_poe as number);
    const delivering = sample.ports.filter(({ state }) => state === 'delivering');
    expect(delivering.map(({ port }) => Number(port))).toEqual(want.delivering_ports);
    expect(Object.fromEntries(delivering.map(({ port, poeClass }) => [port, poeClass]))).toEqual(want.classes);
  });

  it('us8-passthrough: no budget is not a budget of 0, and one port is PoE', () => {
    const { expect: want, ...given } = take('us8-passthrough');
    const { ports, budgetW } = decodeUnifiDevice(deviceOf({ ...given, expect: want }));
    expect(budgetW).toBeUndefined();
    expect(ports).toEqual([{ port: '8', state: 'disabled', enabled: false, voltageV: 48 }]);
  });

  it('va-cross-check, number-instead-of-string, empty-and-null', () => {
    const cross = take('va-cross-check');
    expect(entry(cross.input as Row).ports[0]?.currentA).toBe(cross.expect.current_A);
    const number = take('number-instead-of-string').expect;
    expect(entry(take('number-instead-of-string').input as Row).ports[0]).toMatchObject({
      powerW: number.watts,
      voltageV: number.volts,
      currentA: number.amps,
    });
    const empty = entry(take('empty-and-null').input as Row);
    expect(empty.ports).toEqual([{ port: '1', state: 'delivering' }]);
    expect(controlSample(empty, 5)).not.toHaveProperty('drawnW');
  });

  it('uplink-guard, nonpoe-guard, unknown-poe-mode: what must not be switched', () => {
    const { refusals, ports } = decodeUnifiDevice(rack());
    expect(refusals?.get('1')).toBe(take('uplink-guard').expect.refused);
    take('nonpoe-guard');
    expect(ports.some(({ port }) => port === '17')).toBe(false);
    expect(refusals?.has('8')).toBe(false);
    const { input } = take('unknown-poe-mode');
    expect(entry(input as Row).refusals?.get('1')).toContain('pasv24');
    const told = { names: {}, modes: { 1: 'pasv24' } };
    const row = { port_idx: 1, port_poe: true, is_uplink: false, poe_enable: true, ...(input as Row) };
    expect(decodeUnifiDevice({ port_table: [row] }, told).refusals?.size).toBe(0);
    expect(decodeUnifiDevice({ port_table: [{ port_idx: 1, port_poe: true, poe_mode: 'auto' }] }).refusals?.size).toBe(
      1,
    );
    expect(
      decodeUnifiDevice({ port_table: [{ ...row, name: 'x' }] }, { ...told, names: { 1: 'y' } }).refusals?.size,
    ).toBe(1);
  });

  it('accepted is not off: without a word on power nothing is known, and watts are power', () => {
    const off = { poe_mode: 'off', poe_power: '0.00' };
    expect(entry(off).ports[0]).toEqual({ port: '1', state: 'unknown', powerW: 0 });
    expect(entry(off).refusals?.get('1')).toBe('port 1: not told whether it has power');
    expect(entry({ poe_mode: 'auto' }).ports[0]).toEqual({ port: '1', state: 'unknown' });
    expect(entry({ ...off, poe_enable: false }).ports[0]).toMatchObject({ state: 'disabled', enabled: false });
    expect(entry({ ...off, poe_enable: false }).refusals?.size).toBe(0);
    const fed = { ...off, poe_power: '3.24' };
    expect(entry({ ...fed, poe_enable: false }).ports[0]).toMatchObject({ state: 'delivering', enabled: false });
    expect(entry(fed).ports[0]).toMatchObject({ state: 'delivering', enabled: false });
  });

  it('tells how a port is set that is on, and reads that back', () => {
    const overrides = [
      { port_idx: 1, poe_mode: 'auto', portconf_id: 'p' },
      { port_idx: 2, name: 'n' },
    ];
    const row = (port: number, mode = 'auto') => ({ port_idx: port, port_poe: true, poe_mode: mode, poe_enable: true });
    const told = (more: Row) => decodeUnifiDevice(more).ports.map(({ asSet }) => asSet);
    const table = [row(1), row(2), row(3), row(4, 'off')];
    const words = told({ port_overrides: overrides, port_table: table });
    expect(words).toEqual(['mode auto', 'no mode', 'no entry', undefined]);
    expect(words.map(readAsSet)).toEqual(['auto', NO_MODE, NO_ENTRY, undefined]);
    for (const odd of ['off', 'x y', '', 'z'.repeat(33), 7, null])
      expect(told({ port_overrides: [{ port_idx: 1, poe_mode: odd }], port_table: [row(1)] })).toEqual([undefined]);
    for (const odd of ['mode off', 'mode ', 'mode x y', 'auto', '', `mode ${'z'.repeat(33)}`])
      expect(readAsSet(odd)).toBeUndefined();
  });

  it('never throws', () => {
    const keys = ['port_idx', 'port_poe', 'poe_mode', 'poe_enable', 'poe_power', 'is_uplink', 'poe_class', 'name'];
    const row = fc.dictionary(fc.constantFrom(...keys), fc.anything());
    const device = fc.record({ port_table: fc.oneof(fc.array(row), fc.anything()), port_overrides: fc.anything() });
    fc.assert(
      fc.property(fc.oneof(fc.anything(), device), (given) => {
        for (const { powerW = 0 } of decodeUnifiDevice(given).ports) expect(powerW >= 0 && powerW <= 100).toBe(true);
        portOverrides(given, new Map([[1, 'off']]));
      }),
    );
  });
});

describe('the list that is put', () => {
  const put = (device: unknown, ports: Record<string, string>) =>
    portOverrides(device, new Map(Object.entries(ports).map(([port, mode]) => [Number(port), mode])));

  it.each(['off-no-existing-override', 'off-keeps-other-keys'])('%s', (id) => {
    const { device, call, expect: want } = take(id);
    expect({ port_overrides: put(device, call?.ports as Record<string, string>) }).toEqual(want.body);
  });

  it('off-real-device: every other entry stays, in its place and to the byte', () => {
    const { call, expect: want } = take('off-real-device');
    expect(JSON.stringify(put(rack(), call?.ports as Record<string, string>))).toBe(
      JSON.stringify(want.body_port_overrides),
    );
  });

  it('keeps what it does not understand: duplicates, odd entries, long and fractional numbers', () => {
    const text =
      '[{"port_idx":2,"big":12345678901234567890,"f":1.0,"e":1e3},null,{"port_idx":3,"a":{"b":[0.10]}},{"port_idx":3}]';
    const device = parseFaithfully(`{"port_overrides":${text},"port_table":[]}`);
    expect(JSON.stringify(put(device, {}))).toBe(text);
    expect(JSON.stringify(put(device, { 3: 'off' }))).toBe(
      text
        .replaceAll('}}', '}}')
        .replace('[0.10]}}', '[0.10]},"poe_mode":"off"}')
        .replace('{"port_idx":3}]', '{"port_idx":3,"poe_mode":"off"}]'),
    );
  });
});

describe('what a failure means', () => {
  it.each([
    ['login-wrong-password-legacy', 'credentials'],
    ['session-expired', 'login_required'],
    ['no-permission', 'forbidden'],
    ['rate-limited', 'rate_limited'],
    ['rc-error-with-200', 'rejected'],
  ])('%s is %s', (id, reason) => {
    const { http } = take(id);
    const failure = unifiFailure({ status: http?.status ?? 0, text: JSON.stringify(http?.body) }, 'unifi:x', 'GET y');
    expect(failure?.reason).toBe(reason);
  });
});

/** A controller with one switch. Settings show in the table at once, unless it ignores them. */
function controller(how: { console?: boolean; ignores?: boolean; readOnly?: boolean } = {}) {
  const sw = rack();
  const table = sw.port_table as Row[];
  const root = how.console ? '/proxy/network' : '';
  let session = '';
  let logins = 0;
  const puts: { port_overrides: Row[] }[] = [];
  const error = (status: number, msg: string): Said => ({ status, body: { meta: { rc: 'error', msg }, data: [] } });
  const login = (body: string): Said => {
    logins += 1;
    if ((JSON.parse(body) as Row).password !== PASSWORD) return error(400, 'api.err.Invalid');
    session = `s${logins}`;
    return {
      headers: { 'set-cookie': `unifises=${session}; Path=/`, 'x-csrf-token': `t${logins}` },
      body: { meta: { rc: 'ok' }, data: [] },
    };
  };
  const put = ({ headers, body }: Asked): Said => {
    if (how.console && headers['x-csrf-token'] !== `t${logins}`) return { status: 403 };
    if (how.readOnly) return error(403, 'api.err.NoPermission');
    const list = JSON.parse(body) as { port_overrides: Row[] };
    puts.push(list);
    sw.port_overrides = list.port_overrides;
    // A port without a mode of its own has that of its profile.
    for (const row of how.ignores ? [] : table) {
      const { poe_mode: mode = 'auto' } = list.port_overrides.find((each) => each.port_idx === row.port_idx) ?? {};
      Object.assign(row, { poe_mode: mode, poe_enable: mode !== 'off', poe_power: mode === 'off' ? '0.00' : '3.00' });
    }
    return { body: { meta: { rc: 'ok' }, data: [] } };
  };
  const answer = (asked: Asked): Said => {
    const { method, path, headers, body } = asked;
    if (path === '/') return how.console ? { body: '<html>' } : { status: 302, headers: { location: '/manage' } };
    if (path === (how.console ? '/api/auth/login' : '/api/login')) return login(body);
    if (path.endsWith('logout')) return { body: {} };
    if (headers.cookie !== `unifises=${session}`) return error(401, 'api.err.LoginRequired');
    if (method === 'GET' && path === `${root}/api/s/default/stat/device`)
      return { body: { meta: { rc: 'ok' }, data: [{ mac: 'x' }, sw] } };
    return method === 'PUT' && path === `${root}/api/s/default/rest/device/${sw._id}` ? put(asked) : { status: 404 };
  };
  return { sw, answer, puts, logins: () => logins, expire: () => (session = 'gone') };
}

let device: FakeDevice | undefined;
afterEach(async () => {
  await device?.close();
  device = undefined;
});

async function rig(
  how: Parameters<typeof controller>[0] = {},
  more: Record<string, unknown> = {},
  password = PASSWORD,
) {
  const unifi = controller(how);
  device = await fakeDevice(unifi.answer);
  const given = {
    url: device.url,
    user: 'holdover',
    password: { env: 'X' },
    device: MAC,
    requestTimeout: '500ms',
    settle: '6s',
  };
  const config = configOf('unifi', { ...given, ...more });
  const wire = sleepingClock();
  return { ...unifi, device, poe: controlledSwitch(config, unifiControl(config, { password }), { clock: wire, wire }) };
}

describe.each([
  ['a console', true],
  ['a stand-alone controller', false],
])('%s', (_, console) => {
  it('reads with one login, and says goodbye', async () => {
    const { poe, logins, device } = await rig({ console });
    expect(await poe.read()).toMatchObject({ budgetW: 135, totalTrusted: true });
    await poe.read();
    expect(logins()).toBe(1);
    await poe.close();
    expect(device.asked.at(-1)?.path).toMatch(/logout$/);
  });

  it('cuts the asked ports in one request, and leaves every other entry as it was', async () => {
    const { poe, puts, sw } = await rig({ console }, { protect: [4] });
    const before = JSON.stringify(sw.port_overrides);
    const outcomes = await poe.setPorts(['1', '4', '8', '16', '17'], false);
    expect(outcomes.map(({ code }) => code)).toEqual(['refused', 'left-alone', 'done', 'done', 'refused']);
    expect(puts).toHaveLength(1);
    expect(puts[0]?.port_overrides).toEqual(take('off-real-device').expect.body_port_overrides);
    expect((await poe.setPorts(['8', '16'], true)).map(({ code }) => code)).toEqual(['done', 'done']);
    // Port 8 had no entry, and has none again.
    expect(JSON.stringify(sw.port_overrides)).toBe(before);
    await poe.close();
  });

  it('brings back exactly what was there, also what says nothing of PoE, and after a restart', async () => {
    const { poe, sw, device, answer } = await rig({ console });
    device.instead = answer;
    const list = sw.port_overrides as Row[];
    list.push({ port_idx: 9, name: 'nas', portconf_id: 'x' }, { port_idx: 11, name: 'cam', poe_mode: 'auto' });
    const before = JSON.stringify(sw.port_overrides);
    const cut = ['8', '9', '10'];
    expect((await poe.setPorts(cut, false)).map(({ code }) => code)).toEqual(['done', 'done', 'done']);
    expect((await poe.setPorts(cut, true)).map(({ code }) => code)).toEqual(['done', 'done', 'done']);
    expect(JSON.stringify(sw.port_overrides)).toBe(before);
    await poe.setPorts(['8', '10', '11'], false);
    await poe.close();
    const config = configOf('unifi', {
      url: device.url,
      user: 'holdover',
      password: { env: 'X' },
      device: MAC,
      settle: '6s',
    });
    const again = controlledSwitch(config, unifiControl(config, { password: PASSWORD }), { wire: sleepingClock() });
    expect((await again.setPorts(['8', '10', '11'], true)).map(({ code }) => code)).toEqual(['done', 'done', 'done']);
    expect(JSON.stringify(sw.port_overrides)).toBe(before);
    await again.close();
  });

  it('brings back exactly what was written down before a restart, whatever the entries look like by then', async () => {
    const { poe, sw, device } = await rig({ console });
    const profile = (sw.port_table as Row[]).find((row) => row.port_idx === 8)?.portconf_id;
    const list = [
      { port_idx: 8, poe_mode: 'auto', ...(profile === undefined ? {} : { portconf_id: profile }) },
      { port_idx: 9, portconf_id: 'q' },
    ];
    sw.port_overrides = list;
    const before = JSON.stringify(list);
    const cut = ['8', '9', '10'];
    const asSet = new Map((await poe.read()).ports.map(({ port, asSet: how = '' }) => [port, how]));
    await poe.setPorts(cut, false);
    await poe.close();
    const given = { url: device.url, user: 'holdover', password: { env: 'X' }, device: MAC, settle: '6s' };
    const config = configOf('unifi', given);
    const again = controlledSwitch(config, unifiControl(config, { password: PASSWORD }), { wire: sleepingClock() });
    const outcomes = await again.setPorts(cut, true, undefined, asSet);
    expect(outcomes.map(({ code }) => code)).toEqual(['done', 'done', 'done']);
    expect(JSON.stringify(sw.port_overrides)).toBe(before);
    await again.close();
  });

  it('a port that still has watts is not off, whatever was accepted', async () => {
    const { poe, device, answer } = await rig({ console });
    device.instead = (asked) => {
      const said = answer(asked);
      if (typeof said === 'string' || !asked.path.endsWith('stat/device')) return said;
      const text = JSON.stringify(said.body).replaceAll('"poe_power":"0.00"', '"poe_power":"3.24"');
      return { ...said, body: JSON.parse(text) };
    };
    expect(await poe.setPorts(['8'], false)).toMatchObject([
      { code: 'disobeyed', detail: expect.stringMatching(/off and delivering/) },
    ]);
    await poe.close();
  });

  it('remembers what was there although the answer to the first try was lost', async () => {
    const { poe, sw, device, puts } = await rig({ console });
    const before = JSON.stringify(sw.port_overrides);
    const list = sw.port_overrides as Row[];
    device.instead = ({ method }) => {
      if (method !== 'PUT') return undefined;
      device.instead = undefined;
      sw.port_overrides = [...list, { port_idx: 8, poe_mode: 'off', name: 'kept by the controller' }];
      return 'noise';
    };
    expect((await poe.setPorts(['8'], false))[0]?.code).toBe('refused');
    expect((await poe.setPorts(['8'], false))[0]?.code).toBe('done');
    expect(puts).toHaveLength(1);
    await poe.setPorts(['8'], true);
    expect(JSON.stringify(sw.port_overrides)).toBe(before);
    await poe.close();
  });

  it('leaves the overrides as they were, whatever is cut and powered again', async () => {
    const { poe, sw } = await rig({ console });
    const ports = fc.subarray(['6', '7', '8', '9', '10', '11'], { minLength: 1 });
    const entry = fc.record(
      {
        port_idx: fc.integer({ min: 6, max: 11 }),
        poe_mode: fc.constantFrom('auto', 'off'),
        name: fc.string(),
        portconf_id: fc.constantFrom('a', 'b'),
      },
      { requiredKeys: ['port_idx'] },
    );
    const entries = fc.uniqueArray(entry, { selector: ({ port_idx: port }) => port });
    await fc.assert(
      fc.asyncProperty(ports, entries, async (names, list) => {
        sw.port_overrides = list;
        for (const row of sw.port_table as Row[]) {
          const { poe_mode: mode = 'auto' } = list.find((each) => each.port_idx === row.port_idx) ?? {};
          Object.assign(row, { poe_mode: mode, poe_enable: mode !== 'off' });
        }
        const before = JSON.stringify(list);
        const cut = await poe.setPorts(names, false);
        const done = cut.filter(({ code }) => code === 'done').map(({ port }) => port);
        await poe.setPorts(done, true);
        expect(JSON.stringify(sw.port_overrides)).toBe(before);
      }),
      { numRuns: 40 },
    );
    await poe.close();
  });

  it('does not lose a port to another that is switched at the same moment', async () => {
    const { poe, sw } = await rig({ console });
    const both = await Promise.all([poe.setPorts(['8'], false), poe.setPorts(['16'], false)]);
    expect(both).toEqual([[{ port: '8', code: 'done' }], [{ port: '16', code: 'done' }]]);
    const off = (sw.port_overrides as Row[]).filter((each) => each.poe_mode === 'off').map((each) => each.port_idx);
    expect(off).toEqual([3, 16, 8]);
    await poe.close();
  });

  it('logs in again, once, when the session is over', async () => {
    const { poe, expire, logins } = await rig({ console });
    await poe.read();
    expire();
    expect(await poe.setPorts(['8'], false)).toEqual([{ port: '8', code: 'done' }]);
    expect(logins()).toBe(2);
    await poe.close();
  });

  it('does not hammer with a wrong password, nor show it', async () => {
    const { poe, logins } = await rig({ console }, {}, 'wrong-secret');
    const outcomes = [await poe.setPorts(['8'], false), await poe.setPorts(['8'], false)];
    expect(outcomes).toMatchObject([[{ code: 'refused' }], [{ code: 'refused' }]]);
    expect(JSON.stringify(outcomes)).not.toContain('wrong-secret');
    await expect(poe.read()).rejects.toMatchObject({ reason: 'credentials' });
    expect(logins()).toBe(1);
    await poe.close();
  });
});

describe('a controller that is not well', () => {
  it('calls it disobedient when it accepts and does nothing, and forbidden when the account may not write', async () => {
    const ignoring = await rig({ ignores: true });
    expect(await ignoring.poe.setPorts(['8'], false)).toMatchObject([{ code: 'disobeyed' }]);
    await ignoring.poe.close();
    await ignoring.device.close();
    const readOnly = await rig({ readOnly: true });
    expect(await readOnly.poe.setPorts(['8'], false)).toMatchObject([
      { code: 'refused', detail: expect.stringContaining('right to write') },
    ]);
    await readOnly.poe.close();
  });

  it('device-offline: figures from before the loss are no figures, and nothing is written', async () => {
    const { poe, sw, puts } = await rig();
    sw.state = deviceOf(take('device-offline')).state;
    await expect(poe.read()).rejects.toMatchObject({ reason: 'restarting', retryable: true });
    expect(await poe.setPorts(['8'], false)).toMatchObject([{ code: 'refused' }]);
    expect(puts).toEqual([]);
    await poe.close();
  });

  it('does not replace overrides it was not told', async () => {
    const { poe, sw, puts } = await rig();
    delete sw.port_overrides;
    expect(await poe.setPorts(['8'], false)).toMatchObject([{ code: 'refused' }]);
    expect(puts).toEqual([]);
    await poe.close();
  });

  it.each([
    ['silence', 'timeout', 'no_answer'],
    ['noise', 'refused', 'bad_answer'],
    [take('html-while-starting').http, 'refused', 'bad_answer'],
    [{ body: {} }, 'refused', 'bad_answer'],
    [{ body: { meta: { rc: 'ok' }, data: 'x' } }, 'refused', 'rejected'],
    [{ status: 502 }, 'refused', 'restarting'],
  ] as const)('settles on %j with %s, and goes on when it is over', async (said, code, reason) => {
    const { poe, device } = await rig();
    await poe.read();
    device.instead = () => said as Said;
    expect(await poe.setPorts(['8'], false)).toMatchObject([{ port: '8', code }]);
    await expect(poe.read()).rejects.toMatchObject({ reason });
    device.instead = undefined;
    expect((await poe.read()).ports).toHaveLength(16);
    await poe.close();
  });
});

it('every vector is used but for power cycles, which are no cut, and the official interface, which has its own test', () => {
  expect(ids.filter((id) => !taken.has(id))).toEqual([
    'power-cycle-request',
    'v1-device-details',
    'v1-power-cycle',
    'v1-page',
    'v1-page-count-lie',
  ]);
});

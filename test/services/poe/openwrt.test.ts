import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { decodeOpenwrtInfo, openwrtControl } from '../../../services/poe/openwrt.ts';
import { controlledSwitch, controlSample } from '../../../services/poe/port-control.ts';
import { sleepingClock } from './fake-agent.ts';
import { type Asked, configOf, type FakeDevice, fakeDevice, type Said, vectorsOf } from './fake-device.ts';
import { restoresExactly } from './restoring.ts';

const PASSWORD = 'hunter2-correct';
const { take } = vectorsOf('poe-mikrotik-openwrt');

describe('what poe info says', () => {
  const read = (id: string) => {
    const { input, expect: want } = take(id);
    return { sample: controlSample(decodeOpenwrtInfo(input), 5), want };
  };

  it('ubus-info-hpe1920: a consumption that is left out is 0', () => {
    const { sample, want } = read('ubus-info-hpe1920');
    expect(sample).toMatchObject({ budgetW: want.budget_W, drawnW: want.consumption_W, totalTrusted: true });
    expect(sample.ports[0]).toMatchObject({ port: 'lan1', state: 'searching', powerW: 0, enabled: true });
  });

  it.each(['ubus-info-delivering', 'ubus-info-newer'])('%s', (id) => {
    const { sample, want } = read(id);
    for (const [name, wanted] of Object.entries(want as Record<string, Record<string, unknown>>)) {
      const port = sample.ports.find((each) => each.port === name);
      expect(port?.powerW).toBe(wanted.power_W);
      if ('state' in wanted) expect(port?.state).toBe(wanted.state);
      if ('voltage_V' in wanted) expect([port?.voltageV, port?.currentA]).toEqual([wanted.voltage_V, wanted.current_A]);
    }
  });

  it('ubus-info-unknown: a daemon without its controller tells no watts, and no budget', () => {
    const { sample } = read('ubus-info-unknown');
    expect(sample).not.toHaveProperty('drawnW');
    expect(sample).not.toHaveProperty('budgetW');
    expect(sample.ports).toEqual([
      { port: 'lan1', state: 'unknown' },
      { port: 'lan2', state: 'unknown' },
    ]);
  });

  it('tells how the ports are ranked', () => {
    const ports = [0, 1, 2, 3, 4, 'x'].map((priority, at) => [`lan${at}`, { status: 'Searching', priority }]);
    const told = decodeOpenwrtInfo({ ports: Object.fromEntries(ports) }).ports;
    expect(told.map(({ priority, priorityRank }) => [priority, priorityRank])).toEqual([
      ['low', 3],
      [undefined, 2],
      ['high', 1],
      ['critical', 0],
      [undefined, undefined],
      [undefined, undefined],
    ]);
  });

  it('takes a stale controller for a lost one, and 0 W while a port delivers for untrue', () => {
    const ports = { lan1: { status: 'Delivering power', consumption: 3 } };
    expect(decodeOpenwrtInfo({ mcu_comm: { stale: true }, ports }).ports).toEqual([{ port: 'lan1', state: 'unknown' }]);
    const sample = controlSample(decodeOpenwrtInfo({ consumption: 0, ports }), 5);
    expect(sample).toMatchObject({ totalTrusted: false, drawnW: 3 });
  });

  it('never throws', () => {
    const row = fc.dictionary(fc.constantFrom('status', 'consumption', 'voltage', 'current'), fc.anything());
    const info = fc.record({
      budget: fc.anything(),
      consumption: fc.anything(),
      ports: fc.dictionary(fc.string(), row),
    });
    fc.assert(
      fc.property(fc.oneof(fc.anything(), info), (given) => {
        for (const { powerW = 0 } of decodeOpenwrtInfo(given).ports) expect(powerW >= 0 && powerW <= 100).toBe(true);
      }),
    );
  });
});

interface Call {
  readonly params: readonly [string, string, string, Readonly<Record<string, unknown>>];
}

/** rpcd and the daemon: sessions expire when `expire` is called. */
function rpcd(how: { readonly ignores?: boolean; readonly saysNotFound?: boolean; readonly readOnly?: boolean } = {}) {
  const on: Record<string, boolean> = { lan1: true, lan2: true, lan3: false };
  const calls: (readonly [string, string, unknown])[] = [];
  let session = '';
  let logins = 0;
  const ok = (...result: unknown[]): Said => ({ body: { jsonrpc: '2.0', id: 1, result } });
  const info = () => ({
    budget: 170,
    consumption: Object.values(on).filter(Boolean).length * 2.4,
    ports: Object.fromEntries(
      Object.entries(on).map(([name, enabled]) => [
        name,
        enabled ? { status: 'Delivering power', consumption: 2.4 } : { status: 'Disabled' },
      ]),
    ),
  });
  const manage = ({ port, enable }: Readonly<Record<string, unknown>>): Said => {
    if (how.readOnly) return ok(6);
    if (typeof enable !== 'boolean') return ok(2);
    if (!how.ignores) on[String(port)] = enable;
    return how.saysNotFound ? ok(3) : ok(0);
  };
  const answer = ({ path, body }: Asked): Said => {
    if (path !== '/ubus') return { status: 404 };
    const [token, object, method, args] = (JSON.parse(body) as Call).params;
    calls.push([object, method, args]);
    if (object === 'session') {
      if (args.password !== PASSWORD) return ok(6);
      logins += 1;
      session = `${logins}`.padStart(32, 'a');
      return ok(0, { ubus_rpc_session: session, timeout: 300 });
    }
    if (token !== session)
      return { body: { jsonrpc: '2.0', id: 1, error: { code: -32002, message: 'Access denied' } } };
    if (method === 'info') return ok(0, info());
    return method === 'manage' ? manage(args) : ok(3);
  };
  return { on, answer, calls, logins: () => logins, expire: () => (session = 'gone') };
}

let device: FakeDevice | undefined;
afterEach(async () => {
  await device?.close();
  device = undefined;
});

async function rig(how: Parameters<typeof rpcd>[0] = {}, more: Record<string, unknown> = {}, password = PASSWORD) {
  const daemon = rpcd(how);
  device = await fakeDevice(daemon.answer);
  const given = { url: device.url, user: 'root', password: { env: 'X' }, settle: '3s', requestTimeout: '500ms' };
  const config = configOf('openwrt', { ...given, ...more });
  const wire = sleepingClock();
  const poe = controlledSwitch(config, openwrtControl(config, { password }), { clock: wire, wire });
  const managed = () => daemon.calls.filter(([, method]) => method === 'manage').map(([, , args]) => args);
  return { ...daemon, poe, device, managed };
}

describe('an OpenWrt device', () => {
  it('reads, logs in once and keeps the session', async () => {
    const { poe, logins } = await rig();
    expect(await poe.read()).toMatchObject({ budgetW: 170, drawnW: 4.8, reservedW: 30.8 });
    await poe.read();
    expect(logins()).toBe(1);
    await poe.close();
  });

  it('ubus-manage: writes the ports it was asked for, with a boolean, and nothing else', async () => {
    const { poe, managed } = await rig({}, { protect: ['lan2'] });
    const outcomes = await poe.setPorts(['lan1', 'lan2', 'lan3', 'lan9'], false);
    expect(outcomes.map(({ code }) => code)).toEqual(['done', 'left-alone', 'already', 'refused']);
    expect(managed()).toEqual([take('ubus-manage').expect.args]);
    expect(await poe.setPorts(['lan1'], true)).toEqual([{ port: 'lan1', code: 'done' }]);
    await poe.close();
  });

  it('logs in again, once, when the session is over', async () => {
    const { poe, expire, logins } = await rig();
    await poe.read();
    expire();
    expect(await poe.setPorts(['lan1'], false)).toEqual([{ port: 'lan1', code: 'done' }]);
    expect(logins()).toBe(2);
    await poe.close();
  });

  it('believes the state where manage says “method not found” and has done it', async () => {
    const { poe } = await rig({ saysNotFound: true });
    expect(await poe.setPorts(['lan1'], false)).toEqual([{ port: 'lan1', code: 'done' }]);
    await poe.close();
  });

  it('leaves everything as it was, whatever is cut and powered again', async () => {
    const { poe, on } = await rig();
    await restoresExactly(poe, ['lan1', 'lan2', 'lan3'], () => on);
    await poe.close();
  });

  it('calls a device disobedient that accepts and does nothing, and says who may not write', async () => {
    const first = await rig({ ignores: true });
    expect(await first.poe.setPorts(['lan1'], false)).toMatchObject([{ code: 'disobeyed' }]);
    await first.poe.close();
    await first.device.close();
    const second = await rig({ readOnly: true });
    expect(await second.poe.setPorts(['lan1'], false)).toMatchObject([
      { code: 'refused', detail: expect.stringContaining('acl.d') },
    ]);
    await second.poe.close();
  });

  it('says that the password was turned down, without saying it, and does not hammer', async () => {
    const { poe, calls } = await rig({}, {}, 'wrong-secret');
    const [outcome] = await poe.setPorts(['lan1', 'lan2'], false);
    expect(outcome).toMatchObject({ code: 'refused', detail: expect.stringContaining('check user and password') });
    expect(JSON.stringify(outcome)).not.toContain('wrong-secret');
    expect(calls).toHaveLength(1);
    await poe.close();
  });

  it.each([
    ['silence', 'timeout', 'no_answer'],
    ['noise', 'refused', 'bad_answer'],
    [{ body: '<html>' }, 'refused', 'bad_answer'],
    [{ body: {} }, 'refused', 'bad_answer'],
    [{ body: { result: [0, {}] } }, 'refused', 'bad_answer'],
    [{ body: { result: [4] } }, 'refused', 'rejected'],
    [{ status: 401 }, 'refused', 'rejected'],
    [{ status: 502 }, 'refused', 'restarting'],
  ] as const)('settles on %j with %s, and goes on when it is over', async (said, code, reason) => {
    const { poe, device } = await rig();
    await poe.read();
    device.instead = () => said;
    expect(await poe.setPorts(['lan1'], false)).toMatchObject([{ port: 'lan1', code }]);
    await expect(poe.read()).rejects.toMatchObject({ reason });
    device.instead = undefined;
    expect((await poe.read()).ports).toHaveLength(3);
    await poe.close();
  });
});

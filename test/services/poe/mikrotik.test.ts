import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { openSwitch } from '../../../services/poe/index.ts';
import { decodeMikrotikPort, mikrotikControl } from '../../../services/poe/mikrotik.ts';
import { controlledSwitch } from '../../../services/poe/port-control.ts';
import { peer } from '../../peers.ts';
import { sleepingClock } from './fake-agent.ts';
import { type Asked, configOf, type FakeDevice, fakeDevice, type Said, vectorsOf } from './fake-device.ts';
import { restoresExactly } from './restoring.ts';

const PASSWORD = 'hunter2-correct';
const { take } = vectorsOf('poe-mikrotik-openwrt');

describe('what RouterOS says', () => {
  const rowsOf = (id: string) => {
    const { input, expect: want } = take(id);
    const rows = (Array.isArray(input) ? input : [input]) as Record<string, unknown>[];
    return { rows, want: want as Record<string, Record<string, unknown>> };
  };

  it('ros-poe-print: on and off', () => {
    const { rows, want } = rowsOf('ros-poe-print');
    for (const row of rows) {
      const port = decodeMikrotikPort(row);
      expect(port.enabled ? 'on' : 'off').toBe(want[port.port]?.admin);
    }
  });

  it.each(['ros-monitor-strings', 'ros-monitor-mixed-types', 'ros-monitor-idle', 'ros-short'])('%s', (id) => {
    const { rows, want } = rowsOf(id);
    for (const row of rows) {
      const { port, state, powerW, voltageV, currentA } = decodeMikrotikPort({ name: row.name }, row);
      const wanted = want[port] ?? {};
      if ('state' in wanted) expect(state).toBe(wanted.state);
      expect(powerW ?? null).toBe(wanted.power_W ?? null);
      if ('voltage_V' in wanted) expect([voltageV, currentA]).toEqual([wanted.voltage_V, wanted.current_A]);
    }
  });

  it('ros-current-x1000: 24 is milliamperes', () => {
    const { rows, want } = rowsOf('ros-current-x1000');
    expect(decodeMikrotikPort({ name: 'ether1' }, rows[0]).currentA).toBe(want.current_A);
  });

  it('never throws and never invents a figure', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('name', 'poe-out', 'poe-out-status', 'poe-out-power'), fc.anything()),
        (row) => {
          const { powerW = 0, enabled } = decodeMikrotikPort({ name: 'ether1' }, row);
          expect(powerW >= 0 && powerW <= 100).toBe(true);
          expect([true, false, undefined]).toContain(enabled);
        },
      ),
    );
  });
});

const live = (name: string, mode: string | undefined) =>
  mode === 'off'
    ? { name, 'poe-out': 'off', 'poe-out-status': 'disabled' }
    : {
        name,
        'poe-out': mode,
        'poe-out-status': 'powered-on',
        'poe-out-voltage': '53.4',
        'poe-out-current': 104,
        'poe-out-power': '5.5',
      };

/** Interfaces with their settings; the live values follow them. */
function routerOs(how: { readonly ignores?: boolean; readonly menu?: 'ethernet' | 'poe' } = {}) {
  const modes: Record<string, string> = { ether2: 'auto-on', ether3: 'auto-on', ether4: 'off', ether5: 'forced-on' };
  const idOf = (name: string) => `*${name.slice(5)}`;
  const names = Object.keys(modes);
  const patch = (path: string, body: string): Said => {
    const match = /^\/rest\/interface\/ethernet\/(poe\/)?\*(\d+)$/.exec(path);
    if ((match?.[1] === undefined ? 'ethernet' : 'poe') !== (how.menu ?? 'ethernet'))
      return { status: 400, body: { error: 400, message: 'Bad Request', detail: 'unknown parameter poe-out' } };
    if (!how.ignores) modes[`ether${match?.[2]}`] = (JSON.parse(body) as { 'poe-out': string })['poe-out'];
    return { body: {} };
  };
  const answer = ({ method, path, headers, body }: Asked): Said => {
    if (headers.authorization !== `Basic ${Buffer.from(`holdover:${PASSWORD}`).toString('base64')}`)
      return { status: 401, body: { error: 401, message: 'Unauthorized' } };
    if (method === 'GET' && path === '/rest/interface/ethernet/poe')
      return { body: names.map((name) => ({ '.id': idOf(name), name, 'poe-out': modes[name], 'poe-priority': '10' })) };
    if (method === 'POST' && path === '/rest/interface/ethernet/poe/monitor') {
      const { numbers } = JSON.parse(body) as { numbers: string };
      const name = `ether${numbers.slice(1)}`;
      return { body: [live(name, modes[name])] };
    }
    if (method === 'PATCH') return patch(path, body);
    return { status: 404, body: { error: 404, message: 'Not Found' } };
  };
  return { modes, answer };
}

let device: FakeDevice | undefined;
afterEach(async () => {
  await device?.close();
  device = undefined;
});

async function rig(how: Parameters<typeof routerOs>[0] = {}, more: Record<string, unknown> = {}, password = PASSWORD) {
  const router = routerOs(how);
  device = await fakeDevice(router.answer);
  const config = configOf('mikrotik', {
    url: device.url,
    user: 'holdover',
    password: { env: 'X' },
    settle: '3s',
    requestTimeout: '500ms',
    ...more,
  });
  const wire = sleepingClock();
  const poe = controlledSwitch(config, mikrotikControl(config, { password }), { clock: wire, wire });
  return { ...router, poe, device };
}

const written = ({ asked }: FakeDevice) => asked.filter(({ method }) => method === 'PATCH');

describe('a RouterOS device', () => {
  it('reads all ports; the budget is the configured one', async () => {
    const { poe } = await rig({}, { budgetW: 450 });
    const sample = await poe.read();
    expect(sample).toMatchObject({ kind: 'switch', budgetW: 450, drawnW: 16.5, totalTrusted: true });
    expect(sample.ports.map(({ port, state, enabled }) => [port, state, enabled])).toEqual([
      ['ether2', 'delivering', true],
      ['ether3', 'delivering', true],
      ['ether4', 'disabled', false],
      ['ether5', 'delivering', true],
    ]);
    await poe.close();
  });

  it('leaves everything as it was, whatever is cut and powered again', async () => {
    const { poe, modes } = await rig();
    await restoresExactly(poe, ['ether2', 'ether3', 'ether4', 'ether5'], () => modes);
    await poe.close();
  });

  it('tells how the ports are ranked, and which one goes first', async () => {
    const { poe } = await rig();
    const { ports, dropOrder } = await poe.read();
    expect(ports.map(({ priorityRank }) => priorityRank)).toEqual([10, 10, 10, 10]);
    expect(dropOrder).toEqual(['ether5', 'ether3', 'ether2']);
    await poe.close();
  });

  it('ros-off-request: writes the ports it was asked for, nothing else, and puts back auto-on', async () => {
    const { poe, device, modes } = await rig({}, { protect: ['ether2'] });
    const outcomes = await poe.setPorts(['ether2', 'ether3', 'ether4', 'ether9', '../x'], false);
    expect(outcomes.map(({ code }) => code)).toEqual(['left-alone', 'done', 'already', 'refused', 'refused']);
    const { method, path, body } = take('ros-off-request').expect;
    expect(written(device)).toMatchObject([{ method, path, body: JSON.stringify(body) }]);
    expect(await poe.setPorts(['ether3'], true)).toEqual([{ port: 'ether3', code: 'done' }]);
    expect(modes).toEqual({ ether2: 'auto-on', ether3: 'auto-on', ether4: 'off', ether5: 'forced-on' });
    await poe.close();
  });

  it('does not cut a forced port, whose setting could only be brought back without detection', async () => {
    const { poe, device } = await rig();
    expect(await poe.setPorts(['ether5'], false)).toMatchObject([
      { code: 'refused', detail: expect.stringContaining('forced-on') },
    ]);
    expect(await poe.setPorts(['ether5'], true)).toMatchObject([{ code: 'already' }]);
    expect(written(device)).toEqual([]);
    await poe.close();
  });

  it('finds the menu that takes the setting', async () => {
    const { poe, modes } = await rig({ menu: 'poe' });
    expect(await poe.setPorts(['ether3'], false)).toEqual([{ port: 'ether3', code: 'done' }]);
    expect(modes.ether3).toBe('off');
    await poe.close();
  });

  it('calls a device disobedient that accepts and does nothing', async () => {
    const { poe } = await rig({ ignores: true });
    expect(await poe.setPorts(['ether2'], false)).toMatchObject([{ code: 'disobeyed' }]);
    await poe.close();
  });

  it('says that the password was turned down, without saying it', async () => {
    const { poe } = await rig({}, {}, 'wrong-secret');
    const [outcome] = await poe.setPorts(['ether2'], false);
    expect(outcome).toMatchObject({ code: 'refused', detail: expect.stringContaining('check user and password') });
    expect(JSON.stringify(outcome)).not.toContain('wrong-secret');
    await expect(poe.read()).rejects.toMatchObject({ reason: 'credentials', retryable: false });
    await poe.close();
  });

  it.each([
    ['silence', 'timeout', 'no_answer'],
    ['noise', 'refused', 'bad_answer'],
    ['hang up', 'refused', 'bad_answer'],
    [{ body: '<html>' }, 'refused', 'bad_answer'],
    [{ body: 'null' }, 'refused', 'bad_answer'],
    [{ status: 503 }, 'refused', 'restarting'],
    [{ status: 403 }, 'refused', 'forbidden'],
    [{ status: 302, headers: { location: 'http://127.0.0.1:1/' } }, 'refused', 'rejected'],
  ] as const)('settles on %j with %s', async (said, code, reason) => {
    const { poe, device } = await rig();
    device.instead = () => said;
    expect(await poe.setPorts(['ether2'], false)).toMatchObject([{ port: 'ether2', code }]);
    await expect(poe.read()).rejects.toMatchObject({ reason });
    device.instead = undefined;
    expect((await poe.read()).ports).toHaveLength(4);
    await poe.close();
  });

  it('believes the state and not the answer: a write whose answer is lost is done', async () => {
    const { poe, device, answer } = await rig();
    device.instead = (asked) => {
      if (asked.method !== 'PATCH') return undefined;
      answer(asked);
      return 'hang up';
    };
    expect(await poe.setPorts(['ether2'], false)).toEqual([{ port: 'ether2', code: 'done' }]);
    await poe.close();
  });

  it('is unreachable when nobody is there, and settles when aborted or closed', async () => {
    const { poe, device } = await rig();
    expect(await poe.setPorts(['ether2'], false, AbortSignal.abort())).toMatchObject([{ code: 'timeout' }]);
    await device.close();
    expect(await poe.setPorts(['ether2'], false)).toMatchObject([{ code: 'unreachable' }]);
    await poe.close();
    expect(await poe.setPorts(['ether2'], false)).toMatchObject([{ code: 'unreachable' }]);
  });
});

const openssl = peer('openssl');

/** A certificate for 127.0.0.1 that nobody has signed. */
function selfSigned(): { readonly key: string; readonly cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'holdover-tls-'));
  const files = ['-keyout', join(folder, 'key'), '-out', join(folder, 'cert')];
  const subject = ['-subj', '/CN=rack', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const how = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  execFileSync(openssl.path, [...how, ...subject, ...files], { stdio: 'ignore' });
  const made = { key: readFileSync(join(folder, 'key'), 'utf8'), cert: readFileSync(join(folder, 'cert'), 'utf8') };
  rmSync(folder, { recursive: true });
  return made;
}

describe.skipIf(openssl.skip)(`the certificate of a device, made by ${openssl.title}`, () => {
  const { key, cert } = openssl.skip ? { key: '', cert: '' } : selfSigned();
  const fingerprint256 = cert === '' ? '' : new X509Certificate(cert).fingerprint256;

  it.each([
    ['nothing to check it against', {}, undefined, 'certificate'],
    ['its authority', { ca: '/ca.pem' }, cert, undefined],
    ['its fingerprint', { fingerprint: fingerprint256 }, undefined, undefined],
    [
      'the fingerprint without colons',
      { fingerprint: fingerprint256.replaceAll(':', '').toLowerCase() },
      undefined,
      undefined,
    ],
    ['another fingerprint', { fingerprint: '00'.repeat(32) }, undefined, 'certificate'],
  ])('with %s', async (_, tls, ca, reason) => {
    device = await fakeDevice(routerOs().answer, { key, cert });
    const config = configOf('mikrotik', { url: device.url, user: 'holdover', password: { env: 'X' }, tls });
    const poe = openSwitch(config, { password: PASSWORD, ...(ca === undefined ? {} : { ca }) });
    if (reason === undefined) expect((await poe.read()).ports).toHaveLength(4);
    else {
      await expect(poe.read()).rejects.toMatchObject({ reason, code: 'open' });
      expect(device.asked).toEqual([]);
    }
    await poe.close();
  });
});

import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { httpControl } from '../../../services/poe/custom-http.ts';
import { execControl } from '../../../services/poe/exec.ts';
import { openSwitch } from '../../../services/poe/index.ts';
import { decodeMapped } from '../../../services/poe/mapping.ts';
import { controlledSwitch } from '../../../services/poe/port-control.ts';
import { sleepingClock } from './fake-agent.ts';
import { type Asked, configOf, type FakeDevice, fakeDevice, type Said } from './fake-device.ts';
import { restoresExactly } from './restoring.ts';

describe('understanding an answer', () => {
  const json = { json: { enabled: 'ports.{port}.on', delivering: 'ports.{port}.fed', powerW: 'ports.{port}.w' } };
  const told = (row: unknown) => decodeMapped(JSON.stringify({ ports: { 'lan1.2': row } }), json, 'lan1.2');

  it.each([
    [
      { on: true, fed: true, w: 4.5 },
      { state: 'delivering', enabled: true, powerW: 4.5 },
    ],
    [
      { on: 'ON', fed: 0, w: '0' },
      { state: 'searching', enabled: true, powerW: 0 },
    ],
    [{ on: 'disabled' }, { state: 'disabled', enabled: false }],
    // The table says off, the watts say otherwise: it is not off.
    [
      { on: false, w: 3.2 },
      { state: 'delivering', enabled: false, powerW: 3.2 },
    ],
    [{ on: 'perhaps', w: '3,2' }, { state: 'unknown' }],
    [{ on: null, w: -1 }, { state: 'unknown' }],
    [undefined, { state: 'unknown' }],
  ])('JSON %j', (row, want) => {
    expect(told(row)).toEqual({ port: 'lan1.2', ...want });
  });

  it('knows the words it was told', () => {
    const own = { ...json, on: ['auto', 2], off: ['nope'] };
    const read = (on: unknown) => decodeMapped(JSON.stringify({ ports: { 1: { on } } }), own, '1').enabled;
    expect([read('auto'), read(2), read('nope'), read(true)]).toEqual([true, true, false, undefined]);
  });

  it('text: one pattern for on, one for off; a port is not another that begins like it', () => {
    const text = { text: { on: '^port {port}: on', off: '^port {port}: off', powerW: '^port {port}: on ([0-9.]+) W' } };
    const answer = 'port 11: on 2.5 W\nport 1: off\nport 2: on 7.25 W\n';
    expect(decodeMapped(answer, text, '1')).toEqual({ port: '1', state: 'disabled', enabled: false });
    expect(decodeMapped(answer, text, '2')).toEqual({ port: '2', state: 'delivering', enabled: true, powerW: 7.25 });
    expect(decodeMapped(answer, text, '3')).toEqual({ port: '3', state: 'unknown' });
    // A dot in a port's name is a dot.
    expect(decodeMapped('port a1b: on', text, 'a.b').enabled).toBeUndefined();
  });

  it('never throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.json()),
        fc.constantFrom('1', '__proto__', 'constructor'),
        (answer, port) => {
          const { powerW = 0 } = decodeMapped(answer, json, port);
          expect(powerW >= 0 && powerW <= 100).toBe(true);
        },
      ),
    );
  });
});

/** A "switch" that is a folder: a file for each port, and a script that reads and writes them. */
const SCRIPT = `#!/bin/sh
# The deadline, the noise and the refusal of a real device, by the name of the port.
case "$1" in
status) for port in 1 2 3; do echo "port $port: $(cat "$POE_DIR/$port")"; done ;;
*) case "$2" in
   2) sleep 60 ;;
   3) echo "cannot log in with $POE_KEY" >&2; exit 3 ;;
   esac
   echo "$1" > "$POE_DIR/$2"; echo "$1 $2" >> "$POE_DIR/log" ;;
esac
`;

const folder = mkdtempSync(join(tmpdir(), 'holdover-exec-'));
const script = join(folder, 'poe');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('ports switched by commands', () => {
  beforeEach(() => {
    writeFileSync(script, SCRIPT);
    chmodSync(script, 0o700);
    for (const port of ['1', '2', '3']) writeFileSync(join(folder, port), 'on\n');
    rmSync(join(folder, 'log'), { force: true });
  });

  const variables = { POE_DIR: folder, POE_KEY: 'hunter2-correct' };
  const basic = {
    ports: [1, 2, 3],
    status: { command: [script, 'status'], read: { text: { on: '^port {port}: on', off: '^port {port}: off' } } },
    on: { command: [script, 'on', '{port}'] },
    off: { command: [script, 'off', '{port}'] },
    timeout: '2s',
    settle: '2s',
  };
  const rig = (more: Record<string, unknown> = {}) => {
    const config = configOf('exec', { ...basic, ...more });
    const wire = sleepingClock();
    return controlledSwitch(config, execControl(config, variables), { clock: wire, wire });
  };

  it('reads, switches the asked port and reads back', async () => {
    const poe = rig({ protect: [2], budgetW: 60 });
    expect(await poe.read()).toMatchObject({
      budgetW: 60,
      ports: [{ enabled: true }, { enabled: true }, { enabled: true }],
    });
    const outcomes = await poe.setPorts(['1', '2', '9', '$(reboot)'], false);
    expect(outcomes.map(({ code }) => code)).toEqual(['done', 'left-alone', 'refused', 'refused']);
    expect(await poe.setPorts(['1'], false)).toMatchObject([{ code: 'already' }]);
    expect(await poe.setPorts(['1'], true)).toMatchObject([{ code: 'done' }]);
    expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('off 1\non 1\n');
    await poe.close();
  });

  it('kills a command at its deadline, with what it started', async () => {
    const poe = rig({ timeout: '500ms' });
    expect(await poe.setPorts(['2'], false)).toMatchObject([{ code: 'timeout' }]);
    expect(existsSync(join(folder, 'log'))).toBe(false);
    await poe.close();
  });

  it('says what the command said, without its secrets', async () => {
    const poe = rig();
    const [outcome] = await poe.setPorts(['3'], false);
    expect(outcome).toMatchObject({
      code: 'refused',
      detail: expect.stringContaining('ended with 3: cannot log in with ***'),
    });
    await poe.close();
  });

  it('starts no shell and hands on none of our own variables', async () => {
    vi.stubEnv('HOLDOVER_PRIVATE', 'ours');
    const read = { text: { on: 'HOLDOVER_PRIVATE', off: '\\$\\(id\\);POE_DIR=' } };
    const status = { command: ['/usr/bin/env', 'printf', '%s', '$(id);'], read };
    const echoed = rig({ status: { ...status, command: ['/usr/bin/printf', '%s', '$(id);POE_DIR='] } });
    expect((await echoed.read()).ports[0]).toMatchObject({ enabled: false });
    const environment = rig({ status: { ...status, command: ['/usr/bin/env'] } });
    expect((await environment.read()).ports[0]).not.toHaveProperty('enabled');
    vi.unstubAllEnvs();
  });

  it.each([
    ['is not there', ['/no/such/program'], 'rejected'],
    ['never stops writing', ['/usr/bin/yes'], 'bad_answer'],
    ['fails', ['/bin/false'], 'rejected'],
  ])('settles when the status command %s', async (_, command, reason) => {
    const poe = rig({ status: { ...basic.status, command } });
    await expect(poe.read()).rejects.toMatchObject({ reason });
    expect(await poe.setPorts(['1'], false)).toMatchObject([{ code: 'refused' }]);
    expect(existsSync(join(folder, 'log'))).toBe(false);
    await poe.close();
  });

  it('wants JSON where it was promised, and asks port by port where the port is in the command', async () => {
    const json = { json: { enabled: 'on' } };
    const garbage = rig({ status: { command: ['/bin/echo', 'oops'], read: json } });
    await expect(garbage.read()).rejects.toMatchObject({ reason: 'bad_answer' });
    const each = rig({ status: { command: ['/bin/echo', '{"on":{port}}'], read: json } });
    expect((await each.read()).ports.map(({ enabled }) => enabled)).toEqual([true, undefined, undefined]);
  });

  it('calls a command disobeyed that says yes and changes nothing; ends when aborted or closed', async () => {
    const poe = rig({ off: { command: ['/bin/true'] } });
    expect(await poe.setPorts(['1'], false)).toMatchObject([{ code: 'disobeyed' }]);
    expect(await poe.setPorts(['1'], false, AbortSignal.abort())).toMatchObject([{ code: 'timeout' }]);
    await poe.close();
    expect(await poe.setPorts(['1'], false)).toMatchObject([{ code: 'unreachable' }]);
  });
});

let device: FakeDevice | undefined;
afterEach(async () => {
  await device?.close();
  device = undefined;
});

describe('ports switched by requests', () => {
  const basic = {
    ports: ['a', 'b'],
    headers: { 'X-Api-Key': { env: 'K' } },
    token: { env: 'T' },
    requestTimeout: '500ms',
    settle: '2s',
    status: { path: '/ports?key=hidden', read: { json: { enabled: '{port}.on', powerW: '{port}.w' } } },
    on: { method: 'PUT', path: '/ports/{port}', body: '{"on":true,"port":"{port}"}' },
    off: { path: '/ports/{port}/off' },
  };
  const secrets = { token: 'hunter2-token', values: { 'X-Api-Key': 'hunter2-key' } };

  async function rig(ignores = false, more: Record<string, unknown> = {}) {
    const on: Record<string, boolean> = { a: true, b: true };
    const answer = ({ method, path, headers, body }: Asked): Said => {
      if (headers.authorization !== `Bearer ${secrets.token}` || headers['x-api-key'] !== 'hunter2-key')
        return { status: 401 };
      if (method === 'GET' && path === '/ports?key=hidden')
        return { body: Object.fromEntries(Object.entries(on).map(([port, is]) => [port, { on: is, w: is ? 4 : 0 }])) };
      const [, , port = '', off] = path.split('/');
      if (!(port in on)) return { status: 404, body: `no such port, ${secrets.token}` };
      if (!ignores) on[port] = off === undefined && (JSON.parse(body) as { on: boolean }).on;
      return { status: 204 };
    };
    device = await fakeDevice(answer);
    const config = configOf('http', { url: device.url, ...basic, ...more });
    const wire = sleepingClock();
    const open = (given = secrets) => controlledSwitch(config, httpControl(config, given), { clock: wire, wire });
    return { on, device, open, config };
  }

  it('reads, switches the asked port and reads back', async () => {
    const { open, device, on } = await rig(false, { protect: ['b'] });
    const poe = open();
    expect(await poe.read()).toMatchObject({ drawnW: 8, totalTrusted: true });
    expect((await poe.setPorts(['a', 'b'], false)).map(({ code }) => code)).toEqual(['done', 'left-alone']);
    expect(await poe.setPorts(['a'], true)).toMatchObject([{ code: 'done' }]);
    expect(on).toEqual({ a: true, b: true });
    const writes = device.asked.filter(({ path }) => !path.includes('?'));
    expect(writes.map(({ method, path, body }) => [method, path, body])).toEqual([
      ['POST', '/ports/a/off', ''],
      ['PUT', '/ports/a', '{"on":true,"port":"a"}'],
    ]);
    await poe.close();
  });

  it.each([
    ['silence', 'timeout'],
    ['noise', 'refused'],
    [{ body: '<html>' }, 'refused'],
    [{ status: 401 }, 'refused'],
    [{ status: 404, body: 'hunter2-token\nhunter2-key' }, 'refused'],
    [{ status: 503 }, 'refused'],
  ] as const)('settles on %j with %s, and shows no secret', async (said, code) => {
    const { open, device } = await rig();
    const poe = open();
    device.instead = () => said;
    const outcomes = await poe.setPorts(['a', 'b'], false);
    expect(outcomes).toMatchObject([{ code }, { code }]);
    expect(JSON.stringify(outcomes)).not.toMatch(/hunter2|hidden/);
    await poe.close();
  });

  it('leaves everything as it was, whatever is cut and powered again', async () => {
    const { open, on } = await rig();
    on.b = false;
    const poe = open();
    await restoresExactly(poe, ['a', 'b'], () => on);
    await poe.close();
  });

  it('calls a device disobedient that accepts and does nothing', async () => {
    const poe = (await rig(true)).open();
    expect(await poe.setPorts(['a'], false)).toMatchObject([{ code: 'disobeyed' }]);
    await poe.close();
  });

  it('is opened by its name in the configuration', async () => {
    const { config } = await rig();
    const poe = openSwitch(config, secrets);
    expect((await poe.read()).ports).toHaveLength(2);
    await poe.close();
  });
});

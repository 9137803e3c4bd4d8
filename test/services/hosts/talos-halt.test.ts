import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type HostConfig, hostSchema } from '../../../services/config/hosts.ts';
import { hostControl, type TalosCredentials, talosCredentials } from '../../../services/hosts/index.ts';
import { shutdownRequest } from '../../../services/hosts/talos-halt.ts';
import { serveTalosApi, type TalosApiHandle } from '../../../services/twin/devices/talos-api.ts';
import { authority, openssl, type Pair } from './certificates.ts';
import { deadPort, listener, type Machines, machines, until } from './machines.ts';

const talos = authority('talos');
const other = authority('other');
const client = talos.issue('ops');
const rack: { machines: Machines; apis: TalosApiHandle[] } = { machines: machines(), apis: [] };
let server: Pair;

beforeAll(() => {
  server = talos.issue('node');
});
beforeEach(() => {
  rack.machines = machines('cp1', 'w1');
});
afterEach(async () => {
  await Promise.all(rack.apis.splice(0).map((api) => api.close()));
});

async function api(hostId: string, more: Partial<Parameters<typeof serveTalosApi>[2]> = {}): Promise<TalosApiHandle> {
  const handle = await serveTalosApi(rack.machines.world, hostId, { ca: talos.ca, ...server, ...more });
  rack.apis.push(handle);
  return handle;
}

const credentials: TalosCredentials = { ca: talos.ca, ...client };

function host(id: string, port: number, more: Record<string, unknown> = {}, rest: object = {}): HostConfig {
  const halt = { talos: { port, talosconfig: '/etc/holdover/talosconfig', timeout: 3, ...more } };
  return hostSchema.parse({ id, address: '127.0.0.1', halt, ...rest });
}

const halt = (config: HostConfig, given = credentials) => hostControl(config, { talos: given }).halt();

describe.skipIf(openssl.skip)('halting over the Talos API', () => {
  it('halts the machine without draining it once more, and says nothing about it', async () => {
    const { port, orders } = await api('w1');
    expect(await halt(host('w1', port))).toEqual({ code: 'done' });
    await until(() => rack.machines.states.w1 === 'halting');
    expect(orders).toEqual([{ hostId: 'w1', force: true }]);
    expect(rack.machines.states.cp1).toBe('running');
  });

  it('lets the node drain itself where that is wanted', async () => {
    const { port, orders } = await api('w1');
    expect(await halt(host('w1', port, { force: false }))).toEqual({ code: 'done' });
    expect(orders).toEqual([{ hostId: 'w1', force: false }]);
  });

  it('sends it through another node when the machine itself is not reached', async () => {
    const { port, orders } = await api('cp1', {
      host: '127.0.0.2',
      nodes: new Map([['127.0.0.9', 'w1']]),
      ...talos.issue('cp1', 'IP:127.0.0.2'),
    });
    const config = host('w1', port, { address: '127.0.0.9', endpoints: ['127.0.0.3', '127.0.0.2'] });
    expect(await halt(config)).toMatchObject({ code: 'done', detail: expect.stringContaining('through 127.0.0.2') });
    expect(orders).toEqual([{ hostId: 'w1', force: true }]);
    expect(rack.machines.halts).toEqual({ cp1: 0, w1: 1 });
  });

  it('asks the machine itself first', async () => {
    const direct = await api('w1');
    const config = host('w1', direct.port, { endpoints: ['127.0.0.2'] });
    expect(await halt(config)).toEqual({ code: 'done' });
  });

  it('does no harm when sent twice', async () => {
    const { port } = await api('w1');
    const config = host('w1', port);
    expect(await Promise.all([halt(config), halt(config)])).toContainEqual({ code: 'done' });
    // the machine is on its way down: that is not "accepted", and nothing else happens
    expect(await halt(config)).toMatchObject({ code: 'unreachable' });
    expect(rack.machines.states).toEqual({ cp1: 'running', w1: 'halting' });
  });

  it('refuses a server of another authority, and sends it nothing', async () => {
    const { port, orders } = await api('w1', other.issue('node'));
    const outcome = await halt(host('w1', port));
    expect(outcome).toMatchObject({ code: 'refused', detail: expect.stringMatching(/certificate.*talosconfig/) });
    expect(orders).toEqual([]);
  });

  it('refuses a server whose certificate is for another machine', async () => {
    const { port, orders } = await api('w1', talos.issue('node', 'IP:10.9.9.9'));
    const outcome = await halt(host('w1', port));
    expect(outcome).toMatchObject({ code: 'refused', detail: expect.stringContaining('ALTNAME') });
    expect(orders).toEqual([]);
  });

  it('says that our certificate was turned down', async () => {
    const { port, orders } = await api('w1');
    const outcome = await halt(host('w1', port), { ca: talos.ca, ...other.issue('ops') });
    expect(outcome).toMatchObject({ code: 'refused', detail: expect.stringContaining('talosconfig') });
    expect(orders).toEqual([]);
  });

  it('says so too when the server gives an alert as the reason', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'holdover-talos-'));
    for (const [name, text] of Object.entries({ 'ca.crt': talos.ca, 'n.crt': server.crt, 'n.key': server.key }))
      writeFileSync(join(dir, name), text);
    const port = await deadPort();
    const args = ['s_server', '-accept', String(port), '-cert', 'n.crt', '-key', 'n.key', '-CAfile', 'ca.crt'];
    const peer = spawn(openssl.path, [...args, '-Verify', '1', '-verify_return_error', '-alpn', 'h2'], { cwd: dir });
    await new Promise<void>((resolve) => peer.stdout.on('data', () => resolve()));
    const outcome = await halt(host('w1', port), { ca: talos.ca, ...other.issue('ops') });
    peer.kill('SIGKILL');
    rmSync(dir, { recursive: true });
    expect(outcome).toMatchObject({ code: 'refused', detail: expect.stringContaining('ALERT_UNKNOWN_CA') });
  });

  it('says which role is missing', async () => {
    const { port } = await api('w1', { operator: false });
    const outcome = await halt(host('w1', port));
    expect(outcome).toMatchObject({ code: 'refused', detail: expect.stringContaining('os:operator') });
    expect(rack.machines.states.w1).toBe('running');
  });

  it('gives up on an API that takes the call and says nothing', async () => {
    const { port } = await api('w1');
    rack.machines.silent.add('talos:w1');
    expect(await halt(host('w1', port, { timeout: 0.3 }))).toMatchObject({ code: 'timeout' });
  });

  it('gives up on a port that accepts and is silent, and when told to', async () => {
    const { port, close } = await listener(() => undefined);
    expect(await halt(host('w1', port, { timeout: 0.2 }))).toMatchObject({ code: 'timeout' });
    const abort = new AbortController();
    const pending = hostControl(host('w1', port, { timeout: 60 }), { talos: credentials }).halt(abort.signal);
    abort.abort();
    expect(await pending).toMatchObject({ code: 'timeout', detail: expect.stringContaining('given up') });
    await close();
  });

  it('tells a machine that is away from one that hangs', async () => {
    const outcome = await halt(host('w1', await deadPort()));
    expect(outcome).toMatchObject({ code: 'unreachable', detail: expect.stringContaining('ECONNREFUSED') });
  });

  it('survives what is no TLS at all', async () => {
    for (const noise of ['HTTP/1.1 400 Bad Request\r\n\r\n', '\x16\x03\x01\x00\x00', '']) {
      const { port, close } = await listener((socket) => socket.end(noise));
      expect((await halt(host('w1', port, { timeout: 1 }))).code).toMatch(/unreachable|timeout|refused/);
      await close();
    }
  });

  it('shows no key, whatever it is given', async () => {
    const { port } = await api('w1');
    const secret = 'hunter2hunter2';
    const outcome = await halt(host('w1', port), { ca: talos.ca, crt: client.crt, key: `-----BEGIN ${secret}` });
    expect(outcome.code).toBe('refused');
    expect(outcome.detail).not.toContain(secret);
  });

  it('leaves a protected machine alone', async () => {
    const { port, orders } = await api('w1');
    expect(await halt(host('w1', port, {}, { protected: true }))).toMatchObject({ code: 'left-alone' });
    expect(orders).toEqual([]);
  });
});

describe('a request to shut down', () => {
  it('is the field 1 as the API numbers it, and nothing when it has its default', () => {
    expect([...shutdownRequest(true)]).toEqual([0x08, 0x01]);
    expect([...shutdownRequest(false)]).toEqual([]);
  });
});

describe.skipIf(openssl.skip)('a talosconfig', () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const context = { endpoints: ['10.0.0.1'], ca: base64(talos.ca), crt: base64(client.crt), key: base64(client.key) };
  const file = (more: object = {}) =>
    stringify({ context: 'home', contexts: { home: context, spare: context }, ...more });

  it('gives the credentials of its own context, or of the one that is named', () => {
    expect(talosCredentials(file())).toEqual(credentials);
    expect(talosCredentials(file({ context: undefined }), 'spare')).toEqual(credentials);
  });

  it.each([
    ['no context is chosen', file({ context: '' }), undefined, /chooses no context/],
    ['an unknown context', file(), 'garage', /no context garage, but home, spare/],
    ['a field is missing', file({ contexts: { home: { ...context, key: undefined } } }), undefined, /has no key/],
    ['a field is no PEM', file({ contexts: { home: { ...context, crt: 'AAAA' } } }), undefined, /crt of context home/],
    [
      'it signs in elsewhere',
      file({ contexts: { home: { auth: { siderov1: { identity: 'a@b' } } } } }),
      undefined,
      /without a certificate/,
    ],
    ['it is no YAML', 'a: [', undefined, /not YAML/],
    ['it is something else', '- 1', undefined, /chooses no context/],
  ])('%s: says so', (_, text, name, message) => {
    expect(() => talosCredentials(text, name)).toThrow(message);
  });

  it('is refused without a word of what is in it, whatever it is', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (text, secret) => {
        const hidden = `hidden${secret}`;
        for (const content of [
          text,
          `contexts: {home: {key: "${hidden}`,
          file({ contexts: { home: { key: hidden } } }),
        ]) {
          try {
            talosCredentials(content, 'home');
          } catch (error) {
            expect(String(error)).not.toContain(hidden);
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});

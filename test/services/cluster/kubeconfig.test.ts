import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KubeconfigError, loadKubeconfig, selectContext } from '../../../services/cluster/kubeconfig.ts';

const FILE = '/etc/holdover/kubeconfig';
const PEM = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

const config = (cluster: object, user: object = {}, rest: object = {}): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'home', cluster: { server: 'https://10.0.0.10:6443', ...cluster } }],
    users: [{ name: 'ops', user }],
    contexts: [{ name: 'default', context: { cluster: 'home', user: 'ops' } }],
    'current-context': 'default',
    ...rest,
  });

const refusal = (source: string, context?: string): KubeconfigError => {
  try {
    selectContext(source, FILE, context);
  } catch (error) {
    if (error instanceof KubeconfigError) return error;
    throw error;
  }
  throw new Error('was not refused');
};

describe('a kubeconfig', () => {
  it('as k3s writes it', () => {
    const source = `
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ${base64(PEM)}
    server: https://127.0.0.1:6443
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
preferences: {}
users:
- name: default
  user:
    client-certificate-data: ${base64(PEM)}
    client-key-data: ${base64('-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n')}
`;
    expect(selectContext(source, FILE)).toMatchObject({
      server: new URL('https://127.0.0.1:6443'),
      ca: { pem: PEM },
      cert: { pem: PEM },
      skipTlsVerify: false,
    });
  });

  it('names files relative to itself, and takes data before a file', () => {
    const selected = selectContext(
      config(
        { 'certificate-authority': 'ca.crt' },
        { 'client-certificate': '/abs/c.pem', 'client-key': 'c.key', 'client-certificate-data': base64(PEM) },
      ),
      FILE,
    );
    expect(selected.ca).toEqual({ file: '/etc/holdover/ca.crt', path: 'clusters[0].cluster.certificate-authority' });
    expect(selected.cert).toEqual({ pem: PEM });
    expect(selected.key).toMatchObject({ file: '/etc/holdover/c.key' });
  });

  it('has several contexts, one of which is asked for', () => {
    const source = config(
      {},
      { token: 't' },
      {
        contexts: [
          { name: 'default', context: { cluster: 'home', user: 'ops' } },
          { name: 'anonymous', context: { cluster: 'home' } },
        ],
      },
    );
    expect(selectContext(source, FILE).token).toEqual({ value: 't' });
    expect(selectContext(source, FILE, 'anonymous').token).toBeUndefined();
    expect(refusal(source, 'elsewhere').message).toContain('"default", "anonymous"');
  });

  it.each([
    [
      'an exec plugin',
      config({}, { exec: { command: 'aws', args: ['secret-arg'] } }),
      'users[0].user.exec',
      'ServiceAccount token',
    ],
    [
      'an auth provider',
      config({}, { 'auth-provider': { name: 'oidc' } }),
      'users[0].user.auth-provider',
      'ServiceAccount token',
    ],
    ['a password', config({}, { username: 'a', password: 'geheim' }), 'users[0].user.username', 'certificate'],
    ['impersonation', config({}, { as: 'admin' }), 'users[0].user.as', 'rights'],
    ['a proxy', config({ 'proxy-url': 'http://p' }), 'clusters[0].cluster.proxy-url', 'directly'],
    ['half a key pair', config({}, { 'client-key-data': base64(PEM) }), 'users[0].user', 'together'],
    [
      'data that is no PEM',
      config({}, { 'client-key-data': 'geheim', 'client-certificate-data': 'x' }),
      'users[0].user.client-certificate-data',
      'PEM',
    ],
    ['a server without a scheme', config({ server: '10.0.0.10:6443' }), 'clusters[0].cluster.server', 'https://'],
    ['a server with a password', config({ server: 'https://u:geheim@h' }), 'clusters[0].cluster.server', 'credentials'],
    [
      'a token in clear text',
      config({ server: 'http://10.0.0.10' }, { token: 'geheim' }),
      'clusters[0].cluster.server',
      'https://',
    ],
    ['a number for a token', config({}, { token: 5 }), 'users[0].user.token', 'string'],
    ['no current context', config({}, {}, { 'current-context': '' }), 'current-context', '"default"'],
    ['a missing cluster', config({}, {}, { clusters: [] }), 'clusters', 'there is none'],
    ['a list for a document', '[]', '', 'not a kubeconfig'],
    ['nothing', '', '', 'not a kubeconfig'],
    ['broken YAML', 'users:\n- token: "geheim\n', '', 'line'],
  ])('with %s is refused, says where and what to try, and shows no secret', (_, source, path, hint) => {
    const error = refusal(source);
    expect(error.path).toMatch(path === '' ? /^(current-context)?$/ : path);
    if (path !== '') expect(error.path).toBe(path);
    expect(error.message).toContain(FILE);
    expect(error.message).toContain(hint);
    expect(error.message).not.toContain('geheim');
    expect(error.message).not.toContain('secret-arg');
  });

  it('with http on this machine may have a token', () => {
    expect(selectContext(config({ server: 'http://127.0.0.1:8001' }, { token: 't' }), FILE).token).toEqual({
      value: 't',
    });
  });

  it('of any shape is read or refused with a KubeconfigError', () => {
    const names = fc.constantFrom('home', 'ops', 'default', '');
    const anything = fc.oneof(fc.jsonValue(), fc.record({ clusters: fc.jsonValue(), users: fc.jsonValue() }));
    const shaped = fc.record({
      clusters: fc.array(fc.record({ name: names, cluster: fc.jsonValue() }), { maxLength: 2 }),
      users: fc.array(fc.record({ name: names, user: fc.jsonValue() }), { maxLength: 2 }),
      contexts: fc.array(fc.record({ name: names, context: fc.record({ cluster: names, user: names }) }), {
        maxLength: 2,
      }),
      'current-context': names,
    });
    fc.assert(
      fc.property(
        fc.oneof(
          anything.map((value) => JSON.stringify(value)),
          shaped.map((value) => JSON.stringify(value)),
          fc.string(),
        ),
        (source) => {
          try {
            selectContext(source, FILE);
          } catch (error) {
            expect(error).toBeInstanceOf(KubeconfigError);
          }
        },
      ),
    );
  });
});

describe('the files of a kubeconfig', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdover-kubeconfig-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const load = async (source: string) => {
    const file = join(folder, 'kubeconfig');
    await writeFile(file, source);
    return loadKubeconfig(file);
  };

  it('are read when it is loaded', async () => {
    await writeFile(join(folder, 'token'), 't\n');
    expect(await load(config({ server: 'http://127.0.0.1:1' }, { tokenFile: 'token' }))).toMatchObject({
      token: { file: join(folder, 'token') },
    });
  });

  it('that are missing are named with the place that names them', async () => {
    await expect(load(config({ 'certificate-authority': 'nowhere.crt' }))).rejects.toMatchObject({
      path: 'clusters[0].cluster.certificate-authority',
      message: expect.stringContaining('nowhere.crt: does not exist'),
    });
    await expect(load(config({}, { tokenFile: 'nowhere' }))).rejects.toMatchObject({ path: 'users[0].user.tokenFile' });
    await expect(loadKubeconfig(join(folder, 'absent'))).rejects.toThrow('does not exist');
  });

  it('that TLS cannot use are refused before an outage', async () => {
    const user = { 'client-certificate-data': base64(PEM), 'client-key-data': base64(PEM) };
    await expect(load(config({}, user))).rejects.toMatchObject({ path: 'users[0].user' });
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { showProblem } from '../../../services/config/load.ts';
import { readSecret } from '../../../services/config/secrets.ts';
import { UserError } from '../../../services/runtime/errors.ts';
import { check, spoil } from './sound-config.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'holdover-secrets-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

const thrownBy = (action: () => unknown): UserError => {
  try {
    action();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('a secret', () => {
  it('comes from the environment', () => {
    vi.stubEnv('HOLDOVER_TEST_SECRET', ' p w ');
    expect(readSecret({ env: 'HOLDOVER_TEST_SECRET' }, 'x')).toBe(' p w ');
  });

  it.each(['', undefined])('that is not there (%j) is missed by name', (value) => {
    vi.stubEnv('HOLDOVER_TEST_SECRET', value);
    const error = thrownBy(() => readSecret({ env: 'HOLDOVER_TEST_SECRET' }, 'switch sw1: community'));
    expect(error.message).toBe('switch sw1: community: environment variable HOLDOVER_TEST_SECRET is not set');
    expect(error.hint).toMatch(/export/);
  });

  it.each([
    ['pw', 'pw'],
    ['pw\n', 'pw'],
    ['pw\r\n', 'pw'],
    ['pw\n\n', 'pw\n'],
    ['  pw \n', '  pw '],
    ['-----BEGIN KEY-----\nabc\n-----END KEY-----\n', '-----BEGIN KEY-----\nabc\n-----END KEY-----'],
  ])('comes from a file, without the end of its last line: %j', (text, secret) => {
    const file = join(dir, 's');
    writeFileSync(file, text);
    expect(readSecret({ file }, 'x')).toBe(secret);
  });

  it.each([
    ['nothing there', 'missing', 'ENOENT'],
    ['a folder', '.', 'EISDIR'],
  ])('whose file cannot be read (%s) says which and why', (_, name, code) => {
    const file = join(dir, name);
    const error = thrownBy(() => readSecret({ file }, 'http token ann'));
    expect(error.message).toBe(`http token ann: ${file} cannot be read (${code})`);
    expect(error.hint).toBeDefined();
  });

  // Found a fault: an empty variable is refused and an empty file is not.
  it('of nothing is none, also in a file', () => {
    const file = join(dir, 's');
    writeFileSync(file, '\n');
    expect(() => readSecret({ file }, 'x')).toThrow(UserError);
  });
});

/** Where secrets belong, each to be replaced by the secret itself. */
const PLACES = [
  'switches[0].community',
  'switches[1].v3.authKey',
  'switches[1].v3.privKey',
  'hosts[1].halt.ssh.key',
  'http.tokens[0].token',
  'influx.token',
];

const told = (config: unknown): string => {
  const checked = check(config);
  return checked.ok ? '' : `${JSON.stringify(checked.problems)}\n${checked.problems.map(showProblem).join('\n')}`;
};

describe('a secret that was written into the configuration', () => {
  // Long enough not to be a word of a message by chance.
  const secret = fc.oneof(
    fc.string({ minLength: 12, maxLength: 40 }).filter((text) => text.trim().length > 10 && !/["\\]/.test(text)),
    fc.constantFrom('hunter2hunter2', '-----BEGIN OPENSSH PRIVATE KEY-----\nabcdef', 'SHA256:secretsecretsecret'),
  );
  const wrapped = (text: string): fc.Arbitrary<unknown> =>
    fc.constantFrom<unknown>(
      text,
      [text],
      { value: text },
      { password: text },
      { env: '', file: text },
      { env: [text] },
      { file: { file: text } },
    );

  it('is refused', () => {
    for (const path of PLACES) expect(check(spoil(path, 'hunter2hunter2')), path).toMatchObject({ ok: false });
  });

  it('is refused with its place and what to write instead', () => {
    for (const path of PLACES) {
      const checked = check(spoil(path, 'hunter2hunter2'));
      expect(checked.ok ? [] : checked.problems).toEqual([
        {
          severity: 'error',
          path,
          message: 'must say where the secret is, not what it is',
          tryThis: '{ env: NAME } or { file: PATH }',
        },
      ]);
    }
  });

  it('is never in any message, in whatever form it was written there', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...PLACES),
        secret.chain((text) => wrapped(text).map((value) => ({ text, value }))),
        (path, { text, value }) => {
          expect(told(spoil(path, value))).not.toContain(text);
        },
      ),
    );
  });

  it('is not in the message about another mistake beside it', () => {
    for (const path of PLACES) {
      const config = spoil(path, 'hunter2hunter2') as Record<string, unknown>;
      expect(told({ ...config, pakcs: [] })).not.toContain('hunter2');
    }
  });

  // Found faults: whole values are shown where something else than a secret was expected, and so is an alias.
  it.each([
    ['a list that was written as one', 'http.tokens', { name: 'ann', token: 'hunter2hunter2' }],
    ['a list in place of the form', 'hosts[1].halt.ssh', [{ user: 'u', key: 'hunter2hunter2' }]],
    ['an address with a password, as the form', 'mqtt', 'mqtt://ann:hunter2hunter2@10.0.0.7'],
    ['an address with a password', 'influx.url', '//ann:hunter2hunter2@10.0.0.7'],
    ['the keys of v3 in one', 'switches[1].v3', 'hunter2hunter2'],
  ])('is not shown in %s', (_, path, value) => {
    const text = told(spoil(path, value));
    expect(text).not.toBe('');
    expect(text).not.toContain('hunter2');
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { readAgentSettings } from '../../../services/agent/settings.ts';
import { UserError } from '../../../services/runtime/errors.ts';

const dir = mkdtempSync(join(tmpdir(), 'holdover-agent-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const SECRET = 'hunter2-hunter2-hunter2';
const tokenFile = join(dir, 'token');
writeFileSync(tokenFile, `${SECRET}\n`);

const sound = { service: 'http://10.0.0.5:8470', host: 'nuc1', token: { file: tokenFile } };

function read(content: unknown): ReturnType<typeof readAgentSettings> {
  const file = join(dir, 'agent.yaml');
  writeFileSync(file, typeof content === 'string' ? content : stringify(content));
  return readAgentSettings(file);
}

describe('the file of an agent', () => {
  it('needs three keys, and halts with systemctl', () => {
    expect(read(sound)).toEqual({
      service: new URL('http://10.0.0.5:8470'),
      host: 'nuc1',
      token: SECRET,
      command: ['/usr/bin/systemctl', 'poweroff'],
      timeoutMs: 30_000,
      stateDir: '/var/lib/holdover-agent',
    });
  });

  it('takes all the others', () => {
    const more = { command: ['/sbin/poweroff'], timeout: '2m', ca: tokenFile, stateDir: '/tmp/x' };
    expect(read({ ...sound, ...more })).toMatchObject({ timeoutMs: 120_000, ca: SECRET, stateDir: '/tmp/x' });
  });

  it.each([
    ['an unknown key', { ...sound, hots: 'x' }, /hots is not a known key/],
    ['no service', { ...sound, service: undefined }, /service: expected an address/],
    ['a service with a password', { ...sound, service: 'http://a:b@c' }, /service: expected/],
    ['a service that is no address', { ...sound, service: 'http://[::1' }, /service: expected/],
    ['no host', { ...sound, host: '' }, /host: expected/],
    ['a token written down', { ...sound, token: SECRET }, /token: expected \{ file: PATH \}/],
    ['a token in two places', { ...sound, token: { file: tokenFile, env: 'T' } }, /token: expected/],
    ['a token that is not there', { ...sound, token: { file: join(dir, 'nothing') } }, /cannot be read/],
    ['a command without its path', { ...sound, command: ['poweroff'] }, /command: expected/],
    ['a command of one word', { ...sound, command: '/sbin/poweroff' }, /command: expected/],
    ['no command', { ...sound, command: [] }, /command: expected/],
    ['an endless timeout', { ...sound, timeout: '3h' }, /timeout: expected/],
    ['no time at all', { ...sound, timeout: 0 }, /timeout: expected/],
    ['a relative folder', { ...sound, stateDir: 'x' }, /stateDir: expected/],
    ['a list', '- 1', /expected keys and values/],
    ['nothing', '', /expected keys and values/],
    ['no YAML', `token: [${SECRET}`, /not YAML \(line/],
  ])('%s: says so, and shows no token', (_, content, message) => {
    const reading = () => read(content);
    expect(reading).toThrow(UserError);
    expect(reading).toThrow(message);
    expect(reading).not.toThrow(SECRET);
  });

  it('refuses a token too short to be one', () => {
    writeFileSync(join(dir, 'short'), 'abc');
    expect(() => read({ ...sound, token: { file: join(dir, 'short') } })).toThrow(/fewer than 16/);
  });

  it('fails with words, whatever it is given', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (content) => {
        try {
          read(content);
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
        }
      }),
      { numRuns: 200 },
    );
  });
});

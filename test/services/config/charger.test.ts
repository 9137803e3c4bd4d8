import { describe, expect, it } from 'vitest';
import { check, sound } from './sound-config.ts';

const command = { argv: ['/usr/local/bin/set-charger', '{amps}'] };
const charger = { normalA: 30, set: { command } };

function said(change: object, more: object = {}): string[] {
  const checked = check({ ...sound(), ...more, charger: { ...charger, ...change } });
  const problems = checked.ok ? checked.warnings : checked.problems;
  return problems.filter(({ path }) => path.startsWith('charger')).map(({ path, message }) => `${path}: ${message}`);
}

describe('charger', () => {
  it('is fine with a command that takes the current', () => {
    expect(said({})).toEqual([]);
    const checked = check({ ...sound(), charger });
    expect(checked.ok && checked.config.charger).toMatchObject({ lowestA: 2, set: { command: { timeout: 15 } } });
  });

  it.each<[string, object, RegExp]>([
    ['a command without the current', { set: { command: { argv: ['/bin/true'] } } }, /\{amps\}/],
    ['a command without its path', { set: { command: { argv: ['true', '{amps}'] } } }, /whole path/],
    ['no current of its own', { normalA: 0 }, /^charger.normalA/],
    ['nothing between lowest and normal', { lowestA: 30 }, /^charger.lowestA: is not below/],
    ['no way to set it', { set: {} }, /^charger.set/],
  ])('is not fine with %s', (_what, change, expected) => {
    expect(said(change)).toEqual([expect.stringMatching(expected)]);
  });

  it('is of no use where nothing is measured', () => {
    const bare = { meters: [], packs: [], mains: {}, shutdown: {} };
    expect(said({}, bare)).toEqual([
      expect.stringMatching(/measures the circuit/),
      expect.stringMatching(/flows into it/),
    ]);
  });
});

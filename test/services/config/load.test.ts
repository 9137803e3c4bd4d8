import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkConfig, loadConfig, readConfigFile, showProblem } from '../../../services/config/load.ts';
import { nearest } from '../../../services/config/nearest.ts';
import { UserError } from '../../../services/runtime/errors.ts';
import { check, configOf, sound, spoil } from './sound-config.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'holdover-config-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const fileWith = (text: string): string => {
  const path = join(dir, 'holdover.yaml');
  writeFileSync(path, text);
  return path;
};

describe('a configuration file', () => {
  it('is read and checked', () => {
    const { config, warnings } = loadConfig(fileWith(JSON.stringify(sound())));
    expect(config.packs[0]?.id).toBe('lfp1');
    expect(warnings).toEqual([]);
  });

  it('that is shipped as the example is valid', () => {
    const checked = checkConfig(readFileSync('examples/holdover.yaml', 'utf8'));
    expect(checked).toMatchObject({ ok: true, warnings: [] });
  });

  it('that is wrong is refused with every problem in one error', () => {
    const path = fileWith('site: { name: "a b" }\nhttp: { listen: x }\n');
    expect(() => loadConfig(path)).toThrow(UserError);
    expect(() => loadConfig(path)).toThrow(
      /not a valid configuration:\n {2}error: site\.name: .*\n {2}error: http\.listen: /,
    );
  });

  it.each([
    ['does not exist', () => join(dir, 'nowhere.yaml')],
    ['cannot be read', () => dir],
  ])('that %s is named, with what to try', (why, path) => {
    const name = path();
    try {
      readConfigFile(name);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(UserError);
      expect((error as UserError).message).toBe(`${name} ${why}`);
      expect((error as UserError).hint).toBeDefined();
    }
  });

  it('that is huge is refused before it is parsed', () => {
    const path = fileWith(`# ${'x'.repeat(1_000_001)}`);
    expect(() => readConfigFile(path)).toThrow(/larger than 1000000 bytes/);
  });

  it('full of garbage is answered and not thrown', () => {
    const text = fc.oneof(fc.string(), fc.json(), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(text, (garbage) => {
        // An alias of nothing is a case of its own (mistakes.test.ts).
        fc.pre(!garbage.includes('*'));
        const checked = checkConfig(garbage);
        if (!checked.ok) expect(checked.problems.length).toBeGreaterThan(0);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a problem', () => {
  it('is told on one or two lines', () => {
    expect(showProblem({ severity: 'error', path: 'a.b', message: 'm' })).toBe('  error: a.b: m');
    expect(showProblem({ severity: 'warning', path: '', message: 'm', tryThis: 't' })).toBe(
      '  warning: the file: m\n         try: t',
    );
  });
});

describe('defaults', () => {
  it('make a whole configuration of nothing', () => {
    expect(configOf({})).toMatchObject({
      site: { name: 'rack', circuit: { volts: 110, breakerAmps: 20, continuousRatio: 0.8 } },
      packs: [],
      meters: [],
      switches: [],
      hosts: [],
      mains: { evidence: [] },
      shutdown: {
        reserveRatio: 0.1,
        margin: 1.5,
        confirmLoss: 3,
        confirmReturn: 10,
        expect: { cordon: 2, drain: 30, halt: 30, cut: 5 },
        restore: { stableFor: 60, minSoc: 0.2, groupSize: 4, groupEvery: 10, offTime: 5 },
        stages: [],
      },
      http: { listen: '127.0.0.1:8470', tokens: [], readToken: false },
    });
    expect(configOf({})).not.toHaveProperty('mqtt');
    expect(configOf({})).not.toHaveProperty('cluster');
  });

  it('are closed and careful where it matters', () => {
    const config = configOf(sound());
    expect(config.http.tokens[0]?.write).toBe(true);
    expect(configOf(spoil('http.tokens[0].write', undefined)).http.tokens[0]?.write).toBe(false);
    expect(config.mqtt).toMatchObject({ embedded: { listen: '127.0.0.1', users: [{ write: false }] } });
    expect(config.hosts[1]).toMatchObject({ protected: false, haltTimeout: 90, bootTimeout: 300, offAfterSilence: 20 });
  });

  it('name ports as text, however they were written', () => {
    expect(configOf(sound()).switches[0]?.protect).toEqual(['23', '24']);
  });
});

describe('durations', () => {
  it.each([
    ['250ms', 0.25],
    ['30s', 30],
    ['5m', 300],
    ['2h', 7200],
    ['1d', 86_400],
    ['1.5h', 5400],
    [90, 90],
    [0.5, 0.5],
  ])('%j is %d s', (text, seconds) => {
    expect(configOf(spoil('shutdown.confirmLoss', text)).shutdown.confirmLoss).toBeCloseTo(seconds, 9);
  });

  it.each(['', '5', '5 m', 'm', '-5m', '5M', '1h30m', '1e3s', '.5s', null, true, []])('%j is none', (text) => {
    expect(check(spoil('shutdown.confirmLoss', text)).ok).toBe(false);
  });
});

describe('the nearest word', () => {
  it('is found for one that is nearly right, in any case', () => {
    expect(nearest('kubconfig', ['kubeconfig', 'config'])).toBe('kubeconfig');
    expect(nearest('HOSTKEY', ['hostKey', 'host'])).toBe('hostKey');
  });

  it('is none for one that is far from all', () => {
    expect(nearest('elephant', ['id', 'every', 'host'])).toBeUndefined();
    expect(nearest('x', [])).toBeUndefined();
  });

  it('is the word itself when it is known', () => {
    const words = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), {
      minLength: 1,
      maxLength: 8,
      selector: (word) => word.toLowerCase(),
    });
    fc.assert(
      fc.property(words, (known) => {
        for (const word of known) expect(nearest(word, known)).toBe(word);
      }),
    );
  });

  // Found a fault: two changes turn any word of two letters into any other.
  it('is none for a word of which nothing is left', () => {
    expect(nearest('<<', ['id', 'ca'])).toBeUndefined();
  });
});

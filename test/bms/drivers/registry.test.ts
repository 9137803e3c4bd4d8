import { describe, expect, it } from 'vitest';
import { parseProfile } from '../../../bms/drivers/load-profiles.ts';
import { nearNames } from '../../../bms/drivers/near.ts';
import { driverFor, driverIds, UnknownDriverError } from '../../../bms/drivers/registry.ts';

function unknown(id: string): UnknownDriverError {
  try {
    driverFor(id);
  } catch (error) {
    if (error instanceof UnknownDriverError) return error;
    throw error;
  }
  throw new Error(`${id} is known`);
}

describe('the registry', () => {
  it('lists its drivers sorted, each under its own id', () => {
    expect(driverIds()).toEqual([...driverIds()].sort());
    for (const id of driverIds()) expect(driverFor(id).id).toBe(id);
  });

  it('gives the same driver every time, profiles too', () => {
    for (const id of driverIds()) expect(driverFor(id)).toBe(driverFor(id));
  });

  it('knows the names of the protocol notes', () => {
    expect(driverFor('eastron-sdm')).toBe(driverFor('sdm230'));
    expect(driverIds()).not.toContain('eastron-sdm');
  });

  it('has every alias of a profile', () => {
    for (const id of driverIds()) {
      const driver = driverFor(id);
      const aliases = 'aliases' in driver ? (driver.aliases as readonly string[]) : [];
      for (const alias of aliases) expect(driverFor(alias)).toBe(driver);
    }
  });

  it('names what a mistyped id may have meant', () => {
    expect(unknown('jdb').near).toContain('jbd');
    expect(unknown('sdm').near).toEqual(['sdm120', 'sdm230', 'sdm630']);
    expect(unknown('VE-Direct').near).toEqual(['ve-direct']);
    expect(unknown('jdb').message).toContain('did you mean jbd');
    expect(unknown('zzzzzz').message).toContain('known drivers: ');
    expect(unknown('x'.repeat(10_000)).message.length).toBeLessThan(1000);
    expect(unknown('__proto__').near).toEqual([]);
  });

  it('takes a user’s own profile before a built-in one', () => {
    const own = parseProfile(
      'profile: sdm230\ntitle: Mine\nnote: mine\nmeasures: meter\ntransport: { baud: 2400 }\nregisters: { voltageV: { addr: 0 } }',
      'own.yaml',
    );
    const other = parseProfile(
      'profile: mine\ntitle: Mine\nnote: mine\nmeasures: pack\ntransport: { baud: 2400 }\nregisters: { voltageV: { addr: 0 } }',
      'own.yaml',
    );
    expect(driverFor('sdm230', [own]).title).toBe('Mine');
    expect(driverIds([own, other])).toEqual([...driverIds(), 'mine'].sort());
  });
});

describe('near names', () => {
  it('are few, nearest first', () => {
    expect(nearNames('jbd', ['jbd-up', 'jb', 'daly', 'jbdx', 'jkd'])).toEqual(['jb', 'jbd-up', 'jbdx']);
    expect(nearNames('', ['jbd'])).toEqual([]);
  });
});

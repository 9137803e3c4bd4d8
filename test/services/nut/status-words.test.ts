import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Alarm, PackSample } from '#bms/model';
import { decimal, plain } from '../../../services/nut/server/ascii.ts';
import { bankVariables } from '../../../services/nut/server/bank-variables.ts';
import { chargerStatus, statusWords } from '../../../services/nut/server/status-words.ts';
import type { Rack } from '../../../services/rack/rack.ts';
import { fresh, packSample, rackFixture, snapshotFixture, switchSample } from '../telemetry/snapshot-fixture.ts';

const words = (rack: Partial<Rack>): string => statusWords({ ...rackFixture, ...rack }).words.join(' ');
const packWith = (more: Partial<PackSample>): Partial<Rack> => ({
  packs: { lfp1: fresh({ ...packSample, alarms: [], ...more }) },
});
const mains = (verdict: Rack['mains']['verdict']): Partial<Rack> => ({ mains: { ...rackFixture.mains, verdict } });
const flowing = (powerW: number): Partial<Rack> => ({ bank: { ...rackFixture.bank, powerW } });

describe('the words of ups.status', () => {
  it.each<[string, Partial<Rack>, string]>([
    ['mains and discharging', {}, 'OL DISCHRG'],
    ['charging', flowing(50), 'OL CHRG'],
    ['nothing flowing', flowing(-4), 'OL'],
    ['mains away', mains('absent'), 'OB DISCHRG'],
    ['no verdict yet', mains('unknown'), 'WAIT DISCHRG'],
    ['a worn pack', packWith({ sohRatio: 0.6 }), 'OL RB DISCHRG'],
    ['a broken front end', packWith({ alarms: [{ code: 'front-end-fault', level: 'warning' }] }), 'OL RB DISCHRG'],
    ['a cell too high', packWith({ alarms: [{ code: 'cell-overvoltage', level: 'protection' }] }), 'OL HB DISCHRG'],
    [
      'too cold to charge, which is daily life',
      packWith({ alarms: [{ code: 'charge-undertemperature', level: 'protection' }] }),
      'OL DISCHRG',
    ],
    [
      'a warning of undervoltage',
      packWith({ alarms: [{ code: 'cell-undervoltage', level: 'warning' }] }),
      'OL DISCHRG',
    ],
    [
      'a protection that takes the power away',
      packWith({ alarms: [{ code: 'cell-undervoltage', level: 'protection' }] }),
      'ALARM OL DISCHRG',
    ],
    ['a circuit over its limit', { circuit: { currentA: 17, limitA: 16, freshness: 'fresh' } }, 'OL OVER DISCHRG'],
    ['an old reading of the circuit', { circuit: { currentA: 17, limitA: 16, freshness: 'stale' } }, 'OL DISCHRG'],
    ['a switch over its budget', { switches: { sw1: fresh({ ...switchSample, drawnW: 401 }) } }, 'OL OVER DISCHRG'],
    [
      'a switch whose total is not believed',
      { switches: { sw1: fresh({ ...switchSample, drawnW: 401, totalTrusted: false }) } },
      'OL DISCHRG',
    ],
  ])('with %s', (_, rack, expected) => expect(words({ ...packWith({}), ...rack })).toBe(expected));

  it('come with the reason for ALARM', () => {
    const alarms: Alarm[] = [{ code: 'short-circuit', level: 'protection' }];
    expect(statusWords({ ...rackFixture, ...packWith({ alarms }) })).toEqual({
      words: ['ALARM', 'OL', 'RB', 'DISCHRG'],
      alarm: 'lfp1: short circuit',
    });
  });

  it('say nothing of a flow that is not known', () => {
    const { powerW: _p, currentA: _c, ...bank } = rackFixture.bank;
    expect(chargerStatus({ ...rackFixture, bank })).toBeUndefined();
  });
});

describe('values', () => {
  it.each([
    ['Büro "Süd" \\ 20 °C – gut', "Buro 'Sud' ' 20 ?C ? gut"],
    ['x'.repeat(300), 'x'.repeat(200)],
    ['tab\tnew\nline\u0000', 'tab?new?line?'],
  ])('%j is sent as %j', (text, sent) => expect(plain(text)).toBe(sent));

  it('are decimals without exponent and without minus nothing', () => {
    expect([decimal(-0.001, 2), decimal(1e-9, 3), decimal(1234.5678, 1), decimal(-2.345, 1)]).toEqual([
      '0.00',
      '0.000',
      '1234.6',
      '-2.3',
    ]);
  });

  it('are printable, short and named as NUT names things, whatever the devices say', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.double(), fc.double(), (text, one, two) => {
        const packs = { lfp1: fresh({ ...packSample, serial: text, temperaturesC: [one] }) };
        const bank = { ...rackFixture.bank, usableWh: two, weakestCellV: one };
        const variables = bankVariables(
          { ...snapshotFixture, site: text, rack: { ...rackFixture, packs, bank } },
          { nominalPowerW: 1, packs: 1, batteryType: text },
          { 'ups.contacts': text },
          [['ups.id', text]],
        );
        for (const [name, value] of variables) {
          expect(name).toMatch(/^[a-z][a-z0-9.]*$/);
          expect(value).toMatch(/^[\x20-\x7e]{0,200}$/);
          expect(value).not.toMatch(/["\\]|NaN|Infinity/);
        }
      }),
    );
  });
});

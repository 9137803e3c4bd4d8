import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unglued } from '../../../services/nut/client/link.ts';
import { upsSampleOf, variablesOf } from '../../../services/nut/client/ups-sample.ts';

const sampleOf = (variables: Readonly<Record<string, string>>) => upsSampleOf(new Map(Object.entries(variables)), 1000);

describe('the sample of a UPS', () => {
  it('is in SI units, with what it does not tell absent', () => {
    expect(
      sampleOf({
        'ups.status': 'OB DISCHRG LB',
        'battery.charge': '42',
        'battery.runtime': '640',
        'battery.voltage': '26.1',
        'input.voltage': '0.0',
        'ups.load': '31',
        'ups.realpower.nominal': '900',
        'device.model': 'Smart-UPS 1500',
        'device.serial': '00000000',
        'ups.firmware': 'x1',
      }),
    ).toEqual({
      kind: 'ups',
      measuredAtMs: 1000,
      mainsPresent: false,
      inputVoltageV: 0,
      loadRatio: 0.31,
      loadPowerW: 279,
      batteryVoltageV: 26.1,
      socRatio: 0.42,
      runtimeS: 640,
      mode: 'battery',
      lowBattery: true,
      forcedShutdown: false,
      model: 'Smart-UPS 1500',
      firmware: 'x1',
    });
  });

  it.each([
    ['OL', true, 'line'],
    ['OL CHRG', true, 'line'],
    ['FSD OB', false, 'battery'],
    ['OB LB', false, 'battery'],
    ['OB CAL', undefined, 'calibration'],
    ['OL OB', undefined, 'battery'],
    ['WAIT', undefined, 'waiting'],
    ['', undefined, 'unknown'],
    ['OL SOMETHING-NEW', true, 'line'],
    ['BYPASS OL', true, 'bypass'],
    ['OFF OL', true, 'standby'],
  ])('with the status "%s" says %s of mains', (status, mainsPresent, mode) => {
    const sample = sampleOf({ 'ups.status': status });
    expect(sample.mainsPresent).toBe(mainsPresent);
    expect(sample.mode).toBe(mode);
  });

  it('tells the order of a primary upstream, and what it complains of', () => {
    const sample = sampleOf({ 'ups.status': 'FSD ALARM OL RB OVER', 'ups.alarm': 'Fan failure!' });
    expect(sample.forcedShutdown).toBe(true);
    expect(sample.alarms?.map(({ detail }) => detail)).toEqual(['replace battery', 'overload', 'Fan failure!']);
  });

  it.each([
    [{ 'ups.realpower': '120', 'ups.load': '50', 'ups.realpower.nominal': '900' }, 120],
    [{ 'ups.load': '50', 'ups.realpower.nominal': '900', 'ups.power': '500' }, 450],
    [{ 'ups.power': '500', 'ups.load': '50' }, 500],
    [{ 'ups.load': '50', 'ups.power.nominal': '1500' }, 750],
    [{ 'ups.load': '50' }, undefined],
  ])('takes the load from %j', (variables, loadW) => {
    expect(sampleOf({ 'ups.status': 'OL', ...variables }).loadPowerW).toBe(loadW);
  });

  it('leaves out what is no number or cannot be', () => {
    const sample = sampleOf({
      'ups.status': 'OL',
      'battery.charge': '101',
      'battery.runtime': '1e9',
      'battery.voltage': 'n/a',
      'input.voltage': '-3',
      'ups.load': '',
    });
    expect(Object.keys(sample).sort()).toEqual([
      'forcedShutdown',
      'kind',
      'lowBattery',
      'mainsPresent',
      'measuredAtMs',
      'mode',
    ]);
  });

  it('is never made up, whatever is said', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 80 })), (values) => {
        const names = ['ups.status', 'battery.charge', 'ups.load', 'battery.runtime'];
        const sample = sampleOf(Object.fromEntries(values.map((value, index) => [names[index % 4] ?? '', value])));
        for (const value of Object.values(sample))
          if (typeof value === 'number') expect(Number.isFinite(value)).toBe(true);
        expect(sample.socRatio ?? 0).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('the lines of LIST VAR', () => {
  it('are taken apart with quotes and escapes, malformed ones left out', () => {
    const lines = [
      'VAR apc ups.status "OL"',
      'VAR apc x "a \\"b\\" c\\\\"',
      'VAR apc broken "never closed',
      'UPS apc "x"',
      'VAR apc alone',
      'VAR apc Ups.Load "7"',
    ];
    expect([...variablesOf(lines)]).toEqual([
      ['ups.status', 'OL'],
      ['x', 'a "b" c\\'],
      ['ups.load', '7'],
    ]);
  });

  it('that upsd 2.8.0 cut and glued are told apart', () => {
    const long = `VAR apc ups.alarm "${'x'.repeat(600)}"`;
    const glued = `${long.slice(0, 511)}VAR apc ups.status "OL"`;
    expect(unglued(glued)).toEqual([long.slice(0, 511), 'VAR apc ups.status "OL"']);
    expect([...variablesOf(unglued(glued))]).toEqual([['ups.status', 'OL']]);
    expect(unglued('VAR apc x "y"')).toEqual(['VAR apc x "y"']);
  });
});

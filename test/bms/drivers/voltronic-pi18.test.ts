import { describe, expect, it } from 'vitest';
import { voltronic } from '../../../bms/drivers/voltronic.ts';
import { crcXmodem, sentCrc } from '../../../bms/drivers/voltronic-frame.ts';

/** A frame as the unit sends it: the length counts data, CRC and CR. */
function frame(kind: 'D' | 'P', text: string): Uint8Array {
  const body = Uint8Array.from(Buffer.from(`^${kind}${String(text.length + 3).padStart(3, '0')}${text}`, 'latin1'));
  return Uint8Array.of(...body, ...sentCrc(crcXmodem(body)), 0x0d);
}

const told = (command: string | undefined, data: string) =>
  voltronic.decode({
    ...(command === undefined ? {} : { request: frame('P', command) }),
    response: frame('D', data),
  });

// 230.1 V grid, 231 W out, battery 52.8 V that takes 5 A and gives 0.
const GS = '2301,499,2302,500,0276,0231,005,528,527,526,000,005,087,035,030,031,0120,0080,1203,0905,0,2,1,1,1,1,1,0';
const fws = (code: string, ...set: readonly number[]) =>
  [code, ...Array.from({ length: 16 }, (_, at) => (set.includes(at) ? '1' : '0'))].join(',');

describe('an answer of a PI18 unit', () => {
  it.each([['GS'], [undefined]])('to GS is its status (asked: %s)', (command) => {
    const result = told(command, GS);
    expect(result).toMatchObject({
      ok: true,
      fields: {
        gridVoltageV: 230.1,
        gridFrequencyHz: 49.9,
        acOutVoltageV: 230.2,
        acOutVa: 276,
        acOutPowerW: 231,
        load: 0.05,
        voltageV: 52.8,
        chargeCurrentA: 5,
        dischargeCurrentA: 0,
        currentA: 5,
        socRatio: 0.87,
        heatsinkTempC: 35,
        pvPowerW: 120,
        pv2VoltageV: 90.5,
        mainsPresent: true,
        loadOn: true,
        batteryDirection: 'charging',
        lineDirection: 'input',
      },
    });
    if (!result.ok) return;
    expect(voltronic.sample(result.fields, 1)).toMatchObject({
      mainsPresent: true,
      batteryVoltageV: 52.8,
      batteryCurrentA: 5,
      loadPowerW: 231,
    });
  });

  it('tells the discharge before the charge, and no mains without a voltage', () => {
    const dark = GS.replace('2301,499', '0000,000').replace(',000,005,087', ',012,000,087');
    expect(told('GS', dark)).toMatchObject({ fields: { currentA: -12, mainsPresent: false } });
    const odd = GS.replace('2301', '----').replace(',000,005,087', ',---,005,087');
    expect(told('GS', odd)).toMatchObject({ fields: { currentA: null, mainsPresent: null, gridVoltageV: null } });
  });

  it.each([
    ['00', 'power_on'],
    ['01', 'standby'],
    ['02', 'bypass'],
    ['03', 'battery'],
    ['04', 'fault'],
    ['05', 'line'],
    ['09', 'unknown_09'],
  ])('to MOD, %s, is the mode %s', (data, mode) => {
    expect(told('MOD', data)).toMatchObject({ ok: true, fields: { mode } });
  });

  it('to FWS is what warns, and a code that is not 0 is a fault', () => {
    expect(told('FWS', fws('00'))).toMatchObject({ fields: { faultCode: 0, warnings: [] } });
    expect(told('FWS', fws('00', 0, 5, 6))).toMatchObject({
      fields: { warnings: ['line_fail', 'battery_low', 'battery_under_shutdown'] },
    });
    expect(told(undefined, fws('07', 15))).toMatchObject({
      fields: { faultCode: 7, warnings: ['inverter_fault', 'battery_too_low_to_charge_2'] },
    });
  });

  it('is refused when it has too few fields, and shown as it is when nobody knows it', () => {
    expect(told('GS', '2301,499')).toMatchObject({ error: { code: 'field_count' } });
    expect(told('FWS', '00,0,0')).toMatchObject({ error: { code: 'field_count' } });
    expect(told('MOD', 'x')).toMatchObject({ error: { code: 'malformed' } });
    expect(told('PI', '18')).toMatchObject({ fields: { protocol: 'PI18' } });
    expect(told(undefined, '96332009100452')).toMatchObject({ fields: { payload: '96332009100452' } });
  });
});

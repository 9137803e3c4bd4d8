import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeLine } from '../../../bms/drivers/decode.ts';
import { parseProfile } from '../../../bms/drivers/load-profiles.ts';
import { driverIds } from '../../../bms/drivers/registry.ts';

const CELLS = '{"request_hex":"dda50400fffc77","response_hex":"dd0400080f450f3d0f370f3dfec677"}';
const VOLTAGE = { request_hex: '01040000000271cb', response_hex: '010404436633341b38' };

function decode(driver: string, line: string | object): Record<string, unknown> {
  return JSON.parse(decodeLine(driver, typeof line === 'string' ? line : JSON.stringify(line)));
}

describe('a line', () => {
  it('gives the values as JSON', () => {
    expect(decodeLine('jbd', CELLS)).toBe('{"cellsV":[3.909,3.901,3.895,3.901]}');
  });

  it.each([
    ['', 'empty'],
    ['{', 'cut'],
    ['[]', 'a list'],
    ['null', 'null'],
    ['42', 'a number'],
    ['{"response_hex":"abc"}', 'half a byte'],
    ['{"response_hex":"zz"}', 'no hex'],
    ['{"response_hex":7}', 'a number for hex'],
    ['{"request_hex":"0","response_hex":""}', 'half a byte asked'],
    ['{"text":{}}', 'an object for text'],
    ['{"protocol":[]}', 'a list for the protocol'],
  ])('%s is an input error (%s)', (line) => {
    expect(decode('jbd', line)).toMatchObject({
      error: { code: 'input', message: expect.stringContaining('JSON object') },
    });
  });

  it('with nothing in it is silence, on every driver', () => {
    for (const id of driverIds()) expect(decode(id, {})).toMatchObject({ error: { code: 'timeout' } });
  });

  it('of an unknown driver says which are near', () => {
    expect(decode('jdb', CELLS)).toMatchObject({ error: { code: 'driver', message: expect.stringContaining('jbd') } });
  });

  it('puts what belongs to a refusal beside its code', () => {
    const line = { request_hex: 'dda52400ffdc77', response_hex: 'dd248100ff7f77' };
    expect(decode('jbd', line)).toEqual({ error: { code: 'status', message: expect.any(String), status: 129 } });
  });

  it('goes to the profile it names, whichever register driver was called', () => {
    expect(decode('sdm230', { ...VOLTAGE, profile: 'eastron-sdm' })).toEqual({ unit: 1, voltageV: 230.2 });
    expect(decode('pylontech-rt', { ...VOLTAGE, profile: 'eastron-sdm' })).toEqual({ unit: 1, voltageV: 230.2 });
    expect(decode('sdm230', { ...VOLTAGE, profile: 'nobody' })).toMatchObject({ error: { code: 'profile' } });
  });

  it('can be of a user’s own profile', () => {
    const own = parseProfile(
      'profile: mine\ntitle: Mine\nnote: mine\nmeasures: meter\ntransport: { baud: 2400 }\nregisters: { phaseV: { addr: 0, fc: 4, type: f32 } }',
      'own.yaml',
    );
    expect(decodeLine('mine', JSON.stringify(VOLTAGE), [own])).toBe('{"unit":1,"phaseV":230.2}');
  });

  it('is always answered with one line of JSON', () => {
    const hex = fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes).toString('hex'));
    const object = fc.record(
      { request_hex: hex, response_hex: hex, request_text: fc.string(), text: fc.string(), protocol: fc.string() },
      { requiredKeys: [] },
    );
    const line = fc.oneof(
      fc.string(),
      fc.json(),
      object.map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(fc.constantFrom(...driverIds(), 'nobody'), line, (driver, text) => {
        const answer = decodeLine(driver, text);
        expect(answer).not.toContain('\n');
        expect(typeof JSON.parse(answer)).toBe('object');
      }),
      { numRuns: 500 },
    );
  });
});

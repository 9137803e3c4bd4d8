import { describe, expect, it } from 'vitest';
import { decodeLine } from '../../../bms/drivers/decode.ts';
import { driverFor } from '../../../bms/drivers/registry.ts';
import { driverOf, faults, readVectors, recorded, type Vector } from './vectors.ts';

/** How many captures each file holds: a vector that silently vanished would prove nothing. */
const FILES = {
  jbd: 52,
  daly: 68,
  jk: 49,
  've-direct': 35,
  eastron: 10,
  'modbus-battery': 7,
  renogy: 12,
  epever: 17,
  pylontech: 30,
  pace: 16,
  seplos: 37,
  'victron-gx': 13,
  ina: 21,
  'i2c-sensors': 18,
  voltronic: 34,
  diybms: 14,
  sdm120: 10,
  sdm630: 4,
  sunspec: 6,
  'victron-gx-services': 7,
  growatt: 2,
} as const;

function lineOf(vector: Vector): string {
  const { request_hex, request_text, response_hex, text, protocol, profile } = vector;
  const { chip, registers, smbus_words, config, transport_error } = vector;
  const { context } = recorded(vector);
  return JSON.stringify({
    request_hex,
    request_text,
    response_hex,
    text,
    protocol,
    profile,
    context,
    chip,
    registers,
    smbus_words,
    config,
    transport_error,
  });
}

describe.each(Object.entries(FILES))('captures of %s', (file, count) => {
  const vectors = readVectors(file);

  it('are all there', () => {
    expect(vectors).toHaveLength(count);
  });

  it.each(vectors.map((vector) => [vector.name, vector] as const))('%s says what its source says', (_, vector) => {
    const result = driverFor(driverOf(vector)).decode(recorded(vector));
    const answer = result.ok ? result.fields : { error: { ...result.error.detail, ...result.error } };
    expect(faults(vector, answer)).toEqual([]);
  });

  it.each(vectors.map((vector) => [vector.name, vector] as const))('%s as a JSON line', (_, vector) => {
    const line = decodeLine(driverOf(vector), lineOf(vector));
    expect(line).not.toContain('\n');
    expect(faults(vector, JSON.parse(line))).toEqual([]);
  });
});

describe('text without hex', () => {
  const vectors = readVectors('ve-direct').filter(({ text }) => text !== undefined);

  it.each(vectors.map((vector) => [vector.name, vector] as const))('%s reads the same from its text', (_, vector) => {
    const { response_hex: _hex, ...rest } = vector;
    expect(faults(vector, JSON.parse(decodeLine('ve-direct', lineOf(rest))))).toEqual([]);
  });
});

describe('the comparison itself', () => {
  const [vector] = readVectors('jbd');

  it('sees a wrong, a missing and a refused value', () => {
    if (vector === undefined) throw new Error('no vector');
    const { fields } = driverFor('jbd').decode(recorded(vector)) as { fields: Record<string, unknown> };
    expect(faults(vector, fields)).toEqual([]);
    expect(faults(vector, { ...fields, currentA: -0.1 })).toHaveLength(1);
    expect(faults(vector, { ...fields, socRatio: undefined })).toHaveLength(1);
    expect(faults(vector, { ...fields, tempsC: [22.4, 22.3] })).toHaveLength(1);
    expect(faults(vector, { error: { code: 'checksum' } })).toHaveLength(1);
  });
});

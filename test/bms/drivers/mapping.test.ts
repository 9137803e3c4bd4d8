import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeLine } from '../../../bms/drivers/decode.ts';
import { mappingFor, mappingIds, parseMapping } from '../../../bms/drivers/load-mappings.ts';
import { ProfileError } from '../../../bms/drivers/load-profiles.ts';
import { toldNumber } from '../../../bms/drivers/told-number.ts';

/** Lines written from the notes and the public descriptions that each mapping names; not one was recorded from a device. */
interface Line {
  readonly mapping: string;
  readonly topic?: string;
  readonly request_text?: string;
  readonly text: string;
  readonly expect: Record<string, unknown>;
}

const lines = readFileSync(join(import.meta.dirname, '../../fixtures/inputs/messages.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Line);

const decode = (id: string, line: object): Record<string, unknown> => JSON.parse(decodeLine(id, JSON.stringify(line)));

describe('the built-in mappings', () => {
  it.each(lines.map((line) => [`${line.mapping} ${line.topic ?? line.request_text}`, line] as const))(
    'read %s',
    (_name, { mapping, expect: expected, ...line }) => {
      const said = decode(mapping, line);
      if ('error' in expected) expect((said.error as { code: string }).code).toBe(expected.error);
      else expect(said).toEqual(expected);
    },
  );

  it('has a line for each of them', () => {
    expect([...new Set(lines.map(({ mapping }) => mapping))].sort()).toEqual(mappingIds());
  });

  it.each(mappingIds())('%s never throws, whatever is published', (id) => {
    const topics = lines
      .filter(({ mapping }) => mapping === id)
      .map(({ topic, request_text }) => topic ?? request_text ?? '');
    const text = fc.oneof(fc.string(), fc.json(), fc.constantFrom('', '{"value":', 'null', '[]', '1e999', 'NaN', '-'));
    fc.assert(
      fc.property(fc.constantFrom(...topics), text, (topic, payload) => {
        const driver = mappingFor(id);
        const read = driver?.decode({ topic, text: payload });
        if (read?.ok === false) expect(read.error.code).toMatch(/^[a-z_]+$/);
        const numbers = JSON.stringify(read?.ok === true ? Object.values(read.fields) : []);
        expect(numbers).not.toMatch(/Infinity|NaN/);
      }),
      { numRuns: 300 },
    );
  });

  it('says which parameter is missing, and which is unknown', () => {
    const venus = mappingFor('venus-battery');
    expect(() => venus?.bind({ portal: 'c0619ab1' })).toThrow(/needs instance: the device instance/);
    expect(() => venus?.bind({ portal: 'c0619ab1', instance: '512', bank: '1' })).toThrow(/no parameter bank/);
    expect(venus?.bind({ portal: 'c0', instance: '5' }).keepAlive).toEqual({
      topic: 'R/c0/keepalive',
      payload: '',
      everyS: 25,
    });
  });

  it('listens to as many cells as the pack has', () => {
    const topics = mappingFor('batmon-ha')?.bind({ topic: 'b' }, 4).topics ?? [];
    expect(topics.filter((topic) => topic.startsWith('b/cell_voltages/'))).toEqual(
      [1, 2, 3, 4].map((n) => `b/cell_voltages/${n}`),
    );
  });
});

describe('a number that somebody wrote', () => {
  it.each([
    [52.8, 'V', 52.8],
    ['52.8', 'V', 52.8],
    [' 3301 ', 'mV', 3.301],
    ['3301 mV', 'V', 3.301],
    ['1.2 kW', 'W', 1200],
    ['97%', '%', 0.97],
    ['-4.5e1 A', 'A', -45],
    ['.5', undefined, 0.5],
  ] as const)('%j, expected in %s, is %d', (told, unit, is) => {
    expect(toldNumber(told, unit)).toBeCloseTo(is, 12);
  });

  it.each([
    ['nan', 'V'],
    ['NaN', 'V'],
    [Number.NaN, 'V'],
    [Infinity, 'V'],
    ['1e999', 'V'],
    ['', 'V'],
    ['12 A', 'V'],
    ['12 V', undefined],
    ['12,5', 'V'],
    ['0x10', 'V'],
    ['12 volts of power', 'V'],
    [true, 'V'],
    [null, 'V'],
    [[12], 'V'],
    ['constructor', 'V'],
    ['1 constructor', 'V'],
  ] as const)('%j, expected in %s, is none', (told, unit) => {
    expect(toldNumber(told, unit)).toBeUndefined();
  });
});

describe('a mapping of one’s own', () => {
  const good = `
mapping: mine
title: Mine
note: my notes
measures: meter
parameters: { topic: { about: where } }
messages: { all: { topic: '{topic}/all', timestamp: { path: at, form: s } } }
values:
  voltageV: { in: all, path: v, unit: V, min: 10, na: [999] }
  powerW: { in: all, path: p, scale: -1 }
`;

  it('is read as it says', () => {
    const bound = parseMapping(good, 'mine.yaml').bind({ topic: 'home' });
    expect(bound.read('home/all', '{"v":230,"p":-12.5,"at":1700000000}')).toEqual({
      told: [
        { name: 'voltageV', value: 230 },
        { name: 'powerW', value: 12.5 },
      ],
      alarms: [],
      atMs: 1_700_000_000_000,
    });
    expect(bound.read('home/all', '{"v":999,"at":"soon"}')).toEqual({
      told: [{ name: 'voltageV', value: undefined }],
      alarms: [],
    });
    expect(bound.read('home/all', '{"v":5}')).toMatchObject({ told: [{ name: 'voltageV', value: undefined }] });
  });

  it('does not look at more than 64 KiB', () => {
    const bound = parseMapping(good, 'mine.yaml').bind({ topic: 'home' });
    expect(bound.read('home/all', ' '.repeat(70_000))).toMatchObject({ code: 'too_long' });
  });

  it('takes no member that an object only inherits', () => {
    const bound = parseMapping(good.replace('path: v,', 'path: __proto__.length,'), 'm.yaml').bind({ topic: 'home' });
    expect(bound.read('home/all', '{}')).toMatchObject({ told: [] });
  });

  it.each([
    ['unit: V, min', 'unit: furlong, min', /values.voltageV.unit/],
    ['in: all, path: v', 'in: other, path: v', /no message is called other/],
    ['in: all, path: v', 'path: v', /either in: .* or topic:/],
    ["topic: '{topic}/all', timestamp", 'timestamp', /say topic: or request:/],
    ["'{topic}/all'", "'{topic}/#'", /without \+ and #/],
    ['scale: -1', 'list: { count: 4 }', /list: and \{n\} go together/],
    ['measures: meter', 'measures: weather', /measures/],
    ['title: Mine', 'colour: blue', /colour/],
  ])('is refused with %s as %s', (from, to, why) => {
    expect(() => parseMapping(good.replace(from, to), 'mine.yaml')).toThrow(ProfileError);
    expect(() => parseMapping(good.replace(from, to), 'mine.yaml')).toThrow(why);
  });
});

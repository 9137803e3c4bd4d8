import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LoadedScenario, loadScenario, type Scenario, showProblem } from '../../../power-planner/index.ts';
import {
  CELL_IDS,
  CONVERTER_IDS,
  cellRecord,
  converterRecord,
  LOAD_IDS,
  loadRecord,
} from '../../../power-planner/scenario/catalogue.ts';
import { nearest } from '../../../power-planner/scenario/nearest.ts';
import { checkConfig } from '../../../services/config/load.ts';
import { configSchema } from '../../../services/config/schema.ts';
import { sound as soundConfiguration } from '../../services/config/sound-config.ts';

const ROOT = join(import.meta.dirname, '../../..');
const EXAMPLES = globSync('examples/scenarios/*.yaml', { cwd: ROOT });
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

function sound(loaded: LoadedScenario): Scenario {
  if (!loaded.ok) throw new Error(loaded.problems.map(showProblem).join('\n'));
  return loaded.scenario;
}

function problems(text: string): readonly string[] {
  const loaded = loadScenario(text);
  return loaded.ok ? [] : loaded.problems.map(showProblem);
}

describe('a scenario', () => {
  it.each(EXAMPLES)('%s is sound', (path) => {
    expect(sound(loadScenario(read(path))).loads.length).toBeGreaterThan(0);
  });

  it('ships the four seed racks', () => {
    expect(EXAMPLES.map((path) => path.replace(/.*\/(.).*/, '$1'))).toEqual(
      expect.arrayContaining(['a', 'b', 'c', 'd']),
    );
  });

  it('may be next to nothing: the rest has defaults', () => {
    expect(sound(loadScenario('name: bare'))).toMatchObject({
      circuit: { volts: 110, breakerAmps: 20, continuousRatio: 0.8 },
      level: 'typical',
      temperatureC: 25,
      endHealth: 0.8,
      loads: [],
    });
  });

  it.each([
    ['a value out of its range', 'temperatureC: 300', /temperatureC: is 300: expected from -40 to 80 °C/],
    [
      'a value inside a list',
      'loads: [{ device: rpi-4b, count: 0 }]',
      /loads\[0\]\.count: is 0: expected from 1 to 1000/,
    ],
    [
      'a number that is text',
      'circuit: { volts: lots }',
      /circuit\.volts: is "lots": expected a number from 80 to 260 V/,
    ],
    ['a word that is none of the known', 'level: full', /level: is "full": expected one of idle, typical, max/],
    ['an unknown key', 'circuit: { breakerAmp: 20 }', /circuit\.breakerAmp: is not a known key\s+try: breakerAmps/],
    ['an unknown key of the whole', 'temprature: 3', /temprature: is not a known key/],
    [
      'an unknown key inside a choice of forms',
      'loads: [{ id: x, watts: { typcal: 3 } }]',
      /loads\[0\]\.watts\.typcal: is not a known key\s+try: typical/,
    ],
    [
      'a value inside a choice of forms',
      'loads: [{ id: x, watts: { typical: -3 } }]',
      /loads\[0\]\.watts\.typical: is -3: expected from 0/,
    ],
    ['none of the forms', 'inverter: good', /inverter: is "good": expected/],
    ['a missing value', 'pack: { cell: eve-lf280k }', /pack\.series: is missing: expected/],
    ['a device that is not known', 'loads: [{ device: rpi-4 }]', /loads\[0\]\.device: is "rpi-4"[\s\S]*try: rpi-/],
    ['a cell that is not known', 'pack: { cell: eve-lf280, series: 16 }', /pack\.cell[\s\S]*try: eve-lf280k/],
    [
      'a converter that is not known',
      'inverter: { converter: inverter-48v, ratedWatts: 3000 }',
      /inverter\.converter[\s\S]*try:/,
    ],
    ['a load without watts', 'loads: [{ id: x }]', /loads\[0\]\.watts: is missing/],
    ['a switch that is not there', 'loads: [{ device: rpi-4b, poe: sw1 }]', /loads\[0\]\.poe: is "sw1": no switch/],
    ['a name used twice', 'loads: [{ device: rpi-4b }, { device: rpi-4b }]', /loads\[1\]\.id: is "rpi-4b": used twice/],
    ['a stage of what is not there', 'stages: [{ name: a, off: [x], atSoc: 0.5 }]', /stages\[0\]\.off\[0\]: is "x"/],
    [
      'a stage that never comes',
      'loads: [{ device: rpi-4b }]\nstages: [{ name: a, off: [rpi-4b] }]',
      /stages\[0\]\.atSoc: is missing/,
    ],
    ['a bus upside down', 'wishes: { busVolts: [57, 44] }', /wishes\.busVolts: is \[57, 44\]/],
    ['a profile step of nothing', 'profile: { steps: [{ fromHour: 1 }] }', /profile\.steps\[0\]: expected either/],
    [
      'profile hours that fall',
      'profile: { steps: [{ fromHour: 8, level: max }, { fromHour: 3, level: idle }] }',
      /profile: step 2: fromHour is 3: expected above 8/,
    ],
    [
      'a start outside the day',
      'profile: { repeatHours: 24, startHour: 30, steps: [{ level: max }] }',
      /profile[\s\S]*startHour is 30/,
    ],
    ['text that is no map', 'just text', /is no scenario/],
    ['a list', '- 1', /is no scenario/],
    ['nothing', '', /is no scenario/],
    ['broken YAML', 'loads: [', /line 1, column/],
    ['a key twice', 'name: a\nname: b', /line \d, column/],
    ['an alias that leads nowhere', 'name: *x', /alias/],
  ])('with %s says where, what and what is allowed', (_what, text, message) => {
    expect(problems(text).join('\n')).toMatch(message);
  });

  it('answers any text and any data, without throwing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        loadScenario(text);
      }),
      { numRuns: 300 },
    );
    const keys = fc.constantFrom(
      'name',
      'circuit',
      'loads',
      'pack',
      'stages',
      'packs',
      'site',
      'hosts',
      'shutdown',
      'wishes',
    );
    fc.assert(
      fc.property(fc.dictionary(keys, fc.jsonValue()), (data) => {
        const loaded = loadScenario(JSON.stringify(data));
        if (!loaded.ok) expect(loaded.problems.length).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });

  it('refuses a file that is far too long', () => {
    expect(problems(`name: ${'x'.repeat(1_000_001)}`).join()).toMatch(/right file/);
  });
});

describe('the catalogues', () => {
  it('have the shapes the planner reads', () => {
    for (const id of LOAD_IDS) {
      expect(loadRecord(id)).toMatchObject({
        name: expect.any(String),
        at: expect.any(String),
        source: expect.any(String),
      });
    }
    for (const id of CELL_IDS) {
      const cell = cellRecord(id);
      expect(cell).toMatchObject({
        capacity_ah: expect.any(Number),
        r_dc_mohm: expect.any(Number),
        source: expect.any(Object),
      });
      expect(['lfp', 'lto-nmc', 'lto-lmo']).toContain(cell?.ocv);
    }
    for (const id of CONVERTER_IDS) expect(converterRecord(id)?.points.length).toBeGreaterThan(0);
  });
});

describe('a name that is nearly right', () => {
  it('is found, and one that is not is not', () => {
    expect(nearest('breakerAmp', ['volts', 'breakerAmps'])).toBe('breakerAmps');
    expect(nearest('tempratureC', ['temperatureC', 'coldestC'])).toBe('temperatureC');
    expect(nearest('zebra', ['volts', 'breakerAmps'])).toBeUndefined();
    expect(nearest('ab', ['xy'])).toBeUndefined();
  });
});

describe('a configuration of the service', () => {
  const SSH = `{ ssh: { user: u, key: { file: /k }, hostKey: "SHA256:${'0'.repeat(43)}" } }`;
  const configurations: readonly (readonly [string, string])[] = [
    ['the example', read('examples/holdover.yaml')],
    ['every section there is', JSON.stringify(soundConfiguration())],
    ['an empty site', 'site: {}'],
    ['no pack', 'hosts: [{ id: a, powerW: 5 }]'],
    [
      'two packs, durations of all kinds',
      `packs:
  - { id: a, driver: jbd, via: { serial: /dev/x }, chemistry: lto, cells: 20, capacityAh: 40, resistanceOhm: 0.01, cutoffCellV: 2 }
  - { id: b, driver: jbd, via: { serial: /dev/y }, chemistry: lto, cells: 20, capacityAh: 60, resistanceOhm: 0.01 }
hosts: [ { id: h, haltTimeout: 2m, address: h, halt: &ssh ${SSH} }, { id: g, address: g, halt: *ssh } ]
shutdown: { margin: 2, stages: [ { name: s, hosts: [h], after: 90 }, { name: t, hosts: [g], after: 500ms, belowSoc: 0.3 } ] }`,
    ],
  ];

  it.each(configurations)('with %s is sound for the service, and a scenario', (_what, text) => {
    expect(checkConfig(text)).toMatchObject({ ok: true });
    expect(loadScenario(text)).toMatchObject({ ok: true, source: 'configuration' });
  });

  it('is read as it is meant', () => {
    const loaded = loadScenario(configurations[4]?.[1] ?? '');
    expect(sound(loaded)).toMatchObject({
      pack: {
        cell: { chemistry: 'lto', capacityAh: 100 },
        series: 20,
        resistanceOhm: 0.005,
        cutoffCellVolts: 2,
        fuse: 'unknown',
      },
      loads: [
        { id: 'h', watts: 10, at: 'wall' },
        { id: 'g', watts: 10, at: 'wall' },
      ],
      stages: [
        { name: 's', off: ['h'], afterMinutes: 1.5 },
        { name: 't', off: ['g'], afterMinutes: 0.5 / 60, atSoc: 0.3 },
      ],
    });
    const example = sound(loadScenario(read('examples/holdover.yaml')));
    expect(example).toMatchObject({
      name: 'closet',
      circuit: { volts: 110, breakerAmps: 20 },
      reserve: { ratio: 0.1 },
    });
    expect(example.loads).toHaveLength(7);
    expect(example.loads[1]).toMatchObject({ id: 'pi1', at: 'port', poe: 'sw1' });
    expect(example.switches).toMatchObject([{ id: 'sw1', poeBudgetWatts: 400 }]);
  });

  it('tells what it had to assume', () => {
    const loaded = loadScenario(read('examples/holdover.yaml'));
    expect(loaded.ok && loaded.notes.join('\n')).toMatch(/switch takes 20 W[\s\S]*powerW/);
  });

  it('has the same defaults here and in the service', () => {
    const service = configSchema.parse({ hosts: [{ id: 'a' }] });
    const here = sound(loadScenario('hosts: [{ id: a }]'));
    expect(here.circuit).toMatchObject({
      volts: service.site.circuit.volts,
      breakerAmps: service.site.circuit.breakerAmps,
      continuousRatio: service.site.circuit.continuousRatio,
    });
    expect(here.loads[0]?.watts).toBe(service.hosts[0]?.powerW);
    expect(here.reserve).toMatchObject({ ratio: service.shutdown.reserveRatio, margin: service.shutdown.margin });
  });

  it('that says nonsense is refused with the field', () => {
    expect(problems('packs: [{ id: a, cells: -1, capacityAh: 5, chemistry: lto }]').join()).toMatch(
      /packs\[0\]\.cells: is -1/,
    );
    expect(problems('shutdown: { stages: [{ name: a, hosts: [x], after: soon }] }').join()).toMatch(
      /stages\[0\]\.after/,
    );
  });
});

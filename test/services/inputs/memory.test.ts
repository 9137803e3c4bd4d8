import { describe, expect, it } from 'vitest';
import { parseMapping } from '../../../bms/drivers/load-mappings.ts';
import { mappingFor } from '../../../bms/index.ts';
import { InputError } from '../../../services/inputs/input-error.ts';
import { Memory } from '../../../services/inputs/memory.ts';

const WALL_MS = Date.parse('2025-03-01T12:00:00Z');

/** A memory of one device, `s` seconds into its life. */
function memoryOf(id: string, parameters: Record<string, string>, cells = 4, staleAfterS = 30) {
  const driver = mappingFor(id);
  if (driver === undefined) throw new Error(id);
  return remembering(new Memory(driver, driver.bind(parameters, cells), staleAfterS * 1000));
}

function remembering(memory: Memory) {
  const arrival = (s: number, retained = false) => ({ monoMs: 1e6 + s * 1000, wallMs: WALL_MS + s * 1000, retained });
  return {
    memory,
    told: (s: number, topic: string, text: string, retained = false) => memory.take(topic, text, arrival(s, retained)),
    alive: (s: number) => memory.alive(arrival(s)),
    at: (s: number) => memory.sample(1e6 + s * 1000, WALL_MS + s * 1000),
    why: (s: number): string => {
      try {
        memory.sample(1e6 + s * 1000, WALL_MS + s * 1000);
        return 'it is there';
      } catch (error) {
        return error instanceof InputError ? error.code : String(error);
      }
    },
  };
}

const timed = parseMapping(
  `
mapping: timed
title: With a time
note: here
measures: pack
messages: { all: { topic: a, timestamp: { path: at, form: iso } } }
values: { voltageV: { in: all, path: v } }
`,
  'timed.yaml',
);

describe('what is remembered of a device', () => {
  it('is a sample when all it needs was heard', () => {
    const { told, at, why } = memoryOf('batmon-ha', { topic: 'b' });
    told(0, 'b/soc/total_voltage', '13.2');
    expect(why(0)).toBe('incomplete');
    told(1, 'b/soc/current', '-2.5');
    expect(at(2)).toEqual({ kind: 'pack', measuredAtMs: WALL_MS + 1000, voltageV: 13.2, currentA: -2.5 });
  });

  it('is nothing while only kept messages came, which nobody can date', () => {
    const { told, why, at, memory } = memoryOf('esphome', { topic: 'n' });
    for (const [topic, text] of [
      ['n/sensor/jbd_bms_total_voltage/state', '13.2'],
      ['n/sensor/jbd_bms_current/state', '1'],
      ['n/sensor/jbd_bms_nominal_capacity/state', '100'],
      ['n/status', 'online'],
    ] as const)
      told(0, topic, text, true);
    expect(why(0)).toBe('silent');
    expect(memory.staleAtMs).toBeUndefined();
    told(3, 'n/sensor/jbd_bms_total_voltage/state', '13.1');
    expect(why(3)).toBe('incomplete');
    told(4, 'n/sensor/jbd_bms_current/state', '1.5');
    // What does not change was believed.
    expect(at(4)).toMatchObject({ voltageV: 13.1, currentA: 1.5, ratedAh: 100 });
  });

  it('goes by the time in the payload, where there is one', () => {
    const { told, why, at } = remembering(new Memory(timed, timed.bind({}), 30_000));
    told(0, 'a', '{"v":13.2,"at":"2025-03-01T11:59:00Z"}', true);
    expect(why(0)).toBe('stale');
    told(0, 'a', '{"v":13.3,"at":"2025-03-01T11:59:50Z"}', true);
    expect(at(0)).toMatchObject({ voltageV: 13.3, measuredAtMs: WALL_MS - 10_000 });
    expect(why(21)).toBe('stale');
    // Without a zone it is no time, and a kept message from the future is not believed.
    told(30, 'a', '{"v":13.4,"at":"2025-03-01T12:00:30"}', true);
    told(30, 'a', '{"v":13.4,"at":"2031-03-01T12:00:30Z"}', true);
    expect(why(30)).toBe('stale');
    told(31, 'a', '{"v":13.5,"at":"2025-03-01T12:00:30Z"}');
    expect(at(31)).toMatchObject({ voltageV: 13.5, measuredAtMs: WALL_MS + 30_000 });
  });

  it('lets every value grow old by itself', () => {
    const { told, at } = memoryOf('serialbattery-json', { topic: 'a' });
    told(0, 'a', '{"voltage":13.2,"soc":80,"cells":[{"voltage":3.3},{"voltage":3.3},{"voltage":3.3},{"voltage":3.3}]}');
    told(20, 'a', '{"voltage":13.1}');
    expect(at(29)).toMatchObject({ voltageV: 13.1, socRatio: 0.8, cellsV: [3.3, 3.3, 3.3, 3.3] });
    expect(Object.keys(at(31))).toEqual(['kind', 'measuredAtMs', 'voltageV']);
  });

  it('holds what is withheld for as long as the publisher is heard', () => {
    const { told, alive, at, why } = memoryOf('batmon-ha', { topic: 'b' });
    told(0, 'b/soc/total_voltage', '13.2');
    told(0, 'b/soc/current', '0');
    told(29, 'b/temperatures/1', '21');
    expect(at(58)).toMatchObject({ voltageV: 13.2, currentA: 0, temperaturesC: [21] });
    expect(why(60)).toBe('stale');
    alive(70);
    expect(at(99)).toMatchObject({ voltageV: 13.2 });
    expect(why(101)).toBe('stale');
  });

  it('is over at once when the publisher’s will says so, and begins anew', () => {
    const { told, why, at } = memoryOf('esphome', { topic: 'n' });
    const both = (s: number) => {
      told(s, 'n/sensor/jbd_bms_total_voltage/state', '13.2');
      told(s, 'n/sensor/jbd_bms_current/state', '1');
    };
    both(0);
    told(1, 'n/status', 'offline');
    expect(why(1)).toBe('offline');
    told(2, 'n/status', 'online');
    expect(why(2)).toBe('silent');
    both(3);
    expect(at(3)).toMatchObject({ voltageV: 13.2 });
  });

  it('tells a list of cells only when none is missing', () => {
    const { told, at } = memoryOf('batmon-ha', { topic: 'b' });
    told(0, 'b/soc/total_voltage', '13.2');
    told(0, 'b/soc/current', '0');
    for (const cell of [1, 2, 4]) told(0, `b/cell_voltages/${cell}`, `3.30${cell}`);
    expect(at(0)).not.toHaveProperty('cellsV');
    told(1, 'b/cell_voltages/3', '3.303');
    expect(at(1)).toMatchObject({ cellsV: [3.301, 3.302, 3.303, 3.304] });
    told(2, 'b/cell_voltages/3', '');
    expect(at(2)).not.toHaveProperty('cellsV');
  });

  it('maps alarms, which grow old as well', () => {
    const { told, at } = memoryOf('diybms-mqtt', {});
    told(0, 'diybms/rule', '{"4":1,"13":1,"0":0}');
    told(20, 'diybms/bank/0', '{"voltage":12.1}');
    expect(at(20)).toMatchObject({
      alarms: [
        { code: 'cell-undervoltage', level: 'protection' },
        { code: 'cell-imbalance', level: 'warning' },
      ],
    });
    expect(at(40)).toMatchObject({ alarms: [] });
  });

  it('refuses what cannot be true, and is not disturbed by what cannot be read', () => {
    const { told, why, memory } = memoryOf('serialbattery-json', { topic: 'a' });
    told(0, 'a', '{"voltage":13.2,"soc":180}');
    expect(why(0)).toBe('implausible');
    told(1, 'a', '{"voltage":13.2,"soc":80}');
    told(2, 'a', 'garbage');
    expect(memory.refusal).toMatch(/a: JSON is expected/);
    expect(why(2)).toBe('it is there');
  });

  it('turns the current round where the board counts it so', () => {
    const { told, memory } = memoryOf('serialbattery-json', { topic: 'a' });
    told(0, 'a', '{"voltage":13.2,"current":5}');
    expect(memory.sample(1e6, WALL_MS, true)).toMatchObject({ currentA: -5 });
  });
});

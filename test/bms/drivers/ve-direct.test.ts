import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Decoded, Fields } from '../../../bms/drivers/driver.ts';
import { veDirect } from '../../../bms/drivers/ve-direct.ts';
import { productClass } from '../../../bms/drivers/ve-direct-products.ts';
import { type TextEvent, VeDirectText } from '../../../bms/drivers/ve-direct-text.ts';
import { readVectors, recorded } from './vectors.ts';

const vectors = readVectors('ve-direct');

function bytes(name: string): Uint8Array {
  const vector = vectors.find((known) => known.name === name);
  if (vector === undefined) throw new Error(`no vector ${name}`);
  return recorded(vector).response ?? new Uint8Array();
}

function fields(name: string): Fields {
  const result = veDirect.decode({ response: bytes(name) });
  if (!result.ok) throw new Error(result.error.message);
  return result.fields;
}

/** A block with a right checksum. */
function block(values: Readonly<Record<string, string>>): Uint8Array {
  const text = `${Object.entries(values)
    .map(([label, value]) => `\r\n${label}\t${value}`)
    .join('')}\r\nChecksum\t`;
  const body = Buffer.from(text, 'latin1');
  const sum = body.reduce((total, byte) => total + byte, 0);
  return Uint8Array.from([...body, (256 - (sum & 255)) & 255]);
}

function kinds(events: readonly TextEvent[]): string[] {
  return events.map(({ kind }) => kind);
}

const recordings = vectors
  .filter(({ name }) => !name.startsWith('hex_'))
  .map((vector) => recorded(vector).response ?? new Uint8Array());

describe('the text stream', () => {
  it('gives the same blocks and frames however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.constantFrom(...recordings), fc.array(fc.nat(), { maxLength: 12 }), (recording, cuts) => {
        const whole = new VeDirectText().push(recording, 0);
        const parser = new VeDirectText();
        const ends = [...cuts.map((cut) => cut % (recording.length + 1)), recording.length].sort((a, b) => a - b);
        const pieces = ends.flatMap((end, at) => parser.push(recording.subarray(ends[at - 1] ?? 0, end), at));
        expect(pieces).toEqual(whole);
      }),
    );
  });

  it('survives noise and then finds the second block at the latest', () => {
    const good = block({ PID: '0x203', V: '12065' });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (noise) => {
        const parser = new VeDirectText();
        parser.push(noise, 0);
        // The stream pauses between blocks: whatever the noise began is over by then.
        const found = [...parser.push(good, 900), ...parser.push(good, 1900)];
        expect(kinds(found)).toEqual(['block', 'block']);
      }),
      { numRuns: 300 },
    );
  });

  it('takes any byte as the checksum: every value of it makes a block', () => {
    for (let salt = 0; salt < 256; salt += 1) {
      // Two bytes of text that move the sum over all residues.
      const value = String.fromCharCode(0x80 + (salt >> 1), 0x80 + ((salt + 1) >> 1));
      const sent = block({ PID: '0x203', BMV: value });
      expect(kinds(new VeDirectText().push(Uint8Array.from([...sent, ...sent]), 0)), `byte ${sent.at(-1)}`).toEqual([
        'block',
        'block',
      ]);
    }
  });

  it('lets an asynchronous frame fall between any two bytes of a block', () => {
    const sent = block({ PID: '0x203', V: '12065', I: '-7625' });
    const frame = Buffer.from(':A0102000543\n');
    // Not in front of the checksum byte: there a colon is the checksum.
    for (let at = 0; at < sent.length - 1; at += 1) {
      const stream = Uint8Array.from([...sent.subarray(0, at), ...frame, ...sent.subarray(at)]);
      expect(kinds(new VeDirectText().push(stream, 0)).sort(), `at ${at}`).toEqual(['block', 'hex']);
    }
  });

  it('forgets a block that pauses for more than half a second', () => {
    const sent = block({ PID: '0x203', V: '12065' });
    const parser = new VeDirectText();
    expect(parser.push(sent.subarray(0, 12), 1000)).toEqual([]);
    expect(kinds(parser.push(sent.subarray(12), 1501))).toEqual(['bad-block']);
    expect(parser.push(sent.subarray(0, 12), 3000)).toEqual([]);
    expect(kinds(parser.push(sent.subarray(12), 3500))).toEqual(['block']);
  });

  it('bounds labels, values, fields and frames, and goes on with the next block', () => {
    const good = block({ PID: '0x203' });
    const tooMany = Object.fromEntries(Array.from({ length: 23 }, (_, at) => [`X${at}`, '1']));
    for (const bad of [
      block({ LABELTOOLONG: '1' }),
      block({ V: '1'.repeat(33) }),
      block(tooMany),
      Buffer.from(`\r\nV\t:${'A'.repeat(5000)}`),
      Buffer.from(`\r\n${'X'.repeat(100_000)}`),
    ]) {
      const parser = new VeDirectText();
      expect(kinds(parser.push(bad, 0)).filter((kind) => kind === 'block')).toEqual([]);
      expect(kinds(parser.push(good, 100))).toEqual(['block']);
    }
    const longest = Object.fromEntries(Array.from({ length: 22 }, (_, at) => [`LABEL_${at}`, '9'.repeat(32)]));
    expect(kinds(new VeDirectText().push(block(longest), 0))).toEqual(['block']);
  });

  it('begins a block at a lone LF and counts what has come', () => {
    const body = Buffer.from('\nPID\t0x203\r\nChecksum\t');
    const sum = body.reduce((total, byte) => total + byte, 0);
    const parser = new VeDirectText();
    expect(kinds(parser.push(Uint8Array.from([...body, (256 - (sum & 255)) & 255]), 0))).toEqual(['block']);
  });

  it('is good again right after a block whose checksum byte was lost', () => {
    const sent = block({ PID: '0x203', V: '12065' });
    const lost = Uint8Array.from([...sent.subarray(0, -1), ...sent]);
    expect(kinds(new VeDirectText().push(lost, 0))).toEqual(['bad-block', 'block']);
  });
});

describe('the stream parser', () => {
  it('reports each block by itself, bad ones as refusals, and keeps quiet about HEX frames', () => {
    const stream = bytes('bluesolar_async_hex_between_blocks');
    const results = veDirect.parser().push(stream, 0);
    expect(results.map(({ ok }) => ok)).toEqual([true, true, true]);
    const bad: readonly Decoded[] = veDirect.parser().push(bytes('text_one_digit_corrupted'), 0);
    expect(bad).toMatchObject([{ ok: false, error: { code: 'checksum' } }]);
  });

  it('passes over labels nobody documented, those of objects included', () => {
    const [result] = veDirect.parser().push(block({ PID: '0xA389', toString: '1', XYZ: '2', V: '12000' }), 0);
    expect(result).toEqual({ ok: true, fields: { productId: 0xa389, voltageV: 12 } });
  });

  it('says null where the device says ---, -1 minutes or nonsense', () => {
    const sent = block({ SOC: '---', TTG: '-1', T: '', V: '12x', Alarm: 'maybe', CS: '99', AR: '-3' });
    const [result] = veDirect.parser().push(sent, 0);
    expect(result).toEqual({
      ok: true,
      fields: {
        socRatio: null,
        timeToGoS: null,
        tempC: null,
        voltageV: null,
        alarm: null,
        chargeState: 'unknown_99',
        alarmReasons: null,
      },
    });
  });
});

describe('a VE.Direct sample', () => {
  it('merges main and history block of a battery monitor', () => {
    const merged = { ...fields('bmv700_history'), ...fields('bmv700_discharging_main') };
    expect(veDirect.sample(merged, 9)).toEqual({
      kind: 'pack',
      measuredAtMs: 9,
      voltageV: 12.065,
      currentA: -7.625,
      powerW: -92,
      socRatio: 0.839,
      timeToEmptyS: 56520,
      cycles: 0,
      energyInWh: 85270,
      energyOutWh: 68430,
      alarms: [],
      model: '700',
      firmware: '0308',
    });
  });

  it('has nothing where the monitor is not synchronised and has no sensor', () => {
    const sample = veDirect.sample(fields('unsynchronised_dashes_and_mixed_case_alarm'), 1);
    expect(Object.keys(sample).sort()).toEqual(
      ['alarms', 'currentA', 'firmware', 'kind', 'measuredAtMs', 'model', 'powerW', 'voltageV'].sort(),
    );
    expect(sample.alarms?.map(({ code }) => code)).toEqual(['pack-undervoltage', 'low-soc']);
  });

  it('gives no time to empty while nothing is drawn', () => {
    expect(veDirect.sample(fields('smartshunt500_full_idle'), 1).timeToEmptyS).toBeUndefined();
  });

  it('takes only the voltage from a shunt that watches one load, a charger and an unknown product', () => {
    const main = fields('bmv700_discharging_main');
    for (const told of [
      { ...main, monitorMode: 3 },
      { ...main, monitorMode: -9 },
      { ...main, productId: 0xa042 },
      { ...main, productId: 0x1234 },
    ]) {
      const sample = veDirect.sample(told, 1);
      expect(sample.voltageV).toBe(12.065);
      for (const key of ['socRatio', 'currentA', 'powerW', 'timeToEmptyS'] as const)
        expect(sample[key]).toBeUndefined();
    }
    expect(veDirect.sample({ ...main, monitorMode: 0 }, 1).socRatio).toBe(0.839);
    const { productId: _, ...without } = main;
    expect(veDirect.sample(without, 1).socRatio).toBe(0.839);
  });

  it('reports a charger’s error and an alarm without a reason', () => {
    expect(veDirect.sample(fields('mppt_external_control_bms_lost'), 1).alarms).toEqual([
      { code: 'vendor', level: 'warning', detail: 'charger error 67' },
    ]);
    const main = { ...fields('bmv700_discharging_main'), alarm: true };
    expect(veDirect.sample(main, 1).alarms).toEqual([{ code: 'vendor', level: 'warning', detail: 'alarm' }]);
  });
});

describe('the class of a product', () => {
  it('comes from its id', () => {
    expect([0x203, 0xa381, 0xa389, 0xa38b].map(productClass)).toEqual(Array(4).fill('battery-monitor'));
    expect([0x300, 0xa042, 0xa05f, 0xa117].map(productClass)).toEqual(Array(4).fill('solar-charger'));
    expect([0xa201, 0xa340, 0xa3f0, 0xffff, null].map(productClass)).toEqual([
      'inverter',
      'charger',
      'converter',
      'unknown',
      'unknown',
    ]);
    expect(productClass(undefined)).toBe('battery-monitor');
  });
});

describe('HEX answers', () => {
  const hex = (text: string, request?: string) =>
    veDirect.decode({ response: Buffer.from(text), ...(request ? { request: Buffer.from(request) } : {}) });

  it('need the request to tell a product from a version', () => {
    expect(hex(':181A330\n', ':451\n')).toMatchObject({ fields: { productId: 0xa381 } });
    expect(hex(':181A330\n', ':352\n')).toMatchObject({ fields: { firmware: '3.81', firmwareKind: 'tester' } });
    expect(hex(':181A330\n')).toMatchObject({ fields: { productId: 0xa381 } });
  });

  it('refuse what is cut, odd, or no hex', () => {
    expect(hex(':7001000C8007\n')).toMatchObject({ error: { code: 'truncated' } });
    expect(hex(':7001000C80076')).toMatchObject({ error: { code: 'truncated' } });
    expect(hex(':70010ZZ0C80076\n')).toMatchObject({ error: { code: 'header' } });
    expect(hex(':\n')).toMatchObject({ error: { code: 'truncated' } });
  });

  it.each([
    [':7D5ED00C914AF', { chargerVoltageV: 53.21 }],
    [':7D7ED007B000F', { chargerCurrentA: 12.3 }],
    [':7BCED00F1FB0900B0', { pvPowerW: 6543.21 }],
    [':7DBED0000FE88', { chargerTempC: -5.12 }],
    [':7BBED00FFFFA8', { pvVoltageV: null }],
    [':7ECED00FFFF77', { tempC: null }],
  ])('of a solar charger: %s', (text, fields) => {
    expect(hex(`${text}\n`)).toMatchObject({ ok: true, fields });
  });

  it('say that the device does not know a command', () => {
    expect(hex(':352\n')).toMatchObject({ error: { code: 'unknown_command' } });
  });
});

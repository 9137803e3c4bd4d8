import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { journalOutages, RecordingError, readRecording } from '../../../power-planner/index.ts';

const problemsOf = (text: string): readonly string[] => {
  try {
    readRecording(text);
  } catch (error) {
    if (error instanceof RecordingError) return error.problems;
    throw error;
  }
  return [];
};

describe('a recording', () => {
  it('is CSV with a header, or JSON lines, in the names people use', () => {
    const wanted = [
      { seconds: 0, volts: 52.8, amperes: 6 },
      { seconds: 10, volts: 52.7, amperes: 6.5 },
    ];
    for (const text of [
      'time,v,a\n0,52.8,6\n10,52.7,6.5\n',
      '# from a shunt\nTime;Voltage (V);Current (A)\r\n100;52.8;6\r\n110;52.7;6.5',
      '"t"\t"Voltage_V"\t"I"\n0\t52.8\t6\n10\t52.7\t6.5',
      '{"time":0,"v":52.8,"a":6}\n\n{"time":10,"v":52.7,"a":6.5}',
      '{"t":0,"voltage":52.8,"power":316.8}\n{"t":10,"voltage":52.7,"power":342.55}',
    ]) {
      const { readings, beganMs } = readRecording(text);
      expect(readings).toHaveLength(2);
      for (const [i, one] of readings.entries()) {
        expect(one.seconds).toBeCloseTo(wanted[i]?.seconds ?? Number.NaN, 9);
        expect(one.volts).toBe(wanted[i]?.volts);
        expect(one.amperes).toBeCloseTo(wanted[i]?.amperes ?? Number.NaN, 9);
      }
      expect(beganMs).toBeUndefined();
    }
  });

  it('may be samples of holdover’s own, where positive current charges', () => {
    const line = (at: number, amps: number, soc: number) =>
      JSON.stringify({ kind: 'pack', measuredAtMs: at, voltageV: 52.8, currentA: amps, socRatio: soc });
    const { readings, beganMs, notes } = readRecording(`${line(1.7e12, -6, 0.99)}\n${line(1.7e12 + 5000, -6, 0.98)}\n`);
    expect(readings).toEqual([
      { seconds: 0, volts: 52.8, amperes: 6, socRatio: 0.99 },
      { seconds: 5, volts: 52.8, amperes: 6, socRatio: 0.98 },
    ]);
    expect(beganMs).toBe(1.7e12);
    expect(notes).toEqual(['its current is negative while the pack discharges: turned round']);
  });

  it('knows a discharge from the refill after it, whatever the sign', () => {
    const rows = (sign: number): string => {
      const lines = ['t,v,a'];
      for (let i = 0; i < 100; i++) lines.push(`${i * 60},${53 - i * 0.02},${sign * 6}`);
      for (let i = 0; i < 300; i++) lines.push(`${(100 + i) * 60},${52 + i * 0.008},${sign * -12}`);
      return lines.join('\n');
    };
    for (const sign of [1, -1]) {
      const { readings } = readRecording(rows(sign));
      expect(readings[0]?.amperes).toBe(6);
      expect(readings.at(-1)?.amperes).toBe(-12);
    }
  });

  it('takes times of day and per cent', () => {
    const { readings, beganMs } = readRecording(
      'timestamp,V,W,SOC\n2026-03-01T10:00:00Z,50,500,99%\n2026-03-01T10:00:30Z,50,500,98\n',
    );
    expect(beganMs).toBe(Date.UTC(2026, 2, 1, 10));
    expect(readings.map(({ seconds, socRatio }) => [seconds, socRatio])).toEqual([
      [0, 0.99],
      [30, 0.98],
    ]);
    expect(readRecording('t,v,a\n1700000000,50,1\n1700000001,50,1').beganMs).toBe(1.7e12);
  });

  it('leaves out a time that was there already, and says so', () => {
    const { readings, notes } = readRecording('t,v,a\n0,50,1\n1,50,1\n1,50,2\n2,50,1');
    expect(readings).toHaveLength(3);
    expect(notes).toEqual([expect.stringMatching(/^1 readings? of a time/)]);
  });

  it.each([
    ['', ['the file is empty']],
    ['# nothing\n', ['the file is empty']],
    ['t,v,a\n', ['there is no reading in it']],
    ['when,v,a\n0,1,2', [expect.stringMatching(/^line 1: expected a header .* e.g. time,v,a$/)]],
    ['t,v,a\n0,52,6\nx,52,6\n20,52,6', [expect.stringMatching(/^line 3: time is "x": expected seconds/)]],
    ['t,v,a\n0,52,6\n10,,6', [expect.stringMatching(/^line 3: V is missing/)]],
    [
      't,v,a\n0,-1,6\n10,52,',
      [expect.stringMatching(/^line 2: V is "-1"/), expect.stringMatching(/^line 3: A is missing/)],
    ],
    ['t,v,a\n10,52,6\n5,52,6', [expect.stringMatching(/^line 3: time is "5": expected no earlier/)]],
    ['t,v,a\n0,52,6\n2026-01-01T00:00:00Z,52,6', [expect.stringMatching(/^line 3: time has another form/)]],
    ['t,v,a,soc\n0,52,6,200', [expect.stringMatching(/^line 2: the state of charge is 200/)]],
    ['{"t":0,"v":52,"a":1}\n{"t":', ['line 2: expected one JSON object']],
    ['{"t":0,"v":52,"a":1}\n[]', ['line 2: expected one JSON object']],
    ['{"t":0,"v":null,"a":1}', [expect.stringMatching(/^line 1: V is null/)]],
  ])('%j is refused with its lines', (text, problems) => {
    expect(problemsOf(text)).toEqual(problems);
  });

  it('of garbage is refused or read, but nothing else happens, and the message stays short', () => {
    const cell = fc.oneof(fc.double(), fc.string({ maxLength: 8 }), fc.constantFrom('1e400', '-', '0x10', '∞', '1,5'));
    const csv = fc.array(fc.array(cell, { maxLength: 5 }), { maxLength: 30 });
    fc.assert(
      fc.property(csv, (rows) => {
        const text = ['t,v,a,w,soc', ...rows.map((row) => row.join(','))].join('\n');
        for (const one of problemsOf(text)) expect(one).toMatch(/^line \d+: |^there is no reading|^the file/);
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => void problemsOf(text)));
    try {
      readRecording(`t,v,a\n${'x,y,z\n'.repeat(10_000)}`);
    } catch (error) {
      expect((error as Error).message.length).toBeLessThan(1000);
    }
  });
});

describe('an answer of the history', () => {
  const series = (name: string, mean: readonly (number | null)[], pack?: string) => ({
    name,
    labels: pack === undefined ? {} : { pack },
    min: mean,
    mean,
    max: mean,
    last: mean,
  });
  const answer = (...columns: readonly object[]): string =>
    JSON.stringify(
      { stepMs: 10_000, more: false, atMs: [1.7e12, 1.7e12 + 10_000, 1.7e12 + 20_000], series: columns },
      null,
      1,
    );

  it('is a recording, without the steps in which nothing was known', () => {
    const { readings, beganMs, notes } = readRecording(
      answer(
        series('holdover_pack_voltage_volts', [1, 1, 1], 'other'),
        series('holdover_bank_voltage_volts', [53, null, 52.8]),
        series('holdover_bank_current_amperes', [-6, -6, -7]),
        series('holdover_bank_soc_ratio', [0.9, 0.9, null]),
      ),
    );
    expect(readings).toEqual([
      { seconds: 0, volts: 53, amperes: 6, socRatio: 0.9 },
      { seconds: 20, volts: 52.8, amperes: 7 },
    ]);
    expect(beganMs).toBe(1.7e12);
    expect(notes).toEqual([]);
    const pack = answer(
      series('holdover_pack_voltage_volts', [53, 53, 53], 'a'),
      series('holdover_pack_current_amperes', [-1, -1, -1], 'b'),
      series('holdover_pack_current_amperes', [-6, -6, -7], 'a'),
    );
    expect(readRecording(pack).readings[0]?.amperes).toBe(6);
  });

  it('that lacks something is refused with what to ask for', () => {
    const volts = series('holdover_pack_voltage_volts', [53, 53, 53], 'a');
    expect(problemsOf(answer())).toEqual([expect.stringMatching(/no voltage in it: ask for \/api\/v1\/history/)]);
    expect(problemsOf(answer(volts))).toEqual([expect.stringMatching(/no current in it/)]);
    expect(problemsOf(answer(volts, { ...volts, labels: { pack: 'b' } }))).toEqual([
      'it holds the packs a, b: leave one in it, or ask for the bank',
    ]);
    expect(problemsOf('{"atMs":[1],"series":[null,7,{"name":"x"}]}')).toHaveLength(1);
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (atMs, columns) => {
        problemsOf(JSON.stringify({ atMs, series: columns }));
      }),
    );
  });
});

describe('the journal', () => {
  const line = (wallMs: number, entry: object): string => JSON.stringify({ seq: 1, wallMs, entry });

  it('tells when mains was away, and which stages went down', () => {
    const text = [
      line(1000, { kind: 'phase', phase: 'mains', because: 'x' }),
      line(2000, { kind: 'phase', phase: 'on-battery', because: 'mains is away', runId: 'r' }),
      line(3000, { kind: 'stage', stage: 'batch', began: true }),
      line(3500, { kind: 'phase', phase: 'shutting-down', because: 'x' }),
      'not a line',
      line(4000, { kind: 'something new' }),
      line(5000, { kind: 'phase', phase: 'restoring', because: 'mains is back' }),
      line(6000, { kind: 'phase', phase: 'mains', because: 'x' }),
      line(7000, { kind: 'phase', phase: 'on-battery', because: 'x' }),
      '{"seq":9,"wallMs":80',
    ].join('\n');
    expect(journalOutages(text)).toEqual([
      { beganMs: 2000, endedMs: 5000, stages: [{ name: 'batch', atMs: 3000 }] },
      { beganMs: 7000, endedMs: undefined, stages: [] },
    ]);
  });

  it('never throws', () => {
    expect(journalOutages('')).toEqual([]);
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (values) => {
        journalOutages(values.map((value) => JSON.stringify(value)).join('\n'));
      }),
    );
    expect(journalOutages(`${line(1, { kind: 'phase', phase: 7 })}\nnull\n{"wallMs":1,"entry":null}`)).toEqual([
      { beganMs: 1, endedMs: undefined, stages: [] },
    ]);
  });
});

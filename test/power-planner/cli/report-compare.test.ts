import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { runPlanner } from '../../../power-planner/index.ts';
import { recordedOutage } from '../compare/outages.ts';

const dir = mkdtempSync(join(tmpdir(), 'power-planner-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

class Sink extends Writable {
  text = '';
  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

async function planner(...args: readonly string[]): Promise<{ status: number; out: string; err: string }> {
  const [stdout, stderr] = [new Sink(), new Sink()];
  const status = await runPlanner(args, { stdin: Readable.from([]), stdout, stderr, environment: {} });
  return { status, out: stdout.text, err: stderr.text };
}

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

const rack = file('rack.yaml', 'packWatts: 400\npack: { cell: eve-lf105, series: 16, wiringMohm: 0 }\n');

describe('report', () => {
  it('writes a page or Markdown, by the name of the file', async () => {
    const page = join(dir, 'out.html');
    expect(await planner('report', rack, '--out', page)).toMatchObject({ status: 0, out: '', err: `wrote ${page}\n` });
    expect(readFileSync(page, 'utf8')).toMatch(/^<!doctype html>/);
    const text = join(dir, 'out.md');
    expect((await planner('report', `--out=${text}`, rack)).status).toBe(0);
    expect(readFileSync(text, 'utf8')).toMatch(/^# rack: power plan\n/);
    const said = await planner('report', rack);
    expect(said.out).toBe(readFileSync(text, 'utf8'));
  });

  it('gives plain figures for programs, and takes the options of a scenario', async () => {
    const { status, out } = await planner('report', rack, '--json', '--load', '800');
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      name: 'rack',
      runtime: { packW: 800 },
      size: {},
      parts: expect.any(Array),
    });
  });

  it('refuses what it cannot write', async () => {
    for (const out of ['report.pdf', '--json']) {
      const { status, err } = await planner('report', rack, '--out', out);
      expect(status).toBe(2);
      expect(err).toContain('expected a name with .html or .md');
    }
    expect((await planner('report', rack, '--out', join(dir, 'no', 'where.html'))).err).toMatch(/cannot be written/);
    expect((await planner('report', join(dir, 'none.yaml'), '--out', join(dir, 'never.md'))).status).toBe(2);
    expect(existsSync(join(dir, 'never.md'))).toBe(false);
  });
});

describe('compare', () => {
  const readings = recordedOutage({
    pack: { cell: { ocv: 'lfp', capacityAh: 105, resistanceMohm: 1 }, series: 16, parallel: 1, capacityFactor: 0.8 },
    socStart: 1,
    powerW: (s) => (s < 120 ? 0 : 500 + (s % 1800 < 300 ? 150 : 0)),
  });
  const beganMs = 1_700_000_000_000;
  const csv = (time: (seconds: number) => number): string =>
    ['time,v,a', ...readings.map(({ seconds, volts, amperes }) => [time(seconds), volts, amperes].join(','))].join(
      '\n',
    );
  const outage = file(
    'outage.csv',
    csv((seconds) => beganMs + seconds * 1000),
  );

  it('says how far the plan was off, for people and for programs', async () => {
    const page = await planner('compare', outage, '--scenario', rack, '--soc', '1');
    expect([page.status, page.err]).toEqual([0, '']);
    expect(page.out).toMatch(/runtime .*% too high/);
    expect(page.out).toMatch(/capacity: 105 Ah → 8[345].* Ah/);
    expect(page.out).toMatch(/load: 400 W → 5\d\d W/);
    const data = JSON.parse((await planner('compare', outage, '--scenario', rack, '--soc', '1', '--json')).out);
    expect(Math.abs(data.fit.capacityRatio.value - 0.8)).toBeLessThan(0.02);
    expect(data.hours.ratio).toBeGreaterThan(0.4);
    expect(data.measured.toCutoff).toBe(true);
  });

  it('takes its times from the journal', async () => {
    const line = (wallMs: number, entry: object): string => JSON.stringify({ seq: 1, wallMs, entry });
    const journal = file(
      'journal.jsonl',
      [
        line(beganMs - 1e9, { kind: 'phase', phase: 'on-battery' }),
        line(beganMs - 9e8, { kind: 'phase', phase: 'mains' }),
        line(beganMs + 120_000, { kind: 'phase', phase: 'on-battery' }),
        line(beganMs + 3_720_000, { kind: 'stage', stage: 'batch', began: true }),
        line(beganMs + 4 * 3_600_000, { kind: 'phase', phase: 'restoring' }),
      ].join('\n'),
    );
    const { out } = await planner('compare', outage, '--scenario', rack, '--soc', '1', '--journal', journal);
    expect(out).toMatch(/recorded +3\.9\d h.*it ends before the cut-off/);
    expect(out).toContain('batch after 1 h');
    const first = await planner('compare', outage, '--scenario', rack, '--journal', journal, '--outage', '1');
    expect(first.err).toMatch(/0 readings of a discharge/);
    const third = await planner('compare', outage, '--scenario', rack, '--journal', journal, '--outage', '3');
    expect(third.err).toMatch(/tells of 2 outages, --outage is 3/);
    const counting = file(
      'counting.csv',
      csv((seconds) => seconds),
    );
    expect((await planner('compare', counting, '--scenario', rack, '--journal', journal)).err).toMatch(/only counts/);
  });

  it.each([
    [['compare'], /one recording is expected/],
    [['compare', outage], /--scenario is missing/],
    [['compare', outage, '--scenario', rack, '--soc', '2'], /--soc is "2": expected above 0, at most 1/],
    [['compare', outage, '--scenario', rack, '--outage', '0'], /--outage is "0"/],
    [['compare', outage, '--what'], /Unknown option '--what'/],
    [['compare', join(dir, 'none.csv'), '--scenario', rack], /none.csv does not exist/],
    [['compare', rack, '--scenario', rack], /rack.yaml: line 1: expected a header/],
    [['compare', outage, '--scenario', rack, '--journal', rack], /tells of no outage/],
    [['compare', outage, '--scenario', file('bare.yaml', 'name: bare')], /has no pack/],
  ] as const)('refuses %j', async (args, said) => {
    const { status, err, out } = await planner(...args);
    expect([status, out]).toEqual([2, '']);
    expect(err).toMatch(said);
    expect(err).not.toContain('    at ');
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { evalFile, evalStream } from '../../../services/cli/plan.ts';

const ASK = '{"id":"a","kind":"circuit","inputs":{"v":110,"breaker_a":20,"loads":[{"w":261,"pf":0.95}]}}';

class Collector extends Writable {
  text = '';
  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString();
    setImmediate(done);
  }
  get answers(): unknown[] {
    return this.text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  }
}

const dir = mkdtempSync(join(tmpdir(), 'holdover-plan-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('plan eval', () => {
  it('answers every line in order, in whatever pieces they come', async () => {
    const text = `${ASK}\r\n\n  \nnot json\n${ASK.replace('"a"', '2')}`;
    for (const chunks of [[text], [...text]]) {
      const output = new Collector();
      expect(await evalStream(Readable.from(chunks), output)).toBe(0);
      expect(output.answers).toMatchObject([
        { id: 'a', result: { ok: true, limit_a: 16 }, warnings: [] },
        { id: null, error: { code: 'not-json' } },
        { id: 2, result: { ok: true } },
      ]);
    }
  });

  it('keeps up with a slow reader and gives up on one that has gone', async () => {
    const lines = Array.from({ length: 500 }, () => `${ASK}\n`);
    const slow = new Collector({ highWaterMark: 64 });
    await evalStream(Readable.from(lines), slow);
    expect(slow.answers).toHaveLength(500);
    const gone = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) });
    expect(await evalStream(Readable.from(lines), gone)).toBe(0);
  });

  it.each([
    ['a document with cases', `{"cases":[${ASK},${ASK}]}`, 2],
    ['a list', `[\n${ASK}\n]`, 1],
    ['one case on many lines', JSON.stringify(JSON.parse(ASK), null, 1), 1],
    ['lines', `${ASK}\n\n${ASK}\n${ASK}\n`, 3],
  ])('reads a file: %s', async (_what, text, count) => {
    const path = join(dir, 'cases.json');
    writeFileSync(path, text);
    const output = new Collector();
    expect(await evalFile(path, output)).toBe(0);
    expect(output.answers).toHaveLength(count);
    for (const answer of output.answers) expect(answer).toMatchObject({ id: 'a', result: { ok: true } });
  });

  it('says which file it could not read', async () => {
    await expect(evalFile(join(dir, 'absent.json'), new Collector())).rejects.toThrow(/absent\.json/);
  });
});

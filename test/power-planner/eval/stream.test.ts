import { Readable, Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateLine, readableId } from '../../../power-planner/eval/evaluate.ts';
import { linesOf } from '../../../power-planner/eval/lines.ts';
import { evalDocument, evalLines } from '../../../power-planner/eval/stream.ts';

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

async function* chunks(...parts: readonly (string | Buffer)[]): AsyncGenerator<string | Buffer> {
  yield* parts;
}

describe('cases on a stream', () => {
  it('are answered in order, in whatever pieces they come', async () => {
    const text = `${ASK}\r\n\n  \nnot json\n${ASK.replace('"a"', '2')}`;
    for (const pieces of [[text], [...text], [Buffer.from(text)]]) {
      const output = new Collector();
      await evalLines(Readable.from(pieces), output);
      expect(output.answers).toMatchObject([
        { id: 'a', result: { ok: true, limit_a: 16 }, warnings: [] },
        { id: null, error: { code: 'not-json' } },
        { id: 2, result: { ok: true } },
      ]);
    }
  });

  it('of a slow reader wait, and a reader that has gone ends them', async () => {
    const lines = Array.from({ length: 500 }, () => `${ASK}\n`);
    const slow = new Collector({ highWaterMark: 64 });
    await evalLines(Readable.from(lines), slow);
    expect(slow.answers).toHaveLength(500);
    let read = 0;
    async function* endless(): AsyncGenerator<string> {
      for (;;) {
        read++;
        yield `${ASK}\n`;
      }
    }
    const gone = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) });
    await evalLines(endless(), gone);
    expect(read).toBeLessThan(100);
  });

  it('that are too long are answered with an error and their id, and the next goes on', async () => {
    const output = new Collector();
    const long = `{"id":"huge","kind":"circuit","inputs":{"x":"${'y'.repeat(1_200_000)}"}}`;
    const pieces = long.match(/.{1,70000}/g) ?? [];
    await evalLines(chunks(`${ASK}\n`, ...pieces, `\n${ASK}`), output);
    expect(output.answers).toMatchObject([
      { id: 'a', result: {} },
      { id: 'huge', error: { code: 'too-long' } },
      { id: 'a', result: {} },
    ]);
  });

  it('may be garbage of any kind: as many answers as lines that are not blank', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: 'binary', maxLength: 40 }), { maxLength: 12 }), async (garbage) => {
        const lines = garbage.map((text) => text.replaceAll('\n', ' '));
        const output = new Collector();
        await evalLines(chunks(lines.join('\n')), output);
        expect(output.answers).toHaveLength(lines.filter((line) => line.trim() !== '').length);
        for (const answer of output.answers) expect(answer).toMatchObject({ error: { code: expect.any(String) } });
      }),
      { numRuns: 100 },
    );
  });
});

describe('lines', () => {
  const collect = async (parts: readonly (string | Buffer)[], most = 20): Promise<unknown[]> => {
    const lines: unknown[] = [];
    for await (const line of linesOf(chunks(...parts), most)) lines.push(line);
    return lines;
  };

  it('hold a character that came in two pieces together', async () => {
    const bytes = Buffer.from('"°"\nx');
    expect(await collect([bytes.subarray(0, 2), bytes.subarray(2)])).toEqual([
      { text: '"°"', tooLong: false },
      { text: 'x', tooLong: false },
    ]);
  });

  it('end at their limit and begin again after the next break', async () => {
    expect(await collect(['a'.repeat(20), '\n', 'b'.repeat(21), 'b', '\nc'])).toMatchObject([
      { tooLong: false },
      { tooLong: true },
      { text: 'c', tooLong: false },
    ]);
  });

  it('are the same however the text is cut', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', '\n', 'é', ' '), maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 9 }), async (whole, size) => {
        const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, i) =>
          whole.slice(i * size, (i + 1) * size),
        );
        expect(await collect(pieces, 1000)).toEqual(await collect([whole], 1000));
      }),
    );
  });
});

describe('a line that is not JSON', () => {
  it.each([
    ['{"id":"a7","kind":"circuit"', 'a7'],
    ['{"id": -3.5, "kind": nonsense}', -3.5],
    [`{"kind":"circuit","id":"say \\"x\\"",}`, 'say "x"'],
    ['no id at all', null],
    ['{"id":', null],
    ['{"id":"cut off', null],
  ])('%s keeps its id', (line, id) => {
    expect(readableId(line)).toEqual(id);
    expect(evaluateLine(line)).toMatchObject({ id, error: { code: 'not-json' } });
  });
});

describe('a document', () => {
  it.each([
    ['with cases', `{"cases":[${ASK},${ASK}]}`, 2],
    ['that is a list', `[\n${ASK}\n]`, 1],
    ['that is one case on many lines', JSON.stringify(JSON.parse(ASK), null, 1), 1],
  ])('%s is answered', async (_what, text, count) => {
    const output = new Collector();
    expect(await evalDocument(text, output)).toBe(true);
    expect(output.answers).toHaveLength(count);
    for (const answer of output.answers) expect(answer).toMatchObject({ id: 'a', result: { ok: true } });
  });

  it('that is lines is left to be read as such', async () => {
    const output = new Collector();
    expect(await evalDocument(`${ASK}\n${ASK}`, output)).toBe(false);
    expect(output.text).toBe('');
  });
});

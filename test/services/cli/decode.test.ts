import { PassThrough, Readable, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { decodeStream } from '../../../services/cli/decode.ts';
import { readVectors } from '../../bms/drivers/vectors.ts';

const CELLS = '{"request_hex":"dda50400fffc77","response_hex":"dd0400080f450f3d0f370f3dfec677"}';
const ANSWER = '{"cellsV":[3.909,3.901,3.895,3.901]}';

class Collector extends Writable {
  text = '';
  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }
}

async function run(driver: string, chunks: readonly (string | Buffer)[]) {
  const output = new Collector();
  const errors = new Collector();
  const status = await decodeStream(driver, Readable.from(chunks, { objectMode: true }), output, errors);
  return { status, lines: output.lines, errors: errors.text };
}

describe('decode', () => {
  it('answers every line in order, in whatever pieces they come', async () => {
    const text = Buffer.from(`${CELLS}\n{"note":"°"}\r\n\n   \n${CELLS}`);
    const pieces = Array.from(text, (byte) => Buffer.of(byte));
    for (const chunks of [[text], pieces]) {
      const { status, lines } = await run('jbd', chunks);
      expect(status).toBe(0);
      expect(lines).toHaveLength(3);
      expect([lines[0], lines[2]]).toEqual([ANSWER, ANSWER]);
      expect(JSON.parse(lines[1] ?? '')).toMatchObject({ error: { code: 'timeout' } });
    }
  });

  it('reads a whole file of captures', async () => {
    const vectors = readVectors('jbd');
    const { lines } = await run(
      'jbd',
      vectors.map((vector) => `${JSON.stringify(vector)}\n`),
    );
    expect(lines).toHaveLength(vectors.length);
    const refused = lines.filter((line) => JSON.parse(line).error !== undefined).length;
    expect(refused).toBe(vectors.filter(({ expect: wanted }) => wanted.error !== undefined).length);
  });

  it('bounds a line and goes on with the next', async () => {
    const piece = 'x'.repeat(100_000);
    const { lines } = await run('jbd', [piece, piece, piece, piece, `\n${CELLS}\n`, `${'y'.repeat(300_000)}`]);
    expect(lines).toHaveLength(3);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      error: { code: 'input', message: expect.stringMatching(/longer/) },
    });
    expect(lines[1]).toBe(ANSWER);
    expect(JSON.parse(lines[2] ?? '')).toMatchObject({ error: { code: 'input' } });
  });

  it('answers garbage with an error and goes on', async () => {
    const { status, lines } = await run('jbd', [`garbage\n${CELLS}\n`, Buffer.of(0xff, 0xfe, 10)]);
    expect(status).toBe(0);
    expect(lines.map((line) => JSON.parse(line).error?.code)).toEqual(['input', undefined, 'input']);
  });

  it('ends with 2 for an unknown driver, and reads nothing', async () => {
    const { status, lines, errors } = await run('jdb', [CELLS]);
    expect(status).toBe(2);
    expect(lines).toEqual([]);
    expect(errors).toMatch(/decode: no driver is called "jdb"; did you mean jbd/);
  });

  it('writes nothing for an empty input', async () => {
    expect(await run('jbd', [])).toEqual({ status: 0, lines: [], errors: '' });
  });

  it('waits for a slow reader', async () => {
    const output = new PassThrough({ highWaterMark: 16 });
    const input = Readable.from(Array.from({ length: 200 }, () => `${CELLS}\n`));
    const status = decodeStream('jbd', input, output);
    let text = '';
    const reading = (async () => {
      for await (const chunk of output) text += chunk;
    })();
    expect(await status).toBe(0);
    output.end();
    await reading;
    expect(text.split('\n').filter((line) => line === ANSWER)).toHaveLength(200);
  });

  it('ends when nobody reads the output any more', async () => {
    let written = 0;
    const output = new Writable({
      write(_, __, done) {
        written += 1;
        done(written === 3 ? Object.assign(new Error('broken pipe'), { code: 'EPIPE' }) : null);
      },
    });
    async function* endless() {
      for (;;) yield `${CELLS}\n`;
    }
    expect(await decodeStream('jbd', Readable.from(endless()), output)).toBe(0);
    expect(written).toBe(3);
  });
});

import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { Spool } from '../../../services/telemetry/spool.ts';
import { Workshop } from './peers.ts';

const workshop = new Workshop();
afterEach(() => workshop.clean());

const batch = (text: string, lines = 1) => ({ body: Buffer.from(text), lines });
const textOf = (waiting: { readonly body: Uint8Array } | undefined): string | undefined =>
  waiting === undefined ? undefined : Buffer.from(waiting.body).toString();

async function opened(dir: string, limits: Partial<ConstructorParameters<typeof Spool>[1]> = {}): Promise<Spool> {
  const spool = new Spool(dir, { maxBytes: 1 << 20, ...limits });
  await spool.open();
  return spool;
}

/** Takes everything out, in order. */
async function drained(spool: Spool): Promise<string[]> {
  const texts: string[] = [];
  for (let waiting = await spool.oldest(); waiting !== undefined; waiting = await spool.oldest()) {
    texts.push(textOf(waiting) ?? '');
    await spool.done(waiting);
  }
  return texts;
}

const segments = (dir: string): string[] =>
  readdirSync(dir)
    .filter((name) => name.endsWith('.spool'))
    .toSorted();

describe('the spool', () => {
  it('gives back in order what was put in, and keeps it until it is done', async () => {
    const spool = await opened(join(workshop.folder(), 'spool'));
    for (const text of ['a', 'b', 'c']) await spool.append(batch(text, 2));
    expect([spool.lines, spool.empty]).toEqual([6, false]);
    expect([textOf(await spool.oldest()), textOf(await spool.oldest())]).toEqual(['a', 'a']);
    expect(await drained(spool)).toEqual(['a', 'b', 'c']);
    expect([spool.lines, spool.bytes, spool.empty, spool.lost]).toEqual([0, 0, true, 0]);
  });

  it('goes on after a restart where it was, in order, with the new behind the old', async () => {
    const dir = workshop.folder();
    const first = await opened(dir, { segmentBytes: 40 });
    for (const text of ['a', 'b', 'c', 'd', 'e']) await first.append(batch(`${text}${text}`));
    const taken = await first.oldest();
    if (taken) await first.done(taken);
    const second = await opened(dir, { segmentBytes: 40 });
    expect(second.lines).toBe(4);
    await second.append(batch('ff'));
    expect(await drained(second)).toEqual(['bb', 'cc', 'dd', 'ee', 'ff']);
    expect(segments(dir)).toEqual([]);
    const third = await opened(dir);
    await third.append(batch('gg'));
    expect(await drained(third)).toEqual(['gg']);
  });

  it.each([1, 5, 13])(
    'leaves out a batch whose last %i bytes a crash has torn off, and nothing else',
    async (bytes) => {
      const dir = workshop.folder();
      const first = await opened(dir);
      for (const text of ['whole one', 'whole two', 'torn']) await first.append(batch(text));
      const [name = ''] = segments(dir);
      const path = join(dir, name);
      truncateSync(path, readFileSync(path).length - bytes);
      const second = await opened(dir);
      expect(second.lines).toBe(2);
      await second.append(batch('after'));
      expect(await drained(second)).toEqual(['whole one', 'whole two', 'after']);
      expect(second.lost).toBe(0);
    },
  );

  it('survives garbage in its folder', async () => {
    const dir = workshop.folder();
    const first = await opened(dir);
    await first.append(batch('good'));
    appendFileSync(join(dir, segments(dir)[0] ?? ''), Buffer.alloc(500, 7));
    writeFileSync(join(dir, '0000000099.spool'), Buffer.alloc(64));
    writeFileSync(join(dir, 'cursor'), 'nonsense');
    writeFileSync(join(dir, 'notes.txt'), 'somebody else’s');
    mkdirSync(join(dir, '0000000098.spool'));
    const second = await opened(dir);
    await second.append(batch('new'));
    expect(await drained(second)).toEqual(['good', 'new']);
    expect(existsSync(join(dir, 'notes.txt'))).toBe(true);
  });

  it('reads a file from its beginning when the note of how far it was makes no sense', async () => {
    const dir = workshop.folder();
    const first = await opened(dir);
    for (const text of ['a', 'b']) await first.append(batch(text));
    writeFileSync(join(dir, 'cursor'), '1 3\n');
    expect(await drained(await opened(dir))).toEqual(['a', 'b']);
  });

  it('drops the oldest when it is full, and counts its lines', async () => {
    const dir = workshop.folder();
    const spool = await opened(dir, { maxBytes: 1000 });
    for (let at = 0; at < 100; at += 1) await spool.append(batch(`${at}`.padStart(88, '.'), 3));
    expect(spool.bytes).toBeLessThanOrEqual(1000);
    expect(spool.lines + spool.lost).toBe(300);
    const texts = (await drained(spool)).map((text) => Number(text.replaceAll('.', '')));
    expect(texts.length).toBeGreaterThan(6);
    expect(texts).toEqual(Array.from({ length: texts.length }, (_, at) => 100 - texts.length + at));
  });

  it('is not confused when what is under way is crowded out', async () => {
    const spool = await opened(workshop.folder(), { maxBytes: 400 });
    await spool.append(batch('x'.repeat(80)));
    const waiting = await spool.oldest();
    for (let at = 0; at < 10; at += 1) await spool.append(batch(`${at}`.padStart(80)));
    const { lines } = spool;
    if (waiting) await spool.done(waiting);
    expect(spool.lines).toBe(lines);
    expect((await drained(spool)).at(-1)?.trim()).toBe('9');
  });

  it('takes word of the same batch twice', async () => {
    const spool = await opened(workshop.folder());
    for (const text of ['a', 'b', 'c']) await spool.append(batch(text));
    const [first, again] = [await spool.oldest(), await spool.oldest()];
    for (const waiting of [first, again]) if (waiting) await spool.done(waiting);
    expect(spool.lines).toBe(2);
    expect(await drained(spool)).toEqual(['b', 'c']);
  });

  it('says that the disk is full, keeps nothing of that batch, and goes on when there is room', async () => {
    const dir = workshop.folder();
    const spool = await opened(dir);
    await spool.append(batch('before'));
    for (const number of [1, 2, 3]) {
      const path = join(dir, `${number}`.padStart(10, '0').concat('.spool'));
      if (!existsSync(path)) symlinkSync('/dev/full', path);
    }
    // The first file is real; a batch that does not fit into it needs the next one.
    const big = 'x'.repeat(300_000);
    await expect(spool.append(batch(big))).rejects.toThrow(/ENOSPC/);
    await expect(spool.append(batch(big))).rejects.toThrow(/ENOSPC/);
    await spool.append(batch(big));
    expect(await drained(spool)).toEqual(['before', big]);
  });

  it('cannot be opened where it cannot write, and says so', async () => {
    await expect(opened('/dev/null/spool')).rejects.toThrow(/ENOTDIR/);
  });

  it('loses nothing and turns nothing round, whatever is done in whatever order', async () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.constant('append' as const) },
      { weight: 3, arbitrary: fc.constant('take' as const) },
      { weight: 1, arbitrary: fc.constant('restart' as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const dir = workshop.folder();
        const limits = { segmentBytes: 60 };
        let spool = await opened(dir, limits);
        const put: string[] = [];
        const got: string[] = [];
        for (const what of steps) {
          if (what === 'append') {
            put.push(`n${put.length}`);
            await spool.append(batch(put.at(-1) ?? ''));
          } else if (what === 'take') {
            const waiting = await spool.oldest();
            if (waiting === undefined) continue;
            got.push(textOf(waiting) ?? '');
            await spool.done(waiting);
          } else spool = await opened(dir, limits);
        }
        expect(spool.lines).toBe(put.length - got.length);
        expect([...got, ...(await drained(spool))]).toEqual(put);
      }),
      { numRuns: 40 },
    );
  });
});

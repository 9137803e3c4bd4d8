import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal, readJournal } from '../../../services/shutdown/journal.ts';
import type { JournalEntry } from '../../../services/shutdown/state.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'holdover-journal-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const note = (text: string): JournalEntry => ({ kind: 'note', text });
const texts = (lines: readonly { entry: JournalEntry }[]): string[] =>
  lines.map(({ entry }) => (entry.kind === 'note' ? entry.text : entry.kind));

describe('Journal', () => {
  it('gives back what was written, numbered on', () => {
    const first = new Journal(dir, () => 1000);
    first.open();
    expect(first.append([note('a'), note('b')])).toBe(true);
    first.close();
    const second = new Journal(dir, () => 2000);
    expect(texts(second.open().lines)).toEqual(['a', 'b']);
    second.append([note('c')]);
    expect(second.tail(2).map(({ seq, wallMs }) => [seq, wallMs])).toEqual([
      [2, 1000],
      [3, 2000],
    ]);
    second.close();
  });

  it('cuts off a torn last line and goes on after it', () => {
    const journal = new Journal(dir, () => 0);
    journal.open();
    journal.append([note('whole')]);
    journal.close();
    appendFileSync(journal.path, '{"seq":2,"wallMs":0,"entry":{"kind":"no');
    const again = new Journal(dir, () => 0);
    expect(again.open()).toMatchObject({ damage: [] });
    again.append([note('next')]);
    again.close();
    expect(texts(readJournal(again.path).lines)).toEqual(['whole', 'next']);
  });

  it('names a damaged line and keeps the others', () => {
    const path = join(dir, 'journal.jsonl');
    const line = (seq: number): string => JSON.stringify({ seq, wallMs: 0, entry: note(`n${seq}`) });
    writeFileSync(path, `${line(1)}\n\u0000garbage\n${line(3)}\n`);
    const { lines, damage } = readJournal(path);
    expect(texts(lines)).toEqual(['n1', 'n3']);
    expect(damage).toEqual(['line 2 is not a journal line']);
  });

  it('keeps what the disk refused and writes it later', () => {
    const journal = new Journal(dir, () => 0);
    expect(journal.append([note('early')])).toBe(false);
    expect(journal.failure).toMatch(/not open/);
    journal.open();
    expect(journal.append([])).toBe(true);
    expect(journal.failure).toBeUndefined();
    journal.close();
    expect(texts(readJournal(journal.path).lines)).toEqual(['early']);
  });

  it('never throws on what it finds', () => {
    const path = join(dir, 'journal.jsonl');
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.json()), { maxLength: 8 }), (rows) => {
        writeFileSync(path, rows.join('\n'));
        expect(readJournal(path).lines.length).toBeLessThanOrEqual(
          rows.length + readFileSync(path, 'utf8').split('\n').length,
        );
      }),
      { numRuns: 50 },
    );
  });
});

import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

const MODULE = new URL('../../../services/runtime/small-heap.ts', import.meta.url).href;

/** In a process of its own: what is set here is set for all of a process. */
const ASK = `
const { getHeapCodeStatistics } = await import('node:v8');
const { keepHeapSmall, forgetStart } = await import(process.argv[1]);
keepHeapSmall();
const once = Array.from({ length: 3000 }, (_, at) => new Function('x', 'let y = x + ' + at + '; while (y > 1) y -= x * ' + at + ' + 1; return y * 2;'));
const before = once.reduce((sum, each) => sum + each(1), 0);
const code = () => getHeapCodeStatistics().bytecode_and_metadata_size;
const began = code();
forgetStart();
const ended = code();
console.log(JSON.stringify({ began, ended, same: once.reduce((sum, each) => sum + each(1), 0) === before, gc: typeof gc }));`;

describe('a small heap', () => {
  it('gives back the code of what ran once, which still runs when it is called again', () => {
    const answer = execFileSync(process.execPath, ['--input-type=module', '-e', ASK, MODULE], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const { began, ended, same, gc } = JSON.parse(answer) as Record<string, number>;
    expect(ended).toBeLessThan((began ?? 0) / 2);
    expect(same).toBe(true);
    expect(gc).toBe('undefined');
  });
});

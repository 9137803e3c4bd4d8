import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { Zone } from '../../../services/runtime/zone.ts';

const ZONES = ['Europe/Berlin', 'America/St_Johns', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Pacific/Apia', 'UTC'];
const MODULE = new URL('../../../services/runtime/zone.ts', import.meta.url).href;

/** Runs in a process of its own: a zone of the machine is one for all of a process. */
const ASK = `
const { Zone } = await import(process.argv[1]);
const said = {};
for (const name of process.argv.slice(2)) {
  process.env.TZ = name;
  const own = new Zone();
  const from = Date.UTC(2025, 0, 1);
  const offsets = Array.from({ length: 2 * 365 * 24 }, (_, hour) => own.offsetMs(from + hour * 3_600_000));
  said[name] = { offsets, name: own.name };
}
console.log(JSON.stringify(said));`;

describe('a time zone', () => {
  it('is the same whether it is the machine’s own or named, every hour of two years', () => {
    const answer = execFileSync(process.execPath, ['--input-type=module', '-e', ASK, MODULE, ...ZONES], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const said = JSON.parse(answer) as Record<string, { offsets: number[]; name: string }>;
    for (const name of ZONES) {
      const named = new Zone(name);
      const from = Date.UTC(2025, 0, 1);
      const differ = (said[name]?.offsets ?? [Number.NaN]).filter(
        (offset, hour) => offset !== named.offsetMs(from + hour * 3_600_000),
      );
      expect(differ, name).toEqual([]);
      expect(new Set(said[name]?.offsets).size, name).toBe(
        ['Asia/Kolkata', 'UTC', 'Pacific/Apia'].includes(name) ? 1 : 2,
      );
      expect(named.name.replace('Calcutta', 'Kolkata'), name).toBe(said[name]?.name.replace('Calcutta', 'Kolkata'));
    }
  });

  it('is refused when nobody knows it', () => {
    expect(() => new Zone('Europe/Nowhere')).toThrow(RangeError);
  });
});

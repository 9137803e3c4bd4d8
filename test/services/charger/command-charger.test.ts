import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandCharger } from '../../../services/charger/index.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdover-charger-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const sh = (script: string, ...more: readonly string[]) => ['/bin/sh', '-c', script, 'set', ...more];

describe('a charger that is set by a command', () => {
  it('gets the current in its arguments, and its secrets as variables', async () => {
    const out = join(folder, 'out');
    const argv = sh('echo "$1 $TOKEN" > "$2"', 'A={amps}', out);
    const charger = commandCharger({ argv, timeout: 30 }, { TOKEN: 'hush' });
    expect(await charger.setCurrent(12.34)).toEqual({ code: 'done' });
    expect(readFileSync(out, 'utf8')).toBe('A=12.3 hush\n');
  });

  it('says what went wrong, without its secrets', async () => {
    const failing = commandCharger(
      { argv: sh('echo "no $TOKEN here" >&2; exit 3', '{amps}'), timeout: 30 },
      { TOKEN: 'hush' },
    );
    const outcome = await failing.setCurrent(5);
    expect(outcome).toMatchObject({
      code: 'refused',
      detail: expect.stringMatching(/charger: .*status 3: no \*\*\* here/),
    });
    const absent = commandCharger({ argv: [join(folder, 'absent'), '{amps}'], timeout: 30 }, {});
    expect(await absent.setCurrent(5)).toMatchObject({ code: 'refused' });
    const slow = commandCharger({ argv: sh('sleep 60', '{amps}'), timeout: 0.1 }, {});
    expect(await slow.setCurrent(5)).toMatchObject({ code: 'timeout' });
  });
});

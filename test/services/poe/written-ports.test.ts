import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openSwitch } from '../../../services/poe/index.ts';
import { configOf } from './fake-device.ts';

/** A user's own commands want `07`; everywhere else that port is 7. */

const dir = mkdtempSync(join(tmpdir(), 'holdover-written-ports-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const config = configOf('exec', {
  ports: ['07', '10'],
  protect: ['010'],
  settle: '100ms',
  status: { command: ['/bin/echo', '{"07":"on","10":"on","7":"off"}'], read: { json: { enabled: '{port}' } } },
  on: { command: ['/usr/bin/touch', join(dir, 'on-{port}')] },
  off: { command: ['/usr/bin/touch', join(dir, 'off-{port}')] },
});

it('calls port 07 of a command port 7, and gives the command what was written', async () => {
  const poe = openSwitch(config, {});
  const { ports } = await poe.read();
  expect(ports.map(({ port, enabled }) => [port, enabled])).toEqual([
    ['7', true],
    ['10', true],
  ]);
  expect((await poe.setPorts(['7', '10'], false)).map(({ code }) => code)).toEqual(['disobeyed', 'left-alone']);
  expect([existsSync(join(dir, 'off-07')), existsSync(join(dir, 'off-7')), existsSync(join(dir, 'off-10'))]).toEqual([
    true,
    false,
    false,
  ]);
  await poe.close();
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { main } from '../../../services/cli/program.ts';
import { type WebPeer, webPeer } from '../notify/peers.ts';
import { captured } from './captured.ts';

let folder: string;
let hook: WebPeer;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdover-notify-'));
  hook = await webPeer();
});

afterEach(async () => {
  await hook.close();
  rmSync(folder, { recursive: true, force: true });
});

async function notifyTest(channels: object[], ...more: string[]) {
  const config = join(folder, 'holdover.yaml');
  writeFileSync(config, JSON.stringify({ site: { name: 'closet' }, notify: { channels } }));
  return captured(() => main(['node', 'holdover', 'notify', 'test', '--config', config, ...more]));
}

describe('holdover notify test', () => {
  const good = () => ({ id: 'hook', webhook: { url: hook.url } });
  const bad = { id: 'nobody', webhook: { url: 'http://127.0.0.1:1/' }, minSeverity: 'critical' };

  it('sends to every channel, past every rule, and says what came back', async () => {
    const { value, out } = await notifyTest([good(), bad]);
    expect(value).toBe(1);
    expect(out).toBe('sent    hook: 200: ok\nFAILED  nobody: nobody listens on 127.0.0.1:1\n');
    expect(JSON.parse(hook.taken[0]?.body ?? '')).toMatchObject({
      site: 'closet',
      event: 'test',
      title: 'closet: A test',
    });
  });

  it('asks one channel only, and answers in JSON', async () => {
    const { value, out } = await notifyTest([good(), bad], '--channel', 'hook', '--json');
    expect(value).toBe(0);
    expect(JSON.parse(out)).toEqual([{ channel: 'hook', ok: true, said: '200: ok' }]);
  });

  it('is told what is wrong: no channel, another name, a secret that is not there', async () => {
    expect(await notifyTest([])).toMatchObject({ value: 2, err: expect.stringContaining('no channel is configured') });
    expect(await notifyTest([good()], '--channel', 'hok')).toMatchObject({
      value: 2,
      err: expect.stringContaining('one of hook'),
    });
    const secret = { id: 's', slack: { webhook: { env: 'HOLDOVER_NOT_SET' } } };
    expect(await notifyTest([secret])).toMatchObject({
      value: 2,
      err: expect.stringContaining('HOLDOVER_NOT_SET is not set'),
    });
  });
});

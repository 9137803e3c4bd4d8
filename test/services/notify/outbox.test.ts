import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Notice } from '../../../services/notify/notice.ts';
import { Outbox } from '../../../services/notify/outbox.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdover-outbox-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const notice = (key: string): Notice => ({
  key,
  kind: 'outage-begin',
  severity: 'info',
  title: key,
  text: '',
  atMs: 1,
});

describe('the outbox', () => {
  it('knows what it has had before, also in another life', async () => {
    const path = join(folder, 'notify.json');
    const first = new Outbox(path, ['a']);
    expect([first.isNew(notice('x')), first.isNew(notice('x')), first.isNew(notice('y'))]).toEqual([true, false, true]);
    first.add('a', notice('x'));
    first.setBatch('a', { id: 'id-1', keys: ['x'] });
    await first.flush();
    const second = new Outbox(path, ['a', 'b']);
    expect(await second.load()).toBeUndefined();
    expect(second.isNew(notice('x'))).toBe(false);
    expect(second.line('a')).toMatchObject({ waiting: [{ key: 'x' }], batch: { id: 'id-1', keys: ['x'] } });
    second.done('a', ['x'], false);
    expect(second.waiting).toBe(0);
    expect(second.dropped).toBe(0);
  });

  it('counts what waited for a channel that is no more', async () => {
    const path = join(folder, 'notify.json');
    const first = new Outbox(path, ['gone']);
    first.add('gone', notice('x'));
    await first.flush();
    const second = new Outbox(path, ['other']);
    await second.load();
    expect(second).toMatchObject({ dropped: 1, waiting: 0 });
  });
});

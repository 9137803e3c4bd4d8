import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { hostSchema } from '../../../services/config/hosts.ts';
import { hostControl } from '../../../services/hosts/index.ts';
import { until } from './machines.ts';

const dir = mkdtempSync(join(tmpdir(), 'holdover-command-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const control = (command: object, env: Record<string, string> = {}, rest: object = {}) =>
  hostControl(hostSchema.parse({ id: 'nas', halt: { command }, ...rest }), { env });

const shell = (script: string) => ['/bin/sh', '-c', script];

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
};

describe('halting by a command', () => {
  it('is done when it ends with status 0; it gets its words as they are', async () => {
    const file = join(dir, 'words');
    const words = ['a b', '$HOME', '; exit 1'];
    const argv = ['/bin/sh', '-c', `printf '%s|' "$@" > ${file}`, 'sh', ...words];
    expect(await control({ argv }).halt()).toEqual({ code: 'done' });
    expect(readFileSync(file, 'utf8')).toBe('a b|$HOME|; exit 1|');
  });

  it('is refused when it ends otherwise, with what it said', async () => {
    const outcome = await control({ argv: shell('echo no such outlet >&2; exit 3') }).halt();
    expect(outcome).toMatchObject({ code: 'refused', detail: expect.stringMatching(/status 3: no such outlet/) });
  });

  it('is refused when it cannot be started', async () => {
    const outcome = await control({ argv: ['/nonexistent/halt'] }).halt();
    expect(outcome).toMatchObject({ code: 'refused', detail: expect.stringContaining('ENOENT') });
  });

  it('is killed at its deadline with everything it started', async () => {
    const file = join(dir, 'pids');
    const argv = shell(`sleep 300 & echo $! $$ > ${file}; wait`);
    const outcome = await control({ argv, timeout: 3 }).halt();
    expect(outcome).toMatchObject({ code: 'timeout', detail: expect.stringContaining('3 s') });
    const pids = readFileSync(file, 'utf8').trim().split(' ').map(Number);
    expect(pids).toHaveLength(2);
    await until(() => !pids.some(alive));
  });

  it('keeps what a successful command left in the background', async () => {
    const file = join(dir, 'later');
    const argv = shell(`(sleep 0.5; echo off > ${file}) &`);
    expect(await control({ argv }).halt()).toEqual({ code: 'done' });
    await until(() => existsSync(file));
  });

  it('gives it few variables and its secrets, and shows none of them', async () => {
    process.env.HOLDOVER_STRAY = 'stray';
    const file = join(dir, 'env');
    const outcome = await control(
      { argv: shell(`env > ${file}; echo "password $PASSWORD is wrong" >&2; exit 1`) },
      { PASSWORD: 'hunter2hunter2' },
    ).halt();
    delete process.env.HOLDOVER_STRAY;
    expect(readFileSync(file, 'utf8')).toContain('PASSWORD=hunter2hunter2');
    expect(readFileSync(file, 'utf8')).not.toContain('HOLDOVER_STRAY');
    expect(outcome.detail).toContain('password *** is wrong');
  });

  it('survives endless output', async () => {
    const outcome = await control({ argv: shell('yes >&2'), timeout: 0.5 }).halt();
    expect(outcome.code).toBe('timeout');
    expect((outcome.detail ?? '').length).toBeLessThan(500);
  });

  it('is given up when told to', async () => {
    const abort = new AbortController();
    const pending = control({ argv: shell('sleep 300'), timeout: 60 }).halt(abort.signal);
    abort.abort();
    expect(await pending).toMatchObject({ code: 'timeout' });
  });

  it('leaves a protected machine alone', async () => {
    const file = join(dir, 'protected');
    writeFileSync(file, '');
    const outcome = await control({ argv: ['/bin/rm', file] }, {}, { protected: true }).halt();
    expect(outcome.code).toBe('left-alone');
    expect(existsSync(file)).toBe(true);
  });
});

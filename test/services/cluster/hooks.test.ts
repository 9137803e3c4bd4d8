import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { drainOptions, type RunningTwin, runTwin } from './running-twin.ts';

/** Commands of the user around an outage of the cluster; what they did is in a file. */

let twin: RunningTwin | undefined;
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdover-hooks-'));
});
afterEach(async () => {
  await twin?.close();
  twin = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const at = (name: string): string => join(folder, name);
const writes = (text: string, more = '') => ({
  argv: ['/bin/sh', '-c', `echo ${text} >> "$1"; ${more}`, 'hook', at('log')],
  timeout: 30,
});
const log = (): string[] => (existsSync(at('log')) ? readFileSync(at('log'), 'utf8').trim().split('\n') : []);

async function rackWith(beforeDrain: readonly object[], afterRestore: readonly object[]): Promise<RunningTwin> {
  const hooks = { beforeDrain, afterRestore } as NonNullable<Parameters<typeof runTwin>[0]['hooks']>;
  const workloads = [{ kind: 'Deployment', namespace: 'web', name: 'shop', replicas: 4, stopTimeS: 1 }] as const;
  const disturb = ({ path }: { path: string }) => {
    if (path.endsWith('/eviction')) appendFileSync(at('log'), 'eviction\n');
    return undefined;
  };
  twin = await runTwin({ nodes: 3, budgets: [], workloads, hooks, api: { disturb } });
  const rack = twin;
  await Promise.all(rack.nodes.map((node) => rack.client.cordon(node, 'run-1')));
  return rack;
}

describe('hooks', () => {
  it('run before the first pod is stopped, once for all drains of a run, and when the last node is back', async () => {
    const rack = await rackWith([writes('one'), writes('two')], [writes('back')]);
    await Promise.all([rack.client.drain(['n1', 'n2'], drainOptions()), rack.client.drain(['n3'], drainOptions())]);
    expect(log().slice(0, 3)).toEqual(['one', 'two', 'eviction']);
    expect(log().filter((line) => line !== 'eviction')).toEqual(['one', 'two']);
    await rack.client.uncordon('n1', 'run-1');
    await rack.client.uncordon('n2', 'run-1');
    expect(log()).not.toContain('back');
    await rack.client.uncordon('n3', 'run-1');
    expect(log().at(-1)).toBe('back');
    await rack.client.uncordon('n3', 'run-1');
    expect(log().filter((line) => line === 'back')).toHaveLength(1);
  });

  it('run for the next outage anew, and again when the cluster goes down once more in the same one', async () => {
    const rack = await rackWith([writes('down')], [writes('back')]);
    for (const run of ['run-1', 'run-1', 'run-2']) {
      await Promise.all(rack.nodes.map((node) => rack.client.cordon(node, run)));
      await rack.client.drain(rack.nodes, drainOptions({ runId: run }));
      await Promise.all(rack.nodes.map((node) => rack.client.uncordon(node, run)));
    }
    expect(log().filter((line) => line === 'down')).toHaveLength(3);
    expect(log().filter((line) => line === 'back')).toHaveLength(3);
  });

  it('do not run while part of the cluster stays up', async () => {
    const rack = await rackWith([writes('down')], []);
    await rack.client.drain(['n1'], drainOptions({ partial: true }));
    expect(log()).not.toContain('down');
  });

  it('that fail or hang are said and hold nothing up', async () => {
    const rack = await rackWith(
      [
        writes('bad', 'echo no such pool >&2; exit 7'),
        { ...writes('slow', 'sleep 600'), timeout: 0.2 },
        writes('last'),
      ],
      [writes('bad', 'exit 3')],
    );
    const report = await rack.client.drain(rack.nodes, drainOptions());
    expect(report).toMatchObject({ evicted: 4, left: [], errors: [] });
    expect(report.notes?.join('\n')).toMatch(/beforeDrain: .*status 7: no such pool\n.*did not end within 0.2 s/);
    expect(log().filter((line) => line !== 'eviction')).toEqual(['bad', 'slow', 'last']);
    const outcomes = await Promise.all(rack.nodes.map((node) => rack.client.uncordon(node, 'run-1')));
    expect(outcomes.map(({ code }) => code)).toEqual(['done', 'done', 'done']);
    expect(outcomes.map(({ detail }) => detail).join()).toMatch(/afterRestore: .*status 3/);
  });
});

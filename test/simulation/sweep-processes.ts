import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KillingStage } from '../e2e/killing.ts';

/**
 * The demo's rack and the real service as processes: a story for every record of the journal, in each of which the
 * service is killed as soon as that record is there, and started again. Takes hours.
 * What is left of a story that goes wrong (journal, logs) is kept.
 * @param every only each so-many-th record
 */
export async function sweepProcesses(from: number, every: number, say: (line: string) => void): Promise<boolean> {
  let sound = true;
  let records = Number.POSITIVE_INFINITY;
  for (let record = from; record <= records; record += every) {
    const stage = new KillingStage({ fast: 12 });
    try {
      await stage.open();
      await stage.settled();
      const before = await stage.world();
      stage.dieAt((_kind, number) => number === record);
      await stage.outage();
      await stage.alive();
      const after = await stage.world();
      const wrong = [
        ...after.violations.map(({ rule, detail }) => `${rule}: ${detail}`),
        ...after.hosts.filter(({ state }) => state !== 'running').map(({ id, state }) => `${id} is ${state}`),
        ...different('port', ports(before), ports(after)),
        ...different('node', nodes(before), nodes(after)),
      ];
      records = Math.min(records, stage.records);
      sound &&= wrong.length === 0;
      const what = wrong.length === 0 ? 'as it was' : `${wrong.join('; ')}; see ${kept(stage.dir)}`;
      say(`record ${record} (${stage.deaths.join() || 'not reached'}): ${what}`);
    } catch (error) {
      sound = false;
      say(`record ${record}: ${error instanceof Error ? error.message : String(error)}; see ${kept(stage.dir)}`);
    } finally {
      await stage.close();
    }
  }
  return sound;
}

function kept(dir: string): string {
  const to = mkdtempSync(join(tmpdir(), 'holdover-sweep-'));
  cpSync(dir, to, { recursive: true, filter: (from) => !/\.(sock|pty)$/.test(from) });
  return to;
}

type World = Awaited<ReturnType<KillingStage['world']>>;

const ports = (world: World): string[] => world.switch.ports.map(({ port, enabled }) => `${port} ${enabled}`);
const nodes = (world: World): string[] =>
  world.cluster.nodes.map(({ name, unschedulable }) => `${name} ${unschedulable ? 'cordoned' : 'schedulable'}`);

const different = (what: string, before: readonly string[], after: readonly string[]): string[] =>
  after.filter((each) => !before.includes(each)).map((each) => `${what} ${each}`);

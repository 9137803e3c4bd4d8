import type { ClusterConfig } from '../config/cluster.ts';
import { runCommand } from '../runtime/run-command.ts';

type Hook = ClusterConfig['hooks']['beforeDrain'][number];

/** Two words of what became of each command: nothing when it ended well. */
type Said = readonly string[];

/** A drain gives its hooks this share of its time and no more. */
const SHARE = 1 / 3;

/**
 * Commands of the user around an outage of the whole cluster (kubernetes-shutdown.md §10): telling Ceph that its disks leave, an
 * operator that it should not bring its pods back. Each runs once per run and life, and again after a restart in
 * between; what fails is said and holds nothing up.
 */
export class Hooks {
  readonly #config: ClusterConfig['hooks'];
  readonly #before = new Map<string, Promise<Said>>();
  readonly #after = new Map<string, Promise<Said>>();

  constructor(config: ClusterConfig['hooks']) {
    this.#config = config;
  }

  /** Somebody wants to know when the last node is back. */
  get awaitsRestore(): boolean {
    return this.#config.afterRestore.length > 0;
  }

  /** Before the first pod is stopped; all drains of a run wait for the same commands. Never rejects. */
  beforeDrain(runId: string, withinMs: number, signal: AbortSignal): Promise<Said> {
    return once(this.#before, runId, () => run(this.#config.beforeDrain, 'beforeDrain', withinMs * SHARE, signal));
  }

  /** When every node of the run takes pods again. Never rejects. */
  afterRestore(runId: string): Promise<Said> {
    this.#before.delete(runId);
    return once(this.#after, runId, () => run(this.#config.afterRestore, 'afterRestore'));
  }

  /** Nodes are going down (again). */
  calledOff(runId: string): void {
    this.#after.delete(runId);
  }
}

function once(known: Map<string, Promise<Said>>, runId: string, begin: () => Promise<Said>): Promise<Said> {
  const before = known.get(runId);
  if (before !== undefined) return before;
  const running = begin();
  known.set(runId, running);
  return running;
}

/** One after the other; the next one runs also when the one before has failed. */
async function run(hooks: readonly Hook[], name: string, withinMs?: number, signal?: AbortSignal): Promise<Said> {
  const said: string[] = [];
  for (const { argv, timeout } of hooks) {
    const timeoutMs = Math.ceil(Math.min(timeout * 1000, (withinMs ?? Number.POSITIVE_INFINITY) / hooks.length));
    const ended = await runCommand(argv, { timeoutMs, ...(signal === undefined ? {} : { signal }) });
    if (ended.status === 0) continue;
    said.push(`${name}: ${ended.how}${ended.complaint === '' ? '' : `: ${ended.complaint}`}`);
  }
  return said;
}

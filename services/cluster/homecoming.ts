import type { Clock } from '../runtime/clock.ts';
import { type Outcome, succeeded } from '../shutdown/promises.ts';
import type { Hooks } from './hooks.ts';
import { listNodes } from './lists.ts';
import { changeNode, decideUncordon } from './nodes.ts';
import type { Rest } from './rest.ts';
import { scaleBack } from './workloads.ts';

/** Gives nodes back: uncordons, and scales back what was scaled down. When it may do so is the coordinator's to say. */
export class Homecoming {
  readonly #rest: Rest;
  readonly #clock: Clock;
  /** Workloads are scaled down by this configuration, so a missing right to scale them back is an error. */
  readonly #scales: boolean;
  readonly #hooks: Hooks;
  readonly #scaledBack = new Map<string, Promise<Outcome>>();

  constructor(rest: Rest, clock: Clock, scales: boolean, hooks: Hooks) {
    this.#hooks = hooks;
    this.#rest = rest;
    this.#clock = clock;
    this.#scales = scales;
  }

  /** Never rejects. */
  async uncordon(node: string, runId: string): Promise<Outcome> {
    const outcome = await changeNode(this.#rest, this.#clock, node, (found) => decideUncordon(found, runId));
    if (!succeeded(outcome)) return outcome;
    const scaled = await this.#scaleBack(runId);
    if (!succeeded(scaled)) return scaled;
    const said = await this.#tellWhenWhole(runId);
    return said.length === 0 ? outcome : { ...outcome, detail: said.join('; ') };
  }

  /** The last node of the run is back when none carries its mark any more. */
  async #tellWhenWhole(runId: string): Promise<readonly string[]> {
    if (!this.#hooks.awaitsRestore) return [];
    const nodes = await listNodes(this.#rest).catch(() => undefined);
    if (nodes === undefined || nodes.items.some(({ cordonedBy }) => cordonedBy === runId)) return [];
    return this.#hooks.afterRestore(runId);
  }

  /** Nodes are going down (again): what is scaled down from now on is scaled back anew. */
  calledOff(runId: string): void {
    this.#scaledBack.delete(runId);
    this.#hooks.calledOff(runId);
  }

  /** Once per run, whoever comes first; a failure is tried again with the next node or the next try. */
  #scaleBack(runId: string): Promise<Outcome> {
    const before = this.#scaledBack.get(runId);
    if (before !== undefined) return before;
    const scaling = scaleBack(this.#rest, this.#clock, runId, this.#scales);
    this.#scaledBack.set(runId, scaling);
    void scaling.then((outcome) => {
      if (!succeeded(outcome) && this.#scaledBack.get(runId) === scaling) this.#scaledBack.delete(runId);
    });
    return scaling;
  }
}

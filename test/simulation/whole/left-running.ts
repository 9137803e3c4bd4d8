import type { CoordinatorState } from '../../../services/shutdown/state.ts';
import type { TroubledRack } from './troubled-rack.ts';

/** Drained, told to halt three times, and cut: nobody who is wanted off takes longer, s. */
const LONGEST_WAY_DOWN_S = 240;

/** In the dark nobody eats up the reserve without being named: left alone by a person, or in trouble. */
export class LeftRunning {
  readonly violations: string[] = [];
  readonly #sinceS = new Map<string, number>();

  looks(atS: number, state: CoordinatorState, rack: TroubledRack): void {
    for (const [id, { skipped, trouble }] of Object.entries(state.hosts)) {
      const named = skipped === true || trouble !== undefined;
      if (state.phase !== 'dark' || named || !rack.runs(id)) this.#sinceS.delete(id);
      else if (!this.#sinceS.has(id)) this.#sinceS.set(id, atS);
      else if (atS - (this.#sinceS.get(id) ?? atS) > LONGEST_WAY_DOWN_S) {
        this.violations.push(`${atS}: ${id} goes on running in the dark`);
        this.#sinceS.delete(id);
      }
    }
  }
}

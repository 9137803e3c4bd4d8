import type { Phase } from '../../services/shutdown/state.ts';

/** In which phase which fault really bit: something failed, was missing, or was told a lie that was heard. */

export const PHASES: readonly Phase[] = ['mains', 'on-battery', 'shutting-down', 'dark', 'restoring'];

export class Coverage {
  readonly #counts = new Map<string, number>();

  saw(phase: Phase, fault: string): void {
    const key = `${phase}×${fault}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  add(other: Coverage): void {
    for (const [key, count] of other.#counts) this.#counts.set(key, (this.#counts.get(key) ?? 0) + count);
  }

  count(phase: Phase, fault: string): number {
    return this.#counts.get(`${phase}×${fault}`) ?? 0;
  }

  /** Pairs that are possible and never happened. `impossible`: by pair, why it cannot. */
  missing(faults: readonly string[], impossible: Readonly<Record<string, string>>): string[] {
    return faults
      .flatMap((fault) => PHASES.map((phase) => `${phase}×${fault}`))
      .filter((pair) => !this.#counts.has(pair) && impossible[pair] === undefined);
  }

  /** For people: a row per fault, a column per phase. */
  table(faults: readonly string[], impossible: Readonly<Record<string, string>>): string {
    const width = Math.max(...faults.map((fault) => fault.length)) + 2;
    const head = ['', ...PHASES].map((word, index) => word.padStart(index === 0 ? width : 15)).join('');
    const rows = faults.map((fault) => {
      const cells = PHASES.map((phase) => {
        const count = this.count(phase, fault);
        const cannot = impossible[`${phase}×${fault}`] !== undefined;
        return (count === 0 && cannot ? '–' : String(count)).padStart(15);
      });
      return `${fault.padEnd(width)}${cells.join('')}`;
    });
    return [head, ...rows].join('\n');
  }
}

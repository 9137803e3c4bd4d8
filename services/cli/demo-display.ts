import type { Sight } from './demo-witness.ts';
import { sayDuration } from './words.ts';

const MARK: Readonly<Record<string, string>> = {
  up: '●',
  cordoned: '◐',
  drained: '◑',
  halting: '◔',
  halted: '○',
  cut: '·',
  powering: '◌',
};

/** Progress on standard error: one line per event, and on a terminal a line below that is kept up to date. */
export class DemoDisplay {
  readonly #live: boolean;
  #shown = false;

  constructor({ live }: { live: boolean }) {
    this.#live = live;
  }

  say(text: string, timeS?: number): void {
    this.#clear();
    const time = timeS === undefined ? '' : `${timeS.toFixed(0).padStart(5)} s  `;
    process.stderr.write(`${time}${text}\n`);
  }

  show(seen: Sight): void {
    if (!this.#live) return;
    this.#clear();
    const hosts = seen.views
      .filter((view) => view.stage !== undefined)
      .map((view) => MARK[view.phase] ?? '?')
      .join('');
    const charge = `${Math.round(seen.socRatio * 100)} %`.padStart(5);
    const line = `${seen.timeS.toFixed(0).padStart(5)} s  ${seen.phase.padEnd(13)} battery ${charge}  ${hosts}  ${next(seen)}`;
    process.stderr.write(line.slice(0, (process.stderr.columns ?? 100) - 1));
    this.#shown = true;
  }

  end(): void {
    this.#clear();
  }

  #clear(): void {
    if (this.#shown) process.stderr.write('\r\u001b[2K');
    this.#shown = false;
  }
}

function next(seen: Sight): string {
  const stage = seen.schedule.stages.find(({ beginsInS }) => beginsInS !== undefined);
  if (stage?.beginsInS === undefined || seen.schedule.basis !== 'live') return '';
  return `${stage.name} down in ${sayDuration(stage.beginsInS)}`;
}

import type { Sight } from './demo-witness.ts';
import { sayDuration } from './words.ts';

export type StoryStep =
  | { readonly kind: 'say'; readonly text: string; readonly timeS: number }
  | { readonly kind: 'mains'; readonly present: boolean; readonly text: string; readonly timeS: number };

/** What the story remembers for its summary. */
export interface StoryRecord {
  readonly before: Sight;
  readonly after: Sight;
  readonly outageAtS: number;
  readonly returnAtS: number;
  /** State of charge, in truth, when the last host was off. */
  readonly darkSocRatio?: number;
  readonly lowestSocRatio: number;
}

/** How long the rack stays dark when the user did not say, s of world time. */
const DARK_FOR_S = 15;

/** The plot: calm, mains fails, the rack goes to bed, mains returns, everything wakes. It sees, and says what to do. */
export class DemoStory {
  readonly #outageAfterS: number;
  readonly #outageS: number | undefined;
  #before: Sight | undefined;
  #last: Sight | undefined;
  #outageAtS: number | undefined;
  #returnAtS: number | undefined;
  #darkAtS: number | undefined;
  #darkSoc: number | undefined;
  #lowestSoc = 1;
  #phase = '';
  readonly #stages = new Map<string, StageWord>();

  constructor(outageAfterS: number, outageS: number | undefined) {
    this.#outageAfterS = outageAfterS;
    this.#outageS = outageS;
  }

  /** Mains is back and the service says everything is as before. */
  get ended(): boolean {
    return this.#returnAtS !== undefined && this.#phase === 'mains';
  }

  follow(seen: Sight): StoryStep[] {
    this.#last = seen;
    this.#lowestSoc = Math.min(this.#lowestSoc, seen.socRatio);
    const steps = [...this.#changes(seen)];
    if (this.#before === undefined) {
      if (settled(seen)) {
        this.#before = seen;
        steps.push(say(seen, `all is well; mains fails in ${sayDuration(this.#outageAfterS)} of the rack's time`));
      }
    } else if (this.#outageAtS === undefined) {
      if (seen.timeS >= this.#before.timeS + this.#outageAfterS) {
        this.#outageAtS = seen.timeS;
        this.#before = seen;
        steps.push({ kind: 'mains', present: false, text: 'mains fails', timeS: seen.timeS });
      }
    } else if (this.#returnAtS === undefined && this.#returnDue(seen, this.#outageAtS)) {
      this.#returnAtS = seen.timeS;
      steps.push({ kind: 'mains', present: true, text: 'mains returns', timeS: seen.timeS });
    }
    return steps;
  }

  /** @throws Error before the story has ended */
  record(): StoryRecord {
    if (this.#before === undefined || this.#last === undefined) throw new Error('the story has not been told');
    return {
      before: this.#before,
      after: this.#last,
      outageAtS: this.#outageAtS ?? 0,
      returnAtS: this.#returnAtS ?? 0,
      ...(this.#darkSoc === undefined ? {} : { darkSocRatio: this.#darkSoc }),
      lowestSocRatio: this.#lowestSoc,
    };
  }

  #returnDue(seen: Sight, outageAtS: number): boolean {
    if (this.#outageS !== undefined) return seen.timeS >= outageAtS + this.#outageS;
    return this.#darkAtS !== undefined && seen.timeS >= this.#darkAtS + DARK_FOR_S;
  }

  *#changes(seen: Sight): Generator<StoryStep> {
    if (seen.phase !== this.#phase) {
      if (seen.phase === 'dark') [this.#darkAtS, this.#darkSoc] = [seen.timeS, seen.socRatio];
      if (this.#phase !== '') yield say(seen, `phase ${seen.phase}`);
      this.#phase = seen.phase;
    }
    for (const stage of seen.schedule.stages) {
      const before = this.#stages.get(stage.name);
      this.#stages.set(stage.name, stage.state);
      if (before !== undefined && before !== stage.state)
        yield say(seen, `stage ${stage.name}: ${become(before, stage.state)}`);
    }
  }
}

type StageWord = Sight['schedule']['stages'][number]['state'];

/** What a change of a stage means to somebody who watches: one that waits again is back, or was never gone. */
function become(before: StageWord, now: StageWord): string {
  if (now === 'waiting') return before === 'going-down' ? 'stays up' : 'is back';
  return now.replace('-', ' ');
}

const say = (seen: Sight, text: string): StoryStep => ({ kind: 'say', text, timeS: seen.timeS });

/** The service has heard the pack, every host and every node, so that the story begins from a rack it knows. */
function settled(seen: Sight): boolean {
  const staged = seen.views.filter((view) => view.stage !== undefined);
  return (
    seen.phase === 'mains' &&
    seen.schedule.usableWh !== undefined &&
    staged.every((view) => view.reachable === true) &&
    seen.nodes.every(({ ready }) => ready)
  );
}

import type { Rack } from '../rack/rack.ts';
import { systemClock } from '../runtime/clock.ts';
import type { CoordinatorView, JournalLine } from '../shutdown/view.ts';

/** What can be seen from outside at one moment: how the world really is, and what the service says. */
export interface Sight {
  readonly timeS: number;
  readonly mainsPresent: boolean;
  readonly socRatio: number;
  readonly loadW: number;
  readonly hosts: readonly { readonly id: string; readonly state: string; readonly powerW: number }[];
  readonly ports: readonly { readonly port: string; readonly enabled: boolean; readonly hostId?: string }[];
  readonly nodes: readonly { readonly name: string; readonly unschedulable: boolean; readonly ready: boolean }[];
  readonly violations: readonly { readonly atS: number; readonly rule: string; readonly detail: string }[];
  readonly phase: CoordinatorView['phase'];
  readonly schedule: CoordinatorView['schedule'];
  /** Share of the full bank that must be left; absent before the service knows its bank. */
  readonly reserveRatio?: number;
  readonly views: CoordinatorView['hosts'];
  readonly wallMs: number;
}

interface WorldState {
  readonly timeS: number;
  readonly wallMs: number;
  readonly mainsPresent: boolean;
  readonly loadW: number;
  readonly pack: { readonly socRatio: number };
  readonly hosts: Sight['hosts'];
  readonly switch: { readonly ports: Sight['ports'] };
  readonly cluster?: { readonly nodes: Sight['nodes'] };
  readonly violations: Sight['violations'];
}

const DEADLINE_MS = 10_000;
const RETRY_MS = 100;
const MOST_TRIES = 100;

/** Looks at the world through its control and at the service through its API, like any other client. */
export class DemoWitness {
  readonly #control: string;
  readonly #service: string;

  constructor(control: string, service: string) {
    this.#control = control;
    this.#service = service;
  }

  async look(): Promise<Sight> {
    const [world, { rack }, coordinator, schedule] = await Promise.all([
      get<WorldState>(new URL('/state', this.#control)),
      get<{ rack: Pick<Rack, 'bank'> }>(new URL('/api/v1/rack', this.#service)),
      get<Pick<CoordinatorView, 'phase' | 'hosts'>>(new URL('/api/v1/hosts', this.#service)),
      get<Pick<CoordinatorView, 'schedule'>>(new URL('/api/v1/schedule', this.#service)),
    ]);
    return {
      timeS: world.timeS,
      wallMs: world.wallMs,
      mainsPresent: world.mainsPresent,
      socRatio: world.pack.socRatio,
      loadW: world.loadW,
      hosts: world.hosts,
      ports: world.switch.ports,
      nodes: world.cluster?.nodes ?? [],
      violations: world.violations,
      phase: coordinator.phase,
      views: coordinator.hosts,
      schedule: schedule.schedule,
      ...(rack.bank.fullWh === undefined ? {} : { reserveRatio: schedule.schedule.reserveWh / rack.bank.fullWh }),
    };
  }

  /** The service's record of this run, oldest first. */
  async journal(): Promise<readonly JournalLine[]> {
    const answer = await get<{ entries: readonly JournalLine[] }>(new URL('/api/v1/journal?limit=1000', this.#service));
    return answer.entries;
  }

  async setMains(present: boolean): Promise<void> {
    const response = await fetch(new URL('/mains', this.#control), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ present }),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    if (!response.ok) throw new Error(`the world's control answered ${response.status}`);
    await response.body?.cancel();
  }
}

/** In its first moments the service has no picture yet and says so with 503. */
async function get<T>(url: URL): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    const response = await fetch(url, { signal: AbortSignal.timeout(DEADLINE_MS) });
    if (response.ok) return (await response.json()) as T;
    await response.body?.cancel();
    if (response.status !== 503 || tries >= MOST_TRIES) throw new Error(`${url.pathname} answered ${response.status}`);
    await systemClock.sleep(RETRY_MS);
  }
}

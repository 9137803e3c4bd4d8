import { Feed } from '../../../services/assembly/feed.ts';
import type { Config } from '../../../services/config/schema.ts';
import { HOST_PROBE_S } from '../../../services/rack/store.ts';
import type { Snapshot } from '../../../services/shutdown/view.ts';

type Kind = 'pack' | 'meter' | 'switch' | 'host' | 'cluster';

/** Polls that may be missed before a value is old, and the least age, s. */
const MISSED = 3;
const LEAST_S = 3;
/** The coordinator decides every second, whatever anybody else does. */
const LONGEST_PAUSE_S = 3;

/** Somebody at the far end of the feed, among sinks that fail: is it told in time, and only what was measured lately? */
export class Onlooker {
  readonly violations: string[] = [];
  readonly feed = new Feed(() => {});
  readonly #everyS = new Map<string, number>();
  readonly #heardS = new Map<string, number>();
  #atS = 0;
  #toldS: number | undefined;

  constructor({ packs, meters, switches, hosts, cluster }: Config) {
    const all = { pack: packs, meter: meters, switch: switches };
    for (const [kind, devices] of Object.entries(all))
      for (const { id, every } of devices) this.#everyS.set(`${kind} ${id}`, every);
    for (const { id } of hosts) this.#everyS.set(`host ${id}`, HOST_PROBE_S);
    this.#everyS.set('cluster cluster', cluster?.every ?? 1);
    this.feed.subscribe(() => {
      throw new Error('a sink is broken');
    });
    this.feed.subscribe((snapshot) => this.#told(snapshot));
  }

  /** Every second. `deciding`: there is a process that could. */
  looks(atS: number, deciding: boolean): void {
    this.#atS = atS;
    if (!deciding) this.#toldS = undefined;
    else if (atS - (this.#toldS ?? atS) > LONGEST_PAUSE_S) {
      this.#blame(`nothing was decided for ${atS - (this.#toldS ?? atS)} s`);
      this.#toldS = undefined;
    }
  }

  /** A device has just been read. */
  heard(kind: Kind, id: string): void {
    this.#heardS.set(`${kind} ${id}`, this.#atS);
  }

  #told({ rack, coordinator }: Snapshot): void {
    this.#toldS = this.#atS;
    for (const [kind, seen] of [
      ['pack', rack.packs],
      ['meter', rack.meters],
      ['switch', rack.switches],
      ['host', rack.hosts],
    ] as const)
      for (const [id, { freshness }] of Object.entries(seen)) if (freshness === 'fresh') this.#current(kind, id);
    if (rack.cluster?.freshness === 'fresh') this.#current('cluster', 'cluster');
    for (const { id, reachable, powerW, switchId } of coordinator.hosts) {
      if (reachable !== undefined) this.#current('host', id);
      if (powerW !== undefined && switchId !== undefined) this.#current('switch', switchId);
    }
  }

  #current(kind: Kind, id: string): void {
    const device = `${kind} ${id}`;
    const ageS = this.#atS - (this.#heardS.get(device) ?? Number.NEGATIVE_INFINITY);
    const limitS = Math.max(LEAST_S, MISSED * (this.#everyS.get(device) ?? 0)) + 1;
    if (ageS > limitS) this.#blame(`${device} is shown as current, ${ageS} s old`);
  }

  #blame(what: string): void {
    if (this.violations.length < 20) this.violations.push(`${this.#atS}: ${what}`);
  }
}

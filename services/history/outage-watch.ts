import type { JournalLine, Snapshot } from '../shutdown/view.ts';
import type { Outage, OutageStage } from './records.ts';

/** Follows one time without mains after the other, from snapshots and journal. A restart goes on with the open one. */

/** The first prediction may take this long to come: figures have to be fresh first, ms. */
const PREDICT_WITHIN_MS = 60_000;
const MOST_TROUBLE = 20;

/** What the energy meter has counted in this process so far. */
interface Counted {
  readonly outWh: number;
  readonly unmeasuredS: number;
  readonly measuredS: number;
}

export class OutageWatch {
  #open: Outage | undefined;
  /** The outage is over, its hosts are not all back. */
  #restoring: Outage | undefined;
  #counted: Counted = { outWh: 0, unmeasuredS: 0, measuredS: 0 };
  /** Seconds of the open outage in which the bank was measured. */
  #measuredS = 0;
  #changed: Outage | undefined;

  /** The newest outage that is known; it goes on if it has no end. */
  resume(newest: Outage | undefined): void {
    if (newest === undefined) return;
    if (newest.endMs === undefined) {
      this.#open = newest;
      this.#measuredS =
        newest.meanLoadW === undefined || newest.meanLoadW <= 0 ? 0 : (newest.depthWh / newest.meanLoadW) * 3600;
    } else if (newest.restoredMs === undefined) this.#restoring = newest;
  }

  /** The outage that has changed in a way worth keeping since this was asked last. */
  changed(): Outage | undefined {
    const changed = this.#changed;
    this.#changed = undefined;
    return changed;
  }

  /** As it stands. */
  get open(): Outage | undefined {
    return this.#open;
  }

  take(snapshot: Snapshot, counted: Counted): void {
    const { phase } = snapshot.coordinator;
    const away = phase === 'on-battery' || phase === 'shutting-down' || phase === 'dark';
    if (away && this.#open === undefined) this.#begin(snapshot);
    if (this.#open !== undefined) this.#follow(this.#open, snapshot, counted, away);
    if (phase === 'mains' && this.#restoring !== undefined) {
      this.#keep({ ...this.#restoring, restoredMs: snapshot.coordinator.sinceWallMs });
      this.#restoring = undefined;
    }
    this.#counted = counted;
  }

  /** What only the journal tells: why a stage began, and what it says was forced. */
  line({ entry }: JournalLine): void {
    const open = this.#open;
    if (open === undefined || entry.kind !== 'stage' || !entry.began || entry.trigger === undefined) return;
    const { trigger } = entry;
    const stages = open.stages.map((stage) => (stage.name === entry.stage ? { ...stage, trigger } : stage));
    this.#open = { ...open, stages };
    this.#changed = this.#open;
  }

  #begin({ coordinator, rack }: Snapshot): void {
    const beginMs = Math.round(rack.wallMs - (coordinator.onBatteryS ?? 0) * 1000);
    const run = coordinator.runId ?? `outage-${beginMs}`;
    const id = nameOf(run, this.#restoring?.id);
    this.#measuredS = 0;
    this.#restoring = undefined;
    this.#keep({
      id,
      beginMs,
      depthWh: 0,
      ...(rack.bank.socRatio === undefined ? {} : { socFrom: rack.bank.socRatio }),
      stages: coordinator.schedule.stages.map(({ name }) => ({ name })),
      forced: [],
      trouble: [],
      unmeasuredS: 0,
    });
  }

  #follow(open: Outage, snapshot: Snapshot, counted: Counted, away: boolean): void {
    const { rack, coordinator } = snapshot;
    const { forced, trouble } = complaints(snapshot);
    const allOffAfterS =
      open.allOffAfterS ?? (coordinator.phase === 'dark' ? Math.round(coordinator.onBatteryS ?? 0) : undefined);
    const next: Outage = {
      ...open,
      ...(away ? this.#drained(open, counted) : {}),
      ...charge(open, rack.bank),
      ...foretold(open, snapshot),
      forced: merged(open.forced, forced),
      trouble: merged(open.trouble, trouble).slice(-MOST_TROUBLE),
      ...(allOffAfterS === undefined ? {} : { allOffAfterS }),
    };
    if (away) {
      this.#open = next;
      if (worthKeeping(open, next)) this.#changed = next;
      return;
    }
    this.#open = undefined;
    const ended = { ...next, endMs: Math.max(open.beginMs, coordinator.sinceWallMs) };
    this.#restoring = coordinator.phase === 'restoring' ? ended : undefined;
    this.#keep(coordinator.phase === 'mains' ? { ...ended, restoredMs: ended.endMs } : ended);
  }

  /** What the bank gave since the snapshot before. */
  #drained(open: Outage, counted: Counted): Pick<Outage, 'depthWh' | 'unmeasuredS' | 'meanLoadW'> {
    const before = this.#counted;
    const depthWh = open.depthWh + Math.max(0, counted.outWh - before.outWh);
    this.#measuredS += Math.max(0, counted.measuredS - before.measuredS);
    return {
      depthWh,
      unmeasuredS: open.unmeasuredS + Math.max(0, counted.unmeasuredS - before.unmeasuredS),
      ...(this.#measuredS > 0 ? { meanLoadW: (depthWh / this.#measuredS) * 3600 } : {}),
    };
  }

  #keep(outage: Outage): void {
    if (outage.endMs === undefined) this.#open = outage;
    this.#changed = outage;
  }
}

/** Mains that goes again before everything is back is another outage of the same run. */
function nameOf(run: string, earlier: string | undefined): string {
  if (earlier === run) return `${run}-2`;
  const count = earlier?.startsWith(`${run}-`) === true ? Number(earlier.slice(run.length + 1)) : Number.NaN;
  return Number.isInteger(count) ? `${run}-${count + 1}` : run;
}

function complaints({ coordinator: { hosts } }: Snapshot): { readonly forced: string[]; readonly trouble: string[] } {
  return {
    forced: hosts.filter((host) => host.forced).map(({ id }) => id),
    trouble: hosts.flatMap((host) => (host.trouble === undefined ? [] : [`${host.id}: ${host.trouble}`])),
  };
}

function charge(open: Outage, bank: Snapshot['rack']['bank']): Pick<Outage, 'socFrom' | 'socTo'> {
  if (bank.freshness !== 'fresh' || bank.socRatio === undefined) return {};
  return { socFrom: open.socFrom ?? bank.socRatio, socTo: Math.min(bank.socRatio, open.socTo ?? 1) };
}

/** The first prediction of this outage, and when the stages really begin. */
function foretold(open: Outage, snapshot: Snapshot): Pick<Outage, 'predicted' | 'stages'> {
  const { rack, coordinator } = snapshot;
  const sinceMs = rack.wallMs - open.beginMs;
  const afterS = coordinator.onBatteryS ?? Math.max(0, sinceMs / 1000);
  const predicted = open.predicted ?? (sinceMs < PREDICT_WITHIN_MS ? prediction(snapshot, afterS) : undefined);
  const first = open.predicted === undefined && predicted !== undefined;
  const onBattery = coordinator.schedule.basis === 'live';
  return {
    stages: coordinator.schedule.stages.map((stage) => {
      const known = open.stages.find(({ name }) => name === stage.name) ?? { name: stage.name };
      return onBattery ? followStage(known, stage, afterS, first) : known;
    }),
    ...(predicted === undefined ? {} : { predicted }),
  };
}

function prediction({ coordinator: { schedule } }: Snapshot, afterS: number): Outage['predicted'] {
  if (schedule.basis !== 'live' || schedule.allOffInS === undefined) return undefined;
  return {
    allOffAfterS: Math.round(afterS + schedule.allOffInS),
    loadW: schedule.loadW,
    ...(schedule.usableWh === undefined ? {} : { usableWh: schedule.usableWh }),
  };
}

function followStage(
  known: OutageStage,
  now: Snapshot['coordinator']['schedule']['stages'][number],
  afterS: number,
  first: boolean,
): OutageStage {
  const began = now.state === 'going-down' || now.state === 'down';
  const beganAfterS = known.beganAfterS ?? (began ? Math.round(afterS) : undefined);
  return {
    ...known,
    ...(first && now.beginsInS !== undefined ? { predictedAfterS: Math.round(afterS + now.beginsInS) } : {}),
    ...(beganAfterS === undefined ? {} : { beganAfterS }),
  };
}

const merged = (known: readonly string[], more: readonly string[]): readonly string[] => [
  ...new Set([...known, ...more]),
];

/** Depth and charge change all the time and are written with the next minute. */
function worthKeeping(before: Outage, after: Outage): boolean {
  const plain = ({ depthWh: _, socTo: __, meanLoadW: ___, unmeasuredS: ____, ...rest }: Outage): string =>
    JSON.stringify(rest);
  return plain(before) !== plain(after);
}

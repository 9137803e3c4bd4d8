import { BridgeError, pause } from '#bridge';
import type { Fields } from '../drivers/driver.ts';
import type { Balancing, Mosfets, SwitchControl } from '../drivers/switches.ts';

/** What came of switching, in the words of the coordinator. */
export interface ControlOutcome {
  readonly code: 'done' | 'already' | 'refused' | 'timeout' | 'unreachable' | 'disobeyed';
  readonly detail?: string;
}

/** How a board is read and written on its kind of bus. Both reject with a `BridgeError`. */
export interface BoardLink<W, L> {
  /** Decoded answer of a read of the driver, by its name, or of one that only switching needs. */
  look(state: string | L, signal: AbortSignal | undefined): Promise<Fields>;
  send(step: W, signal: AbortSignal | undefined): Promise<void>;
}

/** Sets one switch; never rejects. */
export type Setting<K> = (which: K, on: boolean, signal?: AbortSignal) => Promise<ControlOutcome>;

/** Times of the wire, ms: how long the state may take to follow, and how long between two looks at it. */
export interface SettlingTimes {
  readonly settleMs?: number;
  readonly everyMs?: number;
}

/** Reads how the switches stand, writes, and reads back until the state agrees or the settling time is over. */
export function switching<S extends Mosfets | Balancing, W, L>(
  control: SwitchControl<S, W, L>,
  link: BoardLink<W, L>,
  { settleMs = 3000, everyMs = 300 }: SettlingTimes,
): Setting<keyof S> {
  return async (which, on, signal) => {
    try {
      const before = await link.look(control.state, signal);
      const standing = control.read(before);
      if (standing === undefined) return { code: 'refused', detail: 'the board does not tell how its switches stand' };
      if (standing[which] === on && !control.pending?.(which, on, before)) return { code: 'already' };
      for (const step of control.write(which, on, before)) await link.send(step, signal);
      return await readBack(which, on, signal);
    } catch (error) {
      return signal?.aborted ? { code: 'timeout', detail: 'the caller gave up' } : outcomeOf(error);
    }
  };

  async function readBack(which: keyof S, on: boolean, signal: AbortSignal | undefined): Promise<ControlOutcome> {
    let fields: Fields = {};
    for (let waitedMs = 0; ; waitedMs += everyMs) {
      fields = await link.look(control.state, signal);
      if (control.read(fields)?.[which] === on) return { code: 'done' };
      if (waitedMs >= settleMs) break;
      await pause(everyMs, signal ?? NEVER);
    }
    const held = on ? control.heldOpen?.(which, fields) : undefined;
    const says = `the board says ${String(which)} is still ${on ? 'off' : 'on'}${held === undefined ? '' : `: ${held}`}`;
    if (control.proof === 'acknowledgement') return { code: 'done', detail: `acknowledged, although ${says}` };
    return { code: 'disobeyed', detail: says };
  }
}

/** For callers that do not give up. */
export const NEVER = new AbortController().signal;

function outcomeOf(error: unknown): ControlOutcome {
  const detail = error instanceof Error ? error.message : String(error);
  if (!(error instanceof BridgeError)) return { code: 'refused', detail };
  if (error.code === 'timeout' || error.code === 'aborted') return { code: 'timeout', detail };
  return { code: error.code === 'refused' ? 'refused' : 'unreachable', detail };
}

import { setTimeout as sleepFor } from 'node:timers/promises';

/**
 * The only source of time. `wallMs` is for stamps (it can jump), `monoMs` for durations and deadlines (it cannot).
 * Both are milliseconds.
 */
export interface Clock {
  wallMs(): number;
  monoMs(): number;
  /** Resolves after `ms` of this clock's time; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's clock. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monoMs: () => performance.now(),
  sleep: (ms, signal) => sleepFor(Math.max(0, ms), undefined, signal ? { signal } : {}),
};

/**
 * A clock that runs `speed` times faster than `base`, for demonstrations on a simulated rack.
 * Only decisions and polling use it; deadlines on real wires stay on the real clock.
 */
export function fastClock(speed: number, base: Clock = systemClock): Clock {
  if (speed === 1) return base;
  const wall0 = base.wallMs();
  const mono0 = base.monoMs();
  return {
    wallMs: () => wall0 + (base.wallMs() - wall0) * speed,
    monoMs: () => mono0 + (base.monoMs() - mono0) * speed,
    sleep: (ms, signal) => base.sleep(ms / speed, signal),
  };
}

const LINGER_MS = 2000;

/** Ends the process if something still keeps it alive after a moment; the exit status stays. */
export function exitSoon(): void {
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

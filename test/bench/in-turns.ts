/** Makes so many calls. */
export type Batch = (calls: number) => void | Promise<void>;

/** Long enough for the clock and a scheduler's hiccup, short enough to stay light, ms. */
const BATCH_MS = 25;

let kept: unknown;

/** Calls in a row. The last result is kept where the optimiser cannot prove that nobody reads it. */
export const repeat =
  (call: () => unknown): Batch =>
  (calls) => {
    for (let made = 0; made < calls; made += 1) kept = call();
  };

/** Calls one after the other, each awaited. */
export const repeatAsync =
  (call: () => Promise<unknown>): Batch =>
  async (calls) => {
    for (let made = 0; made < calls; made += 1) kept = await call();
  };

export const lastKept = (): unknown => kept;

/** Time that has passed, µs. */
export type Stopwatch = () => number;

/** Time this thread was on a processor: what others do on the machine is not in it. For work without waiting. */
export const processorTime: Stopwatch = () => {
  const { user, system } = process.threadCpuUsage();
  return user + system;
};

/** Time by the clock, for work that waits. */
export const wallTime: Stopwatch = () => performance.now() * 1000;

/**
 * Times two things in turns, so that whatever else the machine does meets both alike.
 * @returns µs per call of each, one number per run
 */
export async function inTurns(
  ours: Batch,
  peer: Batch,
  runs: number,
  stopwatch: Stopwatch = processorTime,
): Promise<{ ours: number[]; peer: number[] }> {
  const perCall = async (batch: Batch, calls: number): Promise<number> => {
    const startedUs = stopwatch();
    await batch(calls);
    return (stopwatch() - startedUs) / calls;
  };
  /** How many calls fill a batch; on the way there the code is compiled. */
  const enough = async (batch: Batch): Promise<number> => {
    for (let calls = 1; ; calls *= 2) if ((await perCall(batch, calls)) * calls >= BATCH_MS * 1000) return calls;
  };
  const calls = { ours: await enough(ours), peer: await enough(peer) };
  const times: { ours: number[]; peer: number[] } = { ours: [], peer: [] };
  for (let run = 0; run < runs; run += 1) {
    times.ours.push(await perCall(ours, calls.ours));
    times.peer.push(await perCall(peer, calls.peer));
  }
  return times;
}

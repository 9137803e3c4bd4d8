import { readdirSync, readFileSync } from 'node:fs';

/** What a process costs, as Linux tells it. */
export interface ProcessCost {
  /** VmRSS, and what of it is nobody else's and not on disk, MiB. */
  readonly residentMiB: number;
  readonly privateDirtyMiB: number;
  /** Time on a processor of all its threads so far, s. */
  readonly cpuS: number;
}

/** @throws when the process is gone or this is not Linux */
export function costOf(pid: number): ProcessCost {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    residentMiB: kiB(status, 'VmRSS') / 1024,
    privateDirtyMiB: kiB(rollup, 'Private_Dirty') / 1024,
    cpuS: cpuOf(pid),
  };
}

/** By the scheduler's own count, in ns: the ticks of `stat` are too coarse for a process that rests. */
function cpuOf(pid: number): number {
  let ns = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    ns += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  }
  return ns / 1e9;
}

function kiB(text: string, key: string): number {
  const value = new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
  if (value === undefined) throw new Error(`no ${key} here`);
  return Number(value);
}

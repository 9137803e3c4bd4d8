import { performance } from 'node:perf_hooks';

/** What the process says of itself at a scrape, under the names every Prometheus client uses for it. */
export interface ProcessReading {
  readonly residentBytes: number;
  /** User and system time since the start, s. */
  readonly cpuS: number;
  /** Wall time of the start, s since 1970. */
  readonly startedAtS: number;
  /** Time the event loop was busy and idle since the start, s; their rates say how loaded it is. */
  readonly loopActiveS: number;
  readonly loopIdleS: number;
}

export function readProcess(): ProcessReading {
  const cpu = process.cpuUsage();
  const loop = performance.eventLoopUtilization();
  return {
    residentBytes: process.memoryUsage.rss(),
    cpuS: (cpu.user + cpu.system) / 1e6,
    startedAtS: performance.timeOrigin / 1000,
    loopActiveS: loop.active / 1000,
    loopIdleS: loop.idle / 1000,
  };
}

export interface ProcessMetric {
  readonly name: string;
  readonly kind: 'gauge' | 'counter';
  readonly help: string;
  readonly value: (reading: ProcessReading) => number;
}

export const processMetrics: readonly ProcessMetric[] = [
  {
    name: 'process_resident_memory_bytes',
    kind: 'gauge',
    help: 'Resident memory size in bytes.',
    value: (reading) => reading.residentBytes,
  },
  {
    name: 'process_cpu_seconds_total',
    kind: 'counter',
    help: 'Total user and system CPU time spent in seconds.',
    value: (reading) => reading.cpuS,
  },
  {
    name: 'process_start_time_seconds',
    kind: 'gauge',
    help: 'Start time of the process since unix epoch in seconds.',
    value: (reading) => reading.startedAtS,
  },
  {
    name: 'holdover_event_loop_active_seconds_total',
    kind: 'counter',
    help: 'Time the event loop was busy.',
    value: (reading) => reading.loopActiveS,
  },
  {
    name: 'holdover_event_loop_idle_seconds_total',
    kind: 'counter',
    help: 'Time the event loop waited for something to do.',
    value: (reading) => reading.loopIdleS,
  },
];

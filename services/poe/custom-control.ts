import type { Mapping } from '../config/switches.ts';
import { plainPort } from '../config/values.ts';
import type { PortSample } from '../rack/samples.ts';
import { WebError } from '../runtime/web-error.ts';
import { decodeMapped, isReadable } from './mapping.ts';
import { type ControlReading, oneByOne, type PortControl } from './port-control.ts';

/** What a user's own commands and a user's own requests have in common. */
export interface CustomMeans {
  readonly name: string;
  readonly ports: readonly string[];
  readonly read: Mapping;
  /** The status is asked for each port. */
  readonly perPort: boolean;
  /** What the device says of one port, or of all. Rejects with a WebError. */
  status(port: string, signal?: AbortSignal): Promise<string>;
  /** Rejects with a WebError. */
  switch(port: string, enabled: boolean, signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** A control made of them. Ports are called as everywhere (`7`), and written as the user wrote them (`07`). */
export function customControl({ name, ports, read, perPort, status, switch: put, close }: CustomMeans): PortControl {
  const written = new Map(ports.map((port) => [plainPort(port), port]));
  const checked = async (port: string, signal?: AbortSignal): Promise<string> => {
    const answer = await status(port, signal);
    if (!isReadable(answer, read)) throw new WebError('bad_answer', name, 'the status is not JSON');
    return answer;
  };
  const readThese = async (wanted: Iterable<string>, signal?: AbortSignal): Promise<ControlReading> => {
    const found: PortSample[] = [];
    let shared: string | undefined;
    for (const port of wanted) {
      const as = written.get(port);
      if (as === undefined) continue;
      const answer = (perPort ? undefined : shared) ?? (await checked(as, signal));
      shared = answer;
      found.push({ ...decodeMapped(answer, read, as), port });
    }
    return { ports: found };
  };
  return {
    name,
    read: (signal) => readThese(written.keys(), signal),
    readSome: readThese,
    write: (wanted, enabled, signal) =>
      oneByOne(
        wanted,
        (port) => put(written.get(port) ?? port, enabled, signal),
        (error) => (error instanceof WebError ? error : new WebError('bad_answer', name, String(error))),
      ),
    close,
  };
}

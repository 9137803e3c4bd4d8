import type { DeviceHandle } from '../model.ts';

/** A face whose cable can be pulled and put back. Both calls may come in any order and twice. */
export interface PluggableHandle extends DeviceHandle {
  /** Drops every connection and answers no new ones. */
  unplug(): Promise<void>;
  /** Back at the same address. */
  replug(): Promise<void>;
}

/** Runs jobs one after the other, so that pulling and putting back a cable in haste ends in the last state asked for. */
export class Sequence {
  #tail: Promise<unknown> = Promise.resolve();

  run<T>(job: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(job);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}

export const isPluggable = (handle: DeviceHandle): handle is PluggableHandle =>
  'unplug' in handle && typeof handle.unplug === 'function' && 'replug' in handle;

import { listOf } from './fields.ts';
import { bytesOf } from './words.ts';

/** Registers that a reply holds, looked up by their address. */
export interface RegisterWindow {
  /** The register, `undefined` when it is not part of the reply. */
  at(address: number): number | undefined;
  /** `count` registers from `address` and what becomes of each, `undefined` unless all are there. */
  run<T>(address: number, count: number, read: (raw: number) => T): T[] | undefined;
  /** The bytes of `count` registers, `undefined` unless all are there. */
  bytes(address: number, count: number): Uint8Array | undefined;
}

/** The words of a reply that begins at register `start`. */
export function registerWindow(start: number, words: Uint16Array): RegisterWindow {
  const holds = (address: number, count: number): boolean =>
    address >= start && address - start + count <= words.length;
  return {
    at: (address) => words[address - start],
    run: (address, count, read) =>
      holds(address, count) ? listOf(count, (at) => read(words[address - start + at] ?? 0)) : undefined,
    bytes: (address, count) =>
      holds(address, count) ? bytesOf(words.subarray(address - start, address - start + count)) : undefined,
  };
}

/** Tells an adapter's echo of the request from the reply behind it; returns the bytes from the reply on. */
export function withoutEcho(request: Uint8Array, response: Uint8Array): Uint8Array {
  const echoed = response.length > request.length && request.every((byte, at) => response[at] === byte);
  return echoed ? response.subarray(request.length) : response;
}

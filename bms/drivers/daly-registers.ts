/** Registers that a reply holds, looked up by their address. */
export interface RegisterWindow {
  /** The register, `undefined` when it is not part of the reply. */
  at(address: number): number | undefined;
  /** `count` registers from `address`, `undefined` unless all are there. */
  run(address: number, count: number): readonly number[] | undefined;
  /** ASCII bytes of `count` registers. */
  bytes(address: number, count: number): Uint8Array;
}

/** The words of a reply that begins at register `start`. */
export function registerWindow(start: number, words: Uint16Array): RegisterWindow {
  const at = (address: number): number | undefined => words[address - start];
  return {
    at,
    run(address, count) {
      const from = address - start;
      return from >= 0 && from + count <= words.length ? Array.from(words.subarray(from, from + count)) : undefined;
    },
    bytes(address, count) {
      return Uint8Array.from({ length: count * 2 }, (_, index) => {
        const word = at(address + (index >>> 1)) ?? 0;
        return index % 2 === 0 ? word >>> 8 : word & 0xff;
      });
    },
  };
}

/** Tells an adapter's echo of the request from the reply behind it; returns the bytes from the reply on. */
export function withoutEcho(request: Uint8Array, response: Uint8Array): Uint8Array {
  const echoed = response.length > request.length && request.every((byte, at) => response[at] === byte);
  return echoed ? response.subarray(request.length) : response;
}

/** A chip on an emulated bus. Written from the notes and captures, never from a driver. */
export interface TwinChip {
  /** Bytes after its address: usually the number of a register, and what goes into it. */
  write(bytes: Uint8Array): void;
  read(length: number): Uint8Array;
}

/** Registers of a fixed length each, as most measuring chips have them; unknown ones read as zeros. */
export function wordChip(
  registers: Readonly<Record<number, () => readonly number[]>>,
  set: (register: number, bytes: Uint8Array) => void = () => {},
): TwinChip {
  let pointer = 0;
  return {
    write([register, ...bytes]) {
      pointer = register ?? pointer;
      if (bytes.length > 0) set(pointer, Uint8Array.from(bytes));
    },
    read(length) {
      const held = registers[pointer]?.() ?? [];
      return Uint8Array.from({ length }, (_, at) => held[at] ?? 0);
    },
  };
}

/** Registers of one byte whose numbers go up while they are read. */
export function byteChip(at: (register: number) => number, set: (register: number, byte: number) => void): TwinChip {
  let pointer = 0;
  return {
    write([register, ...bytes]) {
      pointer = register ?? pointer;
      for (const [offset, byte] of bytes.entries()) set((pointer + offset) & 0xff, byte);
    },
    read(length) {
      const from = pointer;
      pointer = (pointer + length) & 0xff;
      return Uint8Array.from({ length }, (_, offset) => at((from + offset) & 0xff) & 0xff);
    },
  };
}

/** Big-endian, two's complement, held at the ends of its range. @param bytes 2 or 3 */
export function word(value: number, bytes: 2 | 3 = 2): number[] {
  const half = 2 ** (8 * bytes - 1);
  const held = Math.max(-half, Math.min(2 * half - 1, Math.round(value)));
  const unsigned = held < 0 ? held + 2 * half : held;
  return Array.from({ length: bytes }, (_, at) => Math.floor(unsigned / 256 ** (bytes - 1 - at)) % 256);
}

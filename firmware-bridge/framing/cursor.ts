import { Malformed } from './malformed.ts';

/**
 * Reads numbers from bytes, one after the other or after `seek`, and never past the end: a read that does not fit throws
 * `Malformed`, so a decoder is a plain list of reads in one try. Big-endian, with `Le` names for little-endian.
 */
export class Cursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get position(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  /** Goes to an offset from the start of the bytes; the end itself is allowed. */
  seek(offset: number): this {
    if (!Number.isInteger(offset) || offset < 0 || offset > this.#bytes.length) {
      throw new Malformed(`offset ${offset} is outside ${this.#bytes.length} bytes`);
    }
    this.#at = offset;
    return this;
  }

  skip(count: number): this {
    return this.seek(this.#at + count);
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  s8(): number {
    return this.#view.getInt8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2));
  }

  s16(): number {
    return this.#view.getInt16(this.#advance(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  s32(): number {
    return this.#view.getInt32(this.#advance(4));
  }

  f32(): number {
    return this.#view.getFloat32(this.#advance(4));
  }

  u16Le(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  s16Le(): number {
    return this.#view.getInt16(this.#advance(2), true);
  }

  u32Le(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  s32Le(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }

  /** A view (no copy) of the next `count` bytes. */
  bytes(count: number): Uint8Array {
    const at = this.#advance(count);
    return this.#bytes.subarray(at, at + count);
  }

  #advance(count: number): number {
    if (!(count >= 0 && count <= this.remaining)) {
      throw new Malformed(`${count} bytes wanted at offset ${this.#at}, ${this.remaining} left`);
    }
    const at = this.#at;
    this.#at += count;
    return at;
  }
}

import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A simulated I2C bus for programs started with `env`: see i2c-shim.c. It lives in a file both sides have open. */

const KINDS = { absent: 0, words: 1, bytes: 2, wide: 3, mux: 4, silent: 5, held: 6, taken: 7 } as const;
const BEHAVIOURS = { plain: 0, converter: 1, pse: 2 } as const;
type Kind = keyof typeof KINDS;

const HEADER = 4096;
const WIDTHS = 16;
const DATA = WIDTHS + 256;
const WIDE = DATA + 256 * 8;
const CHIP = WIDE + 0x2000;
const BANKS = 9;

/** A chip on the simulated bus. `channel`: behind that channel of a multiplexer. */
export interface FakeChip {
  readonly address: number;
  readonly kind: Kind;
  readonly behaviour?: keyof typeof BEHAVIOURS;
  readonly channel?: number;
  /** Bytes in hex by register. */
  readonly registers?: Readonly<Record<number, string>>;
}

export class I2cShim {
  readonly bus = '/dev/i2c-77';
  readonly #folder = mkdtempSync(join(tmpdir(), 'holdover-i2c-'));
  readonly #library = join(this.#folder, 'shim.so');
  readonly #path = join(this.#folder, 'state');
  readonly #file: number;

  constructor() {
    const source = join(import.meta.dirname, 'i2c-shim.c');
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', this.#library, source, '-ldl'], { stdio: 'pipe' });
    this.#file = openSync(this.#path, 'w+');
    ftruncateSync(this.#file, HEADER + BANKS * 128 * CHIP);
  }

  /** What a program needs in its environment to see the bus. */
  get env(): Record<string, string> {
    return { LD_PRELOAD: this.#library, I2C_SHIM_STATE: this.#path, I2C_SHIM_BUS: this.bus };
  }

  /** Puts a chip on the bus, in place of what was at its address. */
  put({ address, kind, behaviour = 'plain', channel, registers = {} }: FakeChip): void {
    const at = this.#at(address, channel);
    this.#write(at, new Uint8Array(CHIP));
    this.#write(at + 1, Uint8Array.of(BEHAVIOURS[behaviour]));
    for (const [register, hex] of Object.entries(registers)) this.set(address, Number(register), hex, channel, kind);
    // Last: the chip is there when it is whole.
    this.#write(at, Uint8Array.of(KINDS[kind]));
  }

  /** Changes a register; of a chip of bytes, that one and those behind it. */
  set(address: number, register: number, hex: string, channel?: number, kind?: Kind): void {
    const at = this.#at(address, channel);
    const bytes = Buffer.from(hex, 'hex');
    const is = kind ?? (Object.keys(KINDS) as Kind[]).find((each) => KINDS[each] === this.#read(at, 1)[0]);
    if (is === 'wide') this.#write(at + WIDE + (register & 0x1fff), bytes);
    else if (is === 'bytes')
      for (const [offset, byte] of bytes.entries())
        this.#write(at + DATA + 8 * (register + offset), Uint8Array.of(byte));
    else {
      this.#write(at + WIDTHS + register, Uint8Array.of(bytes.length));
      this.#write(at + DATA + 8 * register, bytes);
    }
  }

  /** One byte of a chip of bytes, or the first of a register. */
  byte(address: number, register: number): number {
    return this.#read(this.#at(address) + DATA + 8 * register, 1)[0] ?? 0;
  }

  remove(address: number, channel?: number): void {
    this.#write(this.#at(address, channel), Uint8Array.of(KINDS.absent));
  }

  /** Writes of more than the number of a register, by whatever program. */
  get writes(): number {
    return this.#read(4, 4).readUInt32LE();
  }

  close(): void {
    closeSync(this.#file);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #at(address: number, channel?: number): number {
    return HEADER + ((channel === undefined ? 0 : channel + 1) * 128 + address) * CHIP;
  }

  #write(at: number, bytes: Uint8Array): void {
    writeSync(this.#file, bytes, 0, bytes.length, at);
  }

  #read(at: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    readSync(this.#file, bytes, 0, length, at);
    return bytes;
  }
}

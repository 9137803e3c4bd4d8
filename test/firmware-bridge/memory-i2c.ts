import type { I2cBus } from '../../firmware-bridge/index.ts';

/** What a call of the operating system fails with. */
export const errno = (code: string): Error => Object.assign(new Error(`${code}: it failed`), { code });

/** A bus in memory: registers by address; a call on an address that is not there is not acknowledged. */
export class MemoryI2c implements I2cBus {
  readonly name = 'i2c:memory';
  readonly chips = new Map<number, Map<number, Uint8Array>>();
  /** Every call, `transfer 40 05`. */
  readonly calls: string[] = [];
  closes = 0;
  /** Runs before each call; may throw or wait. */
  before: (call: string, address: number) => void | Promise<void> = () => {};
  /** Told of what is written besides the number of a register. */
  onWrite: (address: number, bytes: Uint8Array) => void = () => {};
  readonly #pointers = new Map<number, number>();

  /** Registers in hex. */
  put(address: number, registers: Readonly<Record<number, string>>): void {
    const bytes = Object.entries(registers).map(([at, hex]) => [Number(at), Uint8Array.from(Buffer.from(hex, 'hex'))]);
    this.chips.set(address, new Map(bytes as [number, Uint8Array][]));
  }

  async read(address: number, length: number): Promise<Uint8Array> {
    await this.#call('read', address, new Uint8Array());
    return this.#held(address, this.#pointers.get(address) ?? 0, length);
  }

  async write(address: number, bytes: Uint8Array): Promise<void> {
    await this.#call('write', address, bytes);
    const [at = 0, ...data] = bytes;
    this.#pointers.set(address, at);
    if (data.length > 0) this.chips.get(address)?.set(at, Uint8Array.from(data));
    this.onWrite(address, bytes);
  }

  async transfer(address: number, sent: Uint8Array, length: number): Promise<Uint8Array> {
    await this.#call('transfer', address, sent);
    return this.#held(address, sent.length === 2 ? (sent[0] ?? 0) * 256 + (sent[1] ?? 0) : (sent[0] ?? 0), length);
  }

  async close(): Promise<void> {
    this.closes += 1;
  }

  /** A register, or single bytes one after the other where they were put so. */
  #held(address: number, at: number, length: number): Uint8Array {
    const chip = this.chips.get(address);
    const whole = chip?.get(at);
    if (whole !== undefined && whole.length === length) return whole.slice();
    return Uint8Array.from({ length }, (_, offset) => chip?.get(at + offset)?.[0] ?? 0);
  }

  async #call(kind: string, address: number, bytes: Uint8Array): Promise<void> {
    const call = `${kind} ${address.toString(16)} ${Buffer.from(bytes).toString('hex')}`.trimEnd();
    this.calls.push(call);
    await this.before(call, address);
    if (!this.chips.has(address)) throw errno('ENXIO');
  }
}

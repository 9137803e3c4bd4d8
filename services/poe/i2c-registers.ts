/** What was read of a PSE controller: one byte or one word by the number of its register. */
export type PseRegisters = ReadonlyMap<number, number>;

export interface PseChannel {
  /** 1-based, as the chip numbers it. */
  readonly channel: number;
  readonly enabled?: boolean;
  readonly state: 'disabled' | 'searching' | 'delivering' | 'fault' | 'unknown';
  readonly voltageV?: number;
  readonly currentA?: number;
  readonly powerW?: number;
  /** 802.3 class 0..4. */
  readonly poeClass?: number;
  /** What the chip found on the cable, in words. */
  readonly detection?: string;
  /** What it made of it, in words, when that is no class. */
  readonly classification?: string;
  /** How it works: `off`, `manual`, `semi-auto`, `auto`, or `forced`. */
  readonly mode?: string;
  readonly type?: 'af' | 'at';
  readonly priority?: number;
}

export interface PseReading {
  readonly channels: readonly PseChannel[];
  readonly inputV?: number;
  readonly temperatureC?: number;
  readonly budgetW?: number;
  readonly drawnW?: number;
}

/** One transfer: bytes to be written, after another of the same conversation. */
export type PseWrite = readonly number[];

/** A kind of PSE controller. Everything of it is pure. */
export interface PseChip {
  readonly id: string;
  /** Ports of one chip. */
  readonly channels: number;
  /** Registers have numbers of two bytes and hold big-endian words. */
  readonly wide?: true;
  /** What is read at every poll: from this register on, that many bytes, each run in one transaction. */
  readonly runs: readonly { readonly at: number; readonly length: number }[];
  /** @throws ImplausibleError when no such chip can have said it */
  decode(registers: PseRegisters): PseReading;
  /** The writes that switch these channels, of what was just read; absent: this kind is only read. */
  switching?(channels: readonly number[], enabled: boolean, registers: PseRegisters): readonly PseWrite[];
  /** Why this channel must not be switched, although it could be. */
  refusal?(channel: PseChannel): string | undefined;
}

/** What came cannot be true: the bus floats, or another chip is at this address. */
export class ImplausibleError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ImplausibleError';
  }
}

export const hex = (value: number): string => `0x${value.toString(16).padStart(2, '0')}`;

/** To the tenth of a milli-unit: more than any of these chips resolves. */
export const fine = (value: number): number => Math.round(value * 1e5) / 1e5;

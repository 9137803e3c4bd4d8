import type { Acceptance, RegisterRead, SerialLine } from '#bridge';
import type { Alarm } from '../model/alarms.ts';
import type { MeterSample, PackSample, Sample, UpsSample } from '../model/sample.ts';
import type { Balancing, BoardWrite, Mode, Mosfets, RegisterSetting, SwitchControl } from './switches.ts';

/** Decoded values by name: SI units, camel case, unit in the name (`voltageV`, `socRatio`, `cellsV`). */
export type Fields = Readonly<Record<string, unknown>>;

/** Why a frame was turned down. `code` is one of the words of the protocol note (`checksum`, `truncated`, …). */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  /** Values that belong to the refusal, e.g. `{ status: 129 }`. */
  readonly detail?: Fields;
}

export type Decoded = { readonly ok: true; readonly fields: Fields } | { readonly ok: false; readonly error: Refusal };

/** One recorded exchange: the form of `protocols/vectors` and of our own fixtures. */
export interface RecordedExchange {
  readonly protocol?: string;
  /** Which Modbus profile or dialect, where one driver knows several. */
  readonly profile?: string;
  readonly request?: Uint8Array;
  /** Empty or absent: the device stayed silent. */
  readonly response?: Uint8Array;
  /** Text protocols, when the vector holds text instead of hex. */
  readonly text?: string;
  /** MQTT: where `text` was published. */
  readonly topic?: string;
  /** What earlier answers of the same device told, in decoded names (`cellCount`), where the answer alone does not say enough. */
  readonly context?: Fields;
  /** Chips on I2C: what their registers held. */
  readonly registers?: RecordedRegisters;
}

/** Registers of a chip by their numbers, each with its bytes in the order they had on the bus. */
export type RegisterBytes = ReadonlyMap<number, Uint8Array>;

/** What a chip on I2C told, and how it is wired. */
export interface RecordedRegisters {
  /** `ina228`, where the driver knows several. */
  readonly chip?: string;
  readonly bytes: RegisterBytes;
  /** `shuntOhm`, `pgaV` and the like. */
  readonly wiring: Fields;
  /** Why nothing was read: `nack`. */
  readonly failure?: string;
  /** Shown again beside what was decoded: the words of SMBus as they were given. */
  readonly told?: Fields;
}

/** `fast`: at the pack's own interval. `slow`: about once a minute. `once`: after each (re)connect. */
export type Cadence = 'fast' | 'slow' | 'once';

/** An alarm that has to be in so many samples running before it is told. */
export interface Doubt {
  readonly polls: number;
  concerns(alarm: Alarm): boolean;
}

interface DriverPromise<S extends Sample> {
  /** Key in the configuration, kebab-case. */
  readonly id: string;
  readonly title: string;
  readonly measures: S['kind'];
  /** Where the wire format is written down. */
  readonly note: string;
  /** Why a healthy device of this kind may be silent, and what to try; added to a time-out. */
  readonly whenSilent?: string;
  /** Alarms that one poll does not prove, because its answers are of different moments. */
  readonly doubt?: Doubt;
  /**
   * Decodes one recorded exchange to every value it holds. Pure; never throws, whatever the bytes.
   * The names are those of the protocol's vectors in camel case.
   */
  decode(exchange: RecordedExchange): Decoded;
  /**
   * Turns merged fields (of all reads so far) into a sample. Pure. Fields the device cannot know stay absent.
   * @param measuredAtMs wall time, ms
   */
  sample(fields: Fields, measuredAtMs: number): S;
}

/** One request of a request/response device. */
export interface ExchangeRead {
  readonly name: string;
  readonly cadence: Cadence;
  readonly request: Uint8Array;
  /** Not every device of the kind answers this; the rest of a poll does not fail for it. */
  readonly optional?: boolean;
  /**
   * The answer's frame, whole and checked, or why not. Pure.
   * @param known what the device has told so far, in decoded names, for answers that do not say how long they are
   */
  accept(received: Uint8Array, known?: Fields): Acceptance<Uint8Array>;
}

/** Boards that carry a number of their own on the line. */
export interface Boards<S extends Sample> {
  readonly first: number;
  readonly last: number;
  /** The number of a board as it is sold. */
  readonly usual: number;
  /** Where the number is set: DIP switches, the maker's tool. */
  readonly set: string;
  /** The driver of the board with that number. @throws RangeError outside `first`..`last` */
  at(address: number): ExchangeDriver<S>;
}

/** Reads that are not part of a poll, because they need a mode of the board. */
export interface ExchangeLook {
  readonly reads: readonly ExchangeRead[];
  readonly inside: Mode;
}

export type MosfetControl = SwitchControl<Mosfets, BoardWrite, ExchangeLook>;
export type BalancingControl = SwitchControl<Balancing, BoardWrite, ExchangeLook>;

/** Binary or text, asks and is answered (JBD). */
export interface ExchangeDriver<S extends Sample = PackSample> extends DriverPromise<S> {
  readonly shape: 'exchange';
  readonly line: SerialLine;
  /** Silence the device needs between an answer and the next request, ms. */
  readonly gapMs: number;
  readonly timeoutMs: number;
  readonly tries: number;
  readonly reads: readonly ExchangeRead[];
  /** Sent to a board that does not answer; when this is answered, the board is asked once more. */
  readonly wake?: Pick<ExchangeRead, 'name' | 'request' | 'accept'>;
  /** Silence after a failed try, when the answers do not say what they answer, ms; the bus's own when absent. */
  readonly lateMs?: number;
  /** How the board's switches are set, where its protocol is known to do it. Nothing is written unless it is configured. */
  readonly mosfets?: MosfetControl;
  /** The same for its balancing. */
  readonly balancing?: BalancingControl;
  /** Where the board opens its settings in a mode only: entered after each connect, where it is configured. */
  readonly settings?: ExchangeLook;
  /** Absent: one board to a line. */
  readonly boards?: Boards<S>;
}

/** Keeps what was received of a stream between chunks. `push` never throws and keeps a bounded buffer. */
export interface StreamParser {
  /** @param monoMs monotonic time of arrival, for silence inside a block */
  push(chunk: Uint8Array, monoMs: number): readonly Decoded[];
}

/** A question to a device that talks by itself, for what it does not tell. */
export interface StreamAsk {
  readonly name: string;
  readonly request: Uint8Array;
  /** The answer among what the device says anyway. Pure. */
  accept(received: Uint8Array): Acceptance<Uint8Array>;
}

/** Talks by itself (VE.Direct). */
export interface StreamDriver<S extends Sample = PackSample> extends DriverPromise<S> {
  readonly shape: 'stream';
  readonly line: SerialLine;
  /**
   * What such a device can be asked besides, where that is configured; one at a time, and seldom.
   * @param fields what it has told so far
   */
  asks?(fields: Fields): readonly StreamAsk[];
  /** A stream silent for longer than this is reported as lost, ms. */
  readonly silenceMs: number;
  /** @param unchecked for a device whose checksums are wrong by themselves: take what it says without */
  parser(unchecked?: boolean): StreamParser;
}

/** Reads registers of the device, for a driver that has to look for them. Rejects with a `BridgeError`. */
export type RegisterReader = (read: Pick<RegisterRead, 'table' | 'address' | 'count'>) => Promise<Uint16Array>;

/** Modbus registers, RTU or TCP, described by a profile. */
export interface RegisterDriver<S extends Sample = Sample> extends DriverPromise<S> {
  readonly shape: 'registers';
  readonly line: SerialLine;
  readonly gapMs: number;
  readonly defaultUnit: number;
  /** Usual numbers of other units that some blocks lie in, by name. */
  readonly units?: Readonly<Record<string, number>>;
  /**
   * Finds out after each connect where the blocks lie, for devices whose register map is a list to be walked. What it finds
   * is known to every block.
   */
  discover?(read: RegisterReader): Promise<Fields>;
  readonly reads: readonly RegisterBlock[];
  /** How the board's switches are set, where its map is known to do it. Nothing is written unless it is configured. */
  readonly mosfets?: SwitchControl<Mosfets, RegisterSetting, RegisterBlock>;
  /** The same for its balancing. */
  readonly balancing?: SwitchControl<Balancing, RegisterSetting, RegisterBlock>;
}

/** One merged read of a profile; published only when the whole request succeeded. */
export interface RegisterBlock {
  readonly name: string;
  readonly cadence: Cadence;
  readonly read: Omit<RegisterRead, 'unit'>;
  /** Named unit it lies in; the device's own when absent. */
  readonly unit?: string;
  /** Where it lies by what `discover` found; undefined: this device does not have it. Without: at `read`. */
  locate?(found: Fields): Omit<RegisterRead, 'unit'> | undefined;
  /** A device without these registers answers with an exception; the rest of a poll does not fail for it. */
  readonly optional?: boolean;
  decode(words: Uint16Array): Decoded;
}

/** Registers of a chip that are read in one conversation. */
export interface I2cRead {
  readonly name: string;
  readonly cadence: Cadence;
  readonly optional?: boolean;
  /** A measurement that has to be started, and awaited, before there is anything to read. */
  readonly start?: I2cStart;
  readonly registers: readonly { readonly at: number; readonly length: number }[];
  decode(registers: RegisterBytes): Decoded;
}

/** Written: two bytes, big-endian, into a register that says by one of its bits when the chip is done. */
export interface I2cStart {
  readonly at: number;
  readonly word: number;
  /** Set when the measurement is there. */
  readonly doneMask: number;
  /** How long one takes, ms. */
  readonly takesMs: number;
}

/** A chip with registers on an I2C bus. */
export interface I2cDriver<S extends Sample = PackSample> extends DriverPromise<S> {
  readonly shape: 'i2c';
  /** Where the chip can be, its usual address first. */
  readonly addresses: readonly number[];
  readonly reads: readonly I2cRead[];
}

export type Driver =
  | ExchangeDriver<PackSample>
  | ExchangeDriver<MeterSample>
  | ExchangeDriver<UpsSample>
  | StreamDriver<PackSample>
  | StreamDriver<MeterSample>
  | RegisterDriver<PackSample>
  | RegisterDriver<MeterSample>
  | RegisterDriver<UpsSample>
  | I2cDriver<PackSample>;

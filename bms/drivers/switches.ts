import type { Acceptance } from '#bridge';

/** What can be switched in a board, how its driver says so, and the frames that do it. */

/** Decoded values by name, as in `driver.ts`. */
type Fields = Readonly<Record<string, unknown>>;

/** The two switches of a board; true is closed, current can flow. */
export interface Mosfets {
  readonly charge: boolean;
  readonly discharge: boolean;
}

/** Whether a board may balance its cells. */
export interface Balancing {
  readonly balancing: boolean;
}

/** One frame of a write and how its acknowledgement is recognised. */
export interface BoardWrite {
  readonly name: string;
  readonly request: Uint8Array;
  /** Absent: the board does not answer it. */
  accept?(received: Uint8Array): Acceptance<Uint8Array>;
  /** Pause after it, ms. */
  readonly pauseMs?: number;
  /** The mode it needs when the board refuses it with this word. */
  readonly ifRefused?: Mode & { readonly code: string };
  /** The mode it always needs. */
  readonly inside?: Mode;
}

/** A mode that a board has to be in for something: entered before, left after. */
export interface Mode {
  readonly before: BoardWrite;
  readonly after: BoardWrite;
}

/** A write of holding registers. */
export interface RegisterSetting {
  readonly name: string;
  /** 6 one register, 16 several. */
  readonly functionCode: 6 | 16;
  /** Of the PDU, from 0. */
  readonly address: number;
  /** Words. */
  readonly values: readonly number[];
}

/**
 * How switches of a board are read and set. Pure.
 * @typeParam W one step of a write on this kind of bus
 * @typeParam L a read that only this needs
 */
export interface SwitchControl<S extends Mosfets | Balancing, W, L> {
  /** The read that tells how they stand: the name of one of the driver's, or one of its own. */
  readonly state: string | L;
  /** The switches from the decoded answer; undefined when it does not tell. */
  read(fields: Fields): S | undefined;
  /**
   * What sets one of them.
   * @param fields the decoded state as it was just read
   */
  write(which: keyof S, on: boolean, fields: Fields): readonly W[];
  /** Stands as wanted already, and still has to be written so that it stays. */
  pending?(which: keyof S, on: boolean, fields: Fields): boolean;
  /** Why a switch may stay open although it was switched on (a protection), in words. */
  heldOpen?(which: keyof S, fields: Fields): string | undefined;
  /**
   * `state`: believed only when the state agrees. `acknowledgement`: on some firmware the state does not follow, so the
   * acknowledgement counts and a state that disagrees is told with it.
   */
  readonly proof: 'state' | 'acknowledgement';
}

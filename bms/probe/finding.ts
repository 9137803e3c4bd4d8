import type { Sample } from '../model/sample.ts';
import type { Certainty } from './belief.ts';

/** A device that answered. */
export interface Finding {
  readonly driver: string;
  readonly title: string;
  readonly certainty: Certainty;
  /** Rate of the serial line; absent behind a TCP bridge, which sets its own. */
  readonly baud?: number;
  /** Number of the board on its line, where its protocol has one. */
  readonly address?: number;
  /** Modbus unit. */
  readonly unit?: number;
  /** What it said. */
  readonly sample: Sample;
  /** Other drivers that its answers fit as well. */
  readonly fitsToo: readonly string[];
}

/** What came of asking a line. */
export interface ProbeReport {
  /** False when its time was over before everybody had been asked. */
  readonly complete: boolean;
  readonly found: readonly Finding[];
  /** Modbus units that answer, or refuse with an exception, and fit no driver. */
  readonly strangers: readonly { readonly unit: number; readonly baud?: number }[];
  readonly asked: number;
  /** Bytes in both directions; as many heard as sent, and nobody found, is the echo of an adapter. */
  readonly sentBytes: number;
  readonly heardBytes: number;
  /** Drivers that could have been asked and were not, with the reason. */
  readonly leftOut: Readonly<Record<string, string>>;
}

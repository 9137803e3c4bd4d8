/**
 * Whom a probe asks on an unknown line, and in which order. Data, so that a test can hold every byte of it against the
 * writes of all protocols we know.
 */

/** One line setting and who is asked there, in this order. */
export interface ProbeLine {
  readonly baud: number;
  readonly why: string;
  /** Only listened to, before anything is sent. */
  readonly listen?: readonly string[];
  readonly steps: readonly ProbeStep[];
  /** Whether Modbus units are looked for, once nobody else has answered. */
  readonly modbus: boolean;
}

export interface ProbeStep {
  readonly driver: string;
  /** Why it may be sent to a stranger, and why at this place. */
  readonly why: string;
  /** Asked once more when nobody answers: the first request wakes the board. */
  readonly wakes?: boolean;
}

const magic = (bytes: string): string =>
  `begins with ${bytes}, carries a checksum, and its command is a read; no other protocol begins so`;
const asciiHex =
  'text in hexadecimal with two checksums; by now everything has been asked that reads bytes, and its CR would only end a line';

const ASCII: readonly ProbeStep[] = [
  { driver: 'seplos', why: `${asciiHex} (version 20, command 42, address 0)` },
  { driver: 'pace', why: `${asciiHex} (version 25, command 42, address 1)` },
  { driver: 'pylontech', why: `${asciiHex} (version 20, command 42, address 2)` },
];

/**
 * The order of the lines: listening costs nobody anything and comes first; then the rate most boards have. A rate is tried
 * once: at a wrong rate a request arrives as noise, so the fewer the better. The order on each line: frames with a start of
 * their own, then Modbus reads (functions 3 and 4), then text, because a device that reads lines keeps the bytes before as
 * part of its line and refuses it, and packets that travel through other devices last.
 */
export const PROBE_LINES: readonly ProbeLine[] = [
  {
    baud: 19_200,
    why: 'VE.Direct talks by itself, so the line is listened to before anything is sent; then newer boards of Seplos, and Modbus',
    listen: ['ve-direct'],
    steps: ASCII.filter(({ driver }) => driver === 'seplos'),
    modbus: true,
  },
  {
    baud: 9600,
    why: 'the rate of most boards',
    steps: [
      { driver: 'jbd', why: magic('DD A5'), wakes: true },
      {
        driver: 'daly-p81',
        why: 'reads registers with function 3 at unit 0x81; before the A5 frames, because boards that know both prefer it',
      },
      { driver: 'daly', why: magic('A5 40') },
      { driver: 'jbd-up', why: 'function 0x78, which reads; other Modbus devices refuse it as unknown' },
      ...ASCII,
    ],
    modbus: true,
  },
  {
    baud: 115_200,
    why: 'JK boards, Pylontech as it comes, EPEver',
    steps: [{ driver: 'jk', why: magic('4E 57') }, ...ASCII.filter(({ driver }) => driver === 'pylontech')],
    modbus: true,
  },
  {
    baud: 2400,
    why: 'Voltronic inverters; meters of Eastron as they come',
    steps: [
      {
        driver: 'voltronic',
        why: 'a question (Q…) with its CRC; the only one here that reads lines, so before any bytes',
      },
    ],
    modbus: true,
  },
  {
    baud: 9600,
    why: 'cell modules of diyBMS: their packet is passed on from module to module, so it is last of all',
    steps: [{ driver: 'diybms', why: 'asks for voltages (command 1), with a CRC' }],
    modbus: false,
  },
];

/** Drivers that are never asked unless they are named, and why. */
export const ASKED_BY_NAME: Readonly<Record<string, string>> = {
  'jk-pb':
    'its boards are asked by a Modbus write (function 16); to any other device that would be a real one. ' +
    'Name it when you know the board: --driver jk-pb',
};

/** Modbus units that are looked for when none is named: what devices come with. */
export const USUAL_UNITS: readonly number[] = [1, 2, 3, 48, 90, 210];
/** Behind Modbus TCP the units of a Victron GX as well. */
export const USUAL_TCP_UNITS: readonly number[] = [1, 100, 225, 227, 2, 3, 48, 90, 126, 210];
/** Profiles that exist behind Modbus TCP only. */
export const TCP_ONLY = /^victron-gx-/;
/** How far a scan goes. */
export const SCANNED = { first: 1, last: 16 } as const;

import { type Acceptance, more } from '#bridge';
import { crcXmodem } from './voltronic-frame.ts';
import { wordsOf } from './words.ts';

/**
 * Packets of the diyBMS module ring, 40 bytes, little-endian words.
 *
 *     first last command hops sequence×2 data×32 crc×2
 *
 * On the wire AA, then the bytes, where AA and 88 become 88 and the byte without its bit 7: so AA always begins a packet.
 * Each module adds 1 to the hops; one that is addressed sets bit 7 of the command.
 */
export interface RingPacket {
  readonly first: number;
  readonly last: number;
  /** Without bit 7. */
  readonly command: number;
  /** At least one module has answered. */
  readonly processed: boolean;
  /** Modules in the ring, when it has come round. */
  readonly hops: number;
  readonly sequence: number;
  /** Data word of module `address` is at `address mod 16`. */
  readonly words: Uint16Array;
}

const START = 0xaa;
const ESCAPE = 0x88;
const LENGTH = 40;
const WORDS_AT = 6;
const CRC_AT = 38;
const PROCESSED = 0x80;

/** The bytes that ask modules `first` to `last` for a command. */
export function ringRequest(first: number, last: number, command: number, sequence: number): Uint8Array {
  const packet = new Uint8Array(LENGTH);
  const view = new DataView(packet.buffer);
  packet.set([first, last, command, 0]);
  view.setUint16(4, sequence, true);
  view.setUint16(CRC_AT, crcXmodem(packet, 0, CRC_AT), true);
  const wire = [START];
  for (const byte of packet) {
    if (byte === START || byte === ESCAPE) wire.push(ESCAPE, byte & 0x7f);
    else wire.push(byte);
  }
  return Uint8Array.from(wire);
}

/** A stretch of the wire from AA on: a packet with its length there, or why there is none. */
type Stretch = { readonly packet: RingPacket; readonly length: number } | 'truncated' | 'checksum';

function packetAt(wire: Uint8Array, start: number): Stretch {
  const bytes = new Uint8Array(LENGTH);
  let have = 0;
  let escaped = false;
  for (let at = start + 1; at < wire.length; at += 1) {
    const byte = wire[at] ?? 0;
    if (byte === START) return 'checksum';
    if (byte === ESCAPE && !escaped) {
      escaped = true;
      continue;
    }
    bytes[have] = escaped ? byte | 0x80 : byte;
    escaped = false;
    have += 1;
    if (have < LENGTH) continue;
    const view = new DataView(bytes.buffer);
    if (crcXmodem(bytes, 0, CRC_AT) !== view.getUint16(CRC_AT, true)) return 'checksum';
    return { packet: takeApart(bytes, view), length: at + 1 - start };
  }
  return 'truncated';
}

function takeApart(bytes: Uint8Array, view: DataView): RingPacket {
  const command = view.getUint8(2);
  return {
    first: view.getUint8(0),
    last: view.getUint8(1),
    command: command & 0x0f,
    processed: (command & PROCESSED) !== 0,
    hops: view.getUint8(3),
    sequence: view.getUint16(4, true),
    words: wordsOf(bytes.subarray(WORDS_AT, CRC_AT), true),
  };
}

/** What recorded bytes hold. */
export interface RingScan {
  readonly packets: readonly RingPacket[];
  readonly fault?: 'truncated' | 'checksum';
}

/** Every good packet of recorded bytes, and the first fault. */
export function scanRing(wire: Uint8Array): RingScan {
  const packets: RingPacket[] = [];
  let fault: RingScan['fault'];
  for (let at = wire.indexOf(START); at >= 0; at = wire.indexOf(START, at + 1)) {
    const found = packetAt(wire, at);
    if (typeof found === 'string') fault ??= found;
    else packets.push(found.packet);
  }
  return fault === undefined ? { packets } : { packets, fault };
}

/** What was asked, as the answer repeats it. */
export type Asked = Pick<RingPacket, 'first' | 'last' | 'command' | 'sequence'>;

/**
 * Framing of one answer. A packet that comes back from no hop is our own echo; one that came round untouched says that the
 * ring has no such modules.
 */
export function acceptRing(asked: Asked): (received: Uint8Array) => Acceptance<Uint8Array> {
  return (received) => {
    let fault: string | undefined;
    for (let at = received.indexOf(START); at >= 0; at = received.indexOf(START, at + 1)) {
      const found = packetAt(received, at);
      if (found === 'truncated') return at === 0 ? more : { kind: 'skip', length: at, reason: fault ?? 'noise' };
      if (found === 'checksum') fault ??= found;
      else if (found.packet.hops > 0 && isAnswer(found.packet, asked)) return answered(received, at, found, asked);
    }
    return withoutAnswer(received, fault);
  };
}

function withoutAnswer(received: Uint8Array, fault: string | undefined): Acceptance<Uint8Array> {
  if (received.length === 0) return more;
  if (fault !== undefined) return { kind: 'refuse', code: fault, message: 'the packet is damaged (checksum)' };
  return { kind: 'skip', length: received.length, reason: 'noise' };
}

function answered(
  received: Uint8Array,
  at: number,
  { packet, length }: Exclude<Stretch, string>,
  { first, last }: Asked,
): Acceptance<Uint8Array> {
  if (!packet.processed) {
    const message = `the ring has ${packet.hops} modules, none of ${first} to ${last}`;
    return { kind: 'refuse', code: 'not_processed', message, retryable: false };
  }
  if (at > 0) return { kind: 'skip', length: at, reason: 'noise' };
  return { kind: 'take', value: received.subarray(0, length), length };
}

/** Whether a packet answers what was asked. */
export function isAnswer(packet: RingPacket, asked: Asked): boolean {
  return (
    packet.first === asked.first &&
    packet.last === asked.last &&
    packet.command === asked.command &&
    packet.sequence === asked.sequence
  );
}

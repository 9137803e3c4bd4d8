import { type Acceptance, latin1Bytes, latin1Text, more } from '#bridge';

/**
 * Frames of Voltronic-style inverters.
 *
 *     request  QPIGS B7 A9 CR            answer  ( payload crc crc CR              PI30 and its relatives
 *     request  ^P005GS 58 14 CR          answer  ^D nnn payload crc crc CR         PI18
 *
 * CRC-16 XMODEM over everything before it, high byte first; a byte of it that would be `(`, CR or LF is sent one higher, so
 * that these never occur inside. An answer does not name its command.
 */
export interface VoltronicFrame {
  readonly family: 'pi30' | 'pi18';
  /** Between the start and the CRC; PI18 with its kind (`D`, `S`, `0`, `1`) in front. */
  readonly payload: string;
}

/** What is wrong with a stretch of bytes. */
export type VoltronicFault = 'header' | 'truncated' | 'checksum';

const CR = 0x0d;
const OPEN = 0x28;
const CARET = 0x5e;
/** Longer than any answer. */
const LONGEST = 512;

/** CRC-16 XMODEM: polynomial 0x1021, start 0, not reflected. */
export function crcXmodem(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = 0;
  for (let at = start; at < end; at += 1)
    crc = ((crc << 8) ^ (TABLE[((crc >>> 8) ^ (bytes[at] ?? 0)) & 0xff] ?? 0)) & 0xffff;
  return crc;
}

const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  return crc;
});

const raised = (byte: number): number => (byte === OPEN || byte === CR || byte === 0x0a ? byte + 1 : byte);

/** The two bytes a CRC is sent as. */
export function sentCrc(crc: number): readonly [number, number] {
  return [raised(crc >>> 8), raised(crc & 0xff)];
}

/** A command with its CRC and CR. */
export function voltronicRequest(command: string): Uint8Array {
  const bytes = latin1Bytes(command);
  return Uint8Array.of(...bytes, ...sentCrc(crcXmodem(bytes)), CR);
}

/** The command of a request; undefined when it is none. */
export function parseRequest(bytes: Uint8Array): { readonly command: string; readonly crc: number } | undefined {
  const end = bytes.length - 3;
  if (end < 1 || bytes[bytes.length - 1] !== CR || bytes[0] === OPEN) return undefined;
  const crc = crcXmodem(bytes, 0, end);
  if (!crcFits(bytes, end, crc)) return undefined;
  const command = latin1Text(bytes.subarray(0, end));
  return { command: command.startsWith('^P') ? command.slice(5) : command, crc };
}

/** Some units send a zero byte as 01 as well. */
function crcFits(bytes: Uint8Array, at: number, crc: number): boolean {
  const fits = (wanted: number, got: number | undefined): boolean =>
    got === raised(wanted) || (wanted === 0 && got === 1);
  return fits(crc >>> 8, bytes[at]) && fits(crc & 0xff, bytes[at + 1]);
}

/** One stretch that ends in CR: from its last start on, because none occurs inside. */
function frameIn(stretch: Uint8Array): VoltronicFrame | VoltronicFault {
  const start = startIn(stretch);
  if (start < 0) return 'header';
  const frame = stretch.subarray(start);
  const end = frame.length - 3;
  if (end < 2) return 'checksum';
  if (!crcFits(frame, end, crcXmodem(frame, 0, end))) return 'checksum';
  return {
    family: frame[0] === OPEN ? 'pi30' : 'pi18',
    payload: latin1Text(frame.subarray(1, end)),
  };
}

/** `(` never occurs inside a frame, `^` could in a CRC. */
function startIn(stretch: Uint8Array): number {
  const open = stretch.lastIndexOf(OPEN);
  return open >= 0 ? open : stretch.indexOf(CARET);
}

/** What recorded bytes hold: the first good frame and what came behind it, or the first fault. */
export function findFrame(
  bytes: Uint8Array,
): { readonly frame: VoltronicFrame; readonly behind: number } | { readonly fault: VoltronicFault } {
  let fault: VoltronicFault | undefined;
  let from = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    if (bytes[at] !== CR) continue;
    const found = frameIn(bytes.subarray(from, at + 1));
    if (typeof found !== 'string') return { frame: found, behind: bytes.length - at - 1 };
    if (found !== 'header') fault ??= found;
    from = at + 1;
  }
  if (fault !== undefined) return { fault };
  return { fault: startIn(bytes.subarray(from)) >= 0 ? 'truncated' : 'header' };
}

/** What is to be done with one stretch that ends in CR; `undefined`: nothing of ours. */
function judge(
  stretch: Uint8Array,
  fits: (payload: string) => boolean,
): 'take' | 'checksum' | Acceptance<never> | undefined {
  const found = frameIn(stretch);
  if (typeof found === 'string') return found === 'checksum' ? found : undefined;
  if (found.payload === 'NAK') return { kind: 'refuse', code: 'nak', message: NAK_TEXT, retryable: false };
  return fits(found.payload) ? 'take' : undefined;
}

/**
 * Framing of one answer, told from a late one by its shape.
 * @param fits whether a payload can be the answer
 */
export function acceptVoltronic(received: Uint8Array, fits: (payload: string) => boolean): Acceptance<Uint8Array> {
  let fault: string | undefined;
  let from = 0;
  for (let at = received.indexOf(CR); at >= 0; at = received.indexOf(CR, from)) {
    const stretch = received.subarray(from, at + 1);
    const verdict = judge(stretch, fits);
    if (verdict === 'take') {
      const start = from + startIn(stretch);
      if (start > 0) return { kind: 'skip', length: start, reason: 'noise' };
      return { kind: 'take', value: stretch, length: at + 1 };
    }
    if (verdict === 'checksum') fault ??= verdict;
    else if (verdict !== undefined) return verdict;
    from = at + 1;
  }
  return unfinished(received, from, fault);
}

/** No answer yet: what has begun behind the last CR may become one. */
function unfinished(received: Uint8Array, from: number, fault: string | undefined): Acceptance<Uint8Array> {
  if (received.length === 0) return more;
  const begun = from + startIn(received.subarray(from));
  if (begun >= from && received.length - begun < LONGEST) {
    return begun === 0 ? more : { kind: 'skip', length: begun, reason: fault ?? 'noise' };
  }
  if (fault !== undefined) return { kind: 'refuse', code: fault, message: `the answer is damaged (${fault})` };
  return { kind: 'skip', length: received.length, reason: 'noise' };
}

export const NAK_TEXT = 'the unit does not know this command, or refuses it (NAK)';

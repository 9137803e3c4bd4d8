import { type Acceptance, byteSum, more } from '#bridge';

/**
 * Frames of a PSE microcontroller, the same in both dialects and directions: always 12 bytes.
 *
 *     30 56 07 ff ff ff ff ff ff ff ff 85   command, sequence, data (unused: ff), sum of all before modulo 256
 *     30 56 07 03 44 00 5d 00 bc 00 32 1f   the answer repeats command and sequence
 */

export const FRAME_BYTES = 12;
const DATA_BYTES = 9;
const UNUSED = 0xff;

/** What the controller says in place of an answer, with nothing else in the frame. */
const REJECTIONS: Readonly<Record<number, readonly [code: string, message: string]>> = {
  253: ['request_incomplete', 'the controller got only a part of it'],
  254: ['request_checksum', 'the controller got it damaged, or is still starting'],
  255: ['not_ready', 'the controller is not ready'],
};
/** First byte of the Realtek dialect's answer to a command it does not know. */
const UNKNOWN_COMMAND = 0x61;

/** @param data up to nine bytes @throws RangeError when there are more */
export function pseFrame(command: number, sequence: number, data: readonly number[] = []): Uint8Array {
  if (data.length > DATA_BYTES) throw new RangeError(`${data.length} bytes of data in a frame with room for nine`);
  const frame = new Uint8Array(FRAME_BYTES).fill(UNUSED);
  frame.set([command, sequence, ...data]);
  frame[FRAME_BYTES - 1] = byteSum(frame, 0, FRAME_BYTES - 1);
  return frame;
}

/**
 * Finds the answer to a command. Slides by one byte until checksum, command and sequence fit, because a lost byte shifts
 * everything behind it. Pure.
 */
export function acceptPseFrame(command: number, sequence: number, received: Uint8Array): Acceptance<Uint8Array> {
  if (received.length < FRAME_BYTES) return more;
  const frame = received.subarray(0, FRAME_BYTES);
  const skip = (reason: string): Acceptance<never> => ({ kind: 'skip', length: 1, reason });
  const refuse = (code: string, message: string, retryable: boolean): Acceptance<never> => ({
    kind: 'refuse',
    code,
    message,
    retryable,
  });
  if ((byteSum(frame, 0, FRAME_BYTES - 1) & 0xff) !== frame[FRAME_BYTES - 1]) return skip('checksum');
  const [first = 0, second] = frame;
  const nothingElse = frame.subarray(2, FRAME_BYTES - 1).every((byte) => byte === UNUSED);
  const rejection = REJECTIONS[first];
  if (rejection !== undefined && second === UNUSED && nothingElse) return refuse(...rejection, true);
  if (first === UNKNOWN_COMMAND) return refuse('not_implemented', 'the controller does not know this command', false);
  if (first !== command) return skip('command');
  if (second !== sequence) return skip('sequence');
  // Some firmware answers a command it does not know with an empty frame.
  if (nothingElse) return refuse('not_implemented', 'the controller has no answer to this command', false);
  return { kind: 'take', value: Uint8Array.from(frame), length: FRAME_BYTES };
}

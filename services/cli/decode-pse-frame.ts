import { byteSum, hexToBytes } from '#bridge';
import { broadcom, type PseDialect, realtek } from '../poe/pse-dialects.ts';
import { acceptPseFrame, FRAME_BYTES } from '../poe/pse-frame.ts';
import { decodeExtended, decodeFigures, decodeInfo, decodeManagement } from '../poe/pse-replies.ts';
import { Undecodable } from './undecodable.ts';

/** One answer of a PSE microcontroller: `{"frame":"30 56 07 03 44 00 5d 00 bc 00 32 1f"}`. Its dialect shows by its command. */

const TYPES: Readonly<
  Record<keyof PseDialect['commands'], readonly [string, ((frame: Uint8Array, dialect: PseDialect) => object)?]>
> = {
  info: ['system_info', decodeInfo],
  totals: ['power_stats', (frame, dialect) => dialect.decodeTotals(frame)],
  short: [
    'short_status',
    (frame, dialect) => {
      const first = dialect.id === 'realtek' ? 4 * (frame[2] ?? 0) : (frame[2] ?? 0) & ~3;
      return { ports: dialect.decodeShort(frame, first) };
    },
  ],
  status: [
    'port_status',
    (frame, dialect) => ({ port: frame[2], ...classOf(dialect.decodeClass(frame, frame[2] ?? 0)) }),
  ],
  figures: ['port_power', (frame) => ({ port: frame[2], ...decodeFigures(frame, frame[2] ?? 0) })],
  extended: ['port_ext_config', (frame) => ({ port: frame[2], ...decodeExtended(frame, frame[2] ?? 0) })],
  management: ['power_mgmt', decodeManagement],
  enable: ['set_port_enable'],
};

const classOf = (poeClass: number | undefined): object => (poeClass === undefined ? {} : { poeClass });

/** @throws Undecodable, or ImplausibleError when no controller can have said it */
export function decodePseFrame(text: unknown): object {
  if (typeof text !== 'string') throw new Undecodable('input', 'no frame: give {"frame":"30 56 07 …"}');
  const bytes = hexToBytes(text);
  if (bytes.length < FRAME_BYTES) throw new Undecodable('incomplete', `${bytes.length} of ${FRAME_BYTES} bytes`);
  const at = Array.from({ length: bytes.length - FRAME_BYTES + 1 }, (_, offset) => offset).find((offset) => {
    const frame = bytes.subarray(offset, offset + FRAME_BYTES);
    return (byteSum(frame, 0, FRAME_BYTES - 1) & 0xff) === frame[FRAME_BYTES - 1];
  });
  if (at === undefined) throw new Undecodable('checksum', 'the sum of its bytes is not its last one');
  const frame = bytes.subarray(at, at + FRAME_BYTES);
  const [command = 0, sequence = 0] = frame;
  const acceptance = acceptPseFrame(command, sequence, frame);
  if (acceptance.kind === 'refuse') throw new Undecodable(acceptance.code, acceptance.message);
  for (const dialect of [broadcom, realtek])
    for (const [name, number] of Object.entries(dialect.commands)) {
      const [type, decode] = TYPES[name as keyof PseDialect['commands']];
      // 00 and 01 are writes, and mean different things in the two
      if (number === command && decode !== undefined)
        return { type, dialect: dialect.id, sequence, ...decode(frame, dialect) };
    }
  throw new Undecodable('unknown_command', `0x${command.toString(16).padStart(2, '0')} is no question of ours`);
}

import { open } from 'node:fs/promises';
import { join } from 'node:path';

/** Something that could not be delivered yet. The body is opaque here. */
export interface Batch {
  readonly body: Uint8Array;
  /** What is lost when it is lost. */
  readonly lines: number;
}

/**
 * How batches lie in a file of the spool, one after the other:
 *
 *     0   4  "HSP1"
 *     4   4  length of the body, bytes, big endian
 *     8   4  lines in the body
 *     12  …  body (gzip, which has a checksum of its own)
 */

const MAGIC = 0x48_53_50_31;
export const HEADER_BYTES = 12;
const MAX_BODY_BYTES = 64 << 20;

export function frame({ body, lines }: Batch): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + body.length);
  bytes.writeUInt32BE(MAGIC, 0);
  bytes.writeUInt32BE(body.length, 4);
  bytes.writeUInt32BE(lines, 8);
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

/** Length and lines of the batch behind a header; nothing when it is none. */
export function headerOf(head: Buffer): { readonly bytes: number; readonly lines: number } | undefined {
  if (head.length < HEADER_BYTES || head.readUInt32BE(0) !== MAGIC) return undefined;
  const bytes = head.readUInt32BE(4);
  return bytes > MAX_BODY_BYTES ? undefined : { bytes, lines: head.readUInt32BE(8) };
}

export interface Found {
  /** Length of what is whole batches. */
  readonly bytes: number;
  /** Lines that wait from `readAt` on. */
  readonly lines: number;
  readonly readAt: number;
}

/** What waits in a file from `readAt` on; from its beginning when no batch begins or ends there. */
export async function scan(path: string, readAt: number): Promise<Found> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const head = Buffer.alloc(HEADER_BYTES);
    let at = 0;
    let all = 0;
    let before: number | undefined;
    for (;;) {
      if (at === readAt) before = all;
      if (at + HEADER_BYTES > size) break;
      await file.read(head, 0, HEADER_BYTES, at);
      const header = headerOf(head);
      if (header === undefined || at + HEADER_BYTES + header.bytes > size) break;
      all += header.lines;
      at += HEADER_BYTES + header.bytes;
    }
    return before === undefined ? { bytes: at, lines: all, readAt: 0 } : { bytes: at, lines: all - before, readAt };
  } finally {
    await file.close();
  }
}

export const segmentPath = (dir: string, number: number): string =>
  join(dir, `${String(number).padStart(10, '0')}.spool`);
export const isSegment = (name: string): boolean => /^\d{10}\.spool$/.test(name);
export const segmentNumber = (name: string): number => Number.parseInt(name, 10);

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { SocNote } from '../rack/store.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';

/**
 * Our own count of charge, kept over a restart. It is a convenience: a file that is missing, old or damaged costs
 * certainty and nothing else.
 */

const OLDEST_MS = 30 * 86_400_000;

/** Every figure a count needs: half a note is none. */
const soc = z.looseObject({
  socRatio: z.number().min(0).max(1),
  sigma: z.number().min(0).max(1),
  countedSigma: z.number(),
  voltageSigma: z.number(),
  anchor: z.enum(['bms', 'voltage', 'rest', 'full', 'empty', 'none']),
  sinceAnchorS: z.number(),
  branch: z.number(),
  restS: z.number(),
  fullS: z.number(),
  emptyS: z.number(),
  driftRatio: z.number().optional(),
  currentA: z.number().optional(),
  restingCellV: z.number().optional(),
  emptyCellV: z.number().optional(),
  sagging: z.object({ readings: z.number(), agoS: z.number() }).optional(),
});

const string = z.object({ modules: z.number().int().positive(), capacityAh: z.number().positive() });

const notes = z.record(z.string(), z.object({ soc, wallMs: z.number(), string: string.optional() }));

const pathIn = (stateDir: string): string => join(stateDir, 'state-of-charge.json');

export function readSocNotes(stateDir: string, wallMs: number, log: Log): Record<string, SocNote> {
  try {
    const parsed = notes.parse(JSON.parse(readFileSync(pathIn(stateDir), 'utf8')));
    const young = Object.entries(parsed).filter(
      ([, note]) => note.wallMs <= wallMs && wallMs - note.wallMs < OLDEST_MS,
    );
    return Object.fromEntries(young) as unknown as Record<string, SocNote>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      log.warn({ file: pathIn(stateDir), error: messageOf(error) }, 'state of charge starts anew');
    return {};
  }
}

/** Replaces the file in one step; a failure is logged and changes nothing. */
export function writeSocNotes(stateDir: string, all: Readonly<Record<string, SocNote>>, log: Log): void {
  const path = pathIn(stateDir);
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.new`, JSON.stringify(all), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch (error) {
    log.warn({ file: path, error: messageOf(error) }, 'state of charge could not be kept');
  }
}

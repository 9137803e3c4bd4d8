/** An outage as holdover's own journal tells it. */
export interface JournalOutage {
  readonly beganMs: number;
  /** Undefined while it lasts, and when the journal ends before it. */
  readonly endedMs: number | undefined;
  /** Stages that went down, with the time each began. */
  readonly stages: readonly { readonly name: string; readonly atMs: number }[];
}

/**
 * Outages in a `journal.jsonl`, the oldest first. The journal belongs to the service and may grow new kinds of line: what
 * is not understood is passed over, a torn last line too.
 */
export function journalOutages(text: string): readonly JournalOutage[] {
  const outages: JournalOutage[] = [];
  let open: { beganMs: number; stages: { name: string; atMs: number }[] } | undefined;
  for (const line of text.split('\n')) {
    const { atMs, kind, phase, stage, began } = entryOf(line);
    if (atMs === undefined) continue;
    if (kind === 'stage' && began && stage !== undefined) open?.stages.push({ name: stage, atMs });
    if (kind !== 'phase') continue;
    // Every phase but these two is one of a rack without mains.
    const away = phase !== 'mains' && phase !== 'restoring';
    if (away) open ??= { beganMs: atMs, stages: [] };
    else if (open !== undefined) {
      outages.push({ ...open, endedMs: atMs });
      open = undefined;
    }
  }
  if (open !== undefined) outages.push({ ...open, endedMs: undefined });
  return outages;
}

function entryOf(line: string): {
  atMs?: number;
  kind?: unknown;
  phase?: unknown;
  stage?: string | undefined;
  began?: boolean;
} {
  try {
    const { wallMs, entry } = JSON.parse(line) as { wallMs?: unknown; entry?: Record<string, unknown> };
    if (typeof wallMs !== 'number' || typeof entry !== 'object' || entry === null) return {};
    const stage = typeof entry.stage === 'string' ? entry.stage : undefined;
    return { atMs: wallMs, kind: entry.kind, phase: entry.phase, stage, began: entry.began === true };
  } catch {
    return {};
  }
}

import type { NoticeKind } from '../config/notify.ts';

/** What is told to people. */

export type Severity = 'info' | 'warning' | 'critical';

export const RANK: Readonly<Record<Severity, number>> = { info: 0, warning: 1, critical: 2 };

/** One thing that happened. Plain data; it waits on disk until it was told. */
export interface Notice {
  /** The same happening has the same key, also after a restart: it is told once. */
  readonly key: string;
  readonly kind: NoticeKind | 'test';
  readonly severity: Severity;
  readonly title: string;
  readonly text: string;
  /** Wall ms. */
  readonly atMs: number;
}

/** What goes out over a channel: one notice, or several that came together. */
export interface Message {
  /** Told to receivers that can recognise it, so that a repetition can be dropped there. */
  readonly id: string;
  readonly event: string;
  readonly severity: Severity;
  readonly title: string;
  readonly text: string;
  readonly atMs: number;
  readonly count: number;
}

const MOST_TEXT = 6000;

/** Worst first in the title, in order of time in the text. Pure. */
export function messageOf(id: string, notices: readonly Notice[], stamp: (atMs: number) => string): Message {
  const [first, ...more] = [...notices].sort((a, b) => RANK[b.severity] - RANK[a.severity] || a.atMs - b.atMs);
  const lines = [...notices]
    .sort((a, b) => a.atMs - b.atMs)
    .map((each) => `${stamp(each.atMs)}  ${each.title}\n${indented(each.text)}`);
  const text = more.length === 0 ? (first?.text ?? '') : lines.join('\n');
  return {
    id,
    event: first?.kind ?? 'test',
    severity: first?.severity ?? 'info',
    title: more.length === 0 ? (first?.title ?? '') : `${first?.title}, and ${more.length} more`,
    text: text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}\n…` : text,
    atMs: first?.atMs ?? 0,
    count: notices.length,
  };
}

const indented = (text: string): string => (text === '' ? '' : `${text.replace(/^/gm, '  ')}\n`);

import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { card, nothing } from './card.ts';
import { timeOfDay } from './format.ts';
import { sentence, weight } from './journal-sentence.ts';
import type { Alarm, JournalLine } from './wire.ts';

/** What the coordinator decided, meant and found; newest first. */
export function journal(lines: readonly JournalLine[]): VNode {
  if (lines.length === 0) return card('journal', 'Journal', nothing('Nothing has been written yet.'));
  const body = html`<ol class="journal" tabindex="0" aria-label="Journal, newest first">
    ${[...lines].reverse().map(
      (line) => html`<li class=${`line line-${weight(line.entry)}`} key=${line.seq}>
        <time datetime=${new Date(line.wallMs).toISOString()}>${timeOfDay(line.wallMs)}</time>
        <span>${sentence(line.entry)}</span>
      </li>`,
    )}
  </ol>`;
  return card('journal', 'Journal', body);
}

const MARKS = { critical: '!!', warning: '!', info: 'i' } as const;
const ORDER = { critical: 0, warning: 1, info: 2 } as const;

/** What a person should know of, worst first; nothing when there is nothing. */
export function alarms(all: readonly Alarm[]): VNode | null {
  if (all.length === 0) return null;
  const sorted = [...all].sort((a, b) => ORDER[a.severity] - ORDER[b.severity]);
  return html`<ul class="alarms" aria-label="Alarms">
    ${sorted.map(
      (alarm) => html`<li class=${`alarm alarm-${alarm.severity}`} key=${`${alarm.code}/${alarm.subject}`}>
        <span class="alarm-mark" aria-hidden="true">${MARKS[alarm.severity]}</span>
        <span class="sr-only">${alarm.severity}:</span>
        <span class="alarm-subject">${alarm.subject}</span>
        <span>${alarm.message}</span>
      </li>`,
    )}
  </ul>`;
}

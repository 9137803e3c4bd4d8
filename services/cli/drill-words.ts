import type { DrillStory } from '../twin/drill/drill.ts';
import { some, type Verdict } from '../twin/drill/verdict.ts';
import { sayDuration } from './words.ts';

const clockOf = (atS: number): string => {
  const minutes = Math.floor(atS / 60);
  return `+${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}:${String(atS % 60).padStart(2, '0')}`;
};

/** A drill for a person: what happens when, the charge, what was found. */
export function describeDrill(story: DrillStory, { verdict, findings }: Verdict): string[] {
  const lines = timelineOf(story).map(
    ({ atS, text, socRatio }) =>
      `${clockOf(atS)}  ${text}${socRatio === undefined ? '' : ` (${Math.round(socRatio * 100)} %)`}`,
  );
  lines.push('', chart(story), '');
  for (const { severity, text, tryThis } of findings) {
    lines.push(`${severity.padEnd(10)} ${text}`);
    if (tryThis !== undefined) lines.push(`${''.padEnd(10)} try: ${tryThis}`);
  }
  const back =
    story.backAfterS === undefined ? '' : `, everything as before ${sayDuration(story.backAfterS)} after the loss`;
  lines.push('', `verdict    ${verdict}${back}`);
  return lines;
}

/** Hosts that come to the same phase within this many seconds share a line. */
const TOGETHER_S = 15;

interface Group {
  readonly atS: number;
  readonly word: string;
  readonly hosts: string[];
}

/** One thing that happened, `atS` from the loss of mains. */
export interface Happening {
  readonly atS: number;
  readonly text: string;
  /** Charge at that moment, 0..1, where it matters. */
  readonly socRatio?: number;
}

/** What happened, hosts of one moment on one line. */
export function timelineOf({ events, points }: DrillStory): Happening[] {
  const rows: (Happening | Group)[] = [];
  for (const { atS, entry } of events) {
    if (entry.kind === 'host' && entry.change.phase !== undefined) {
      const word = `${entry.change.phase}${entry.change.forced ? ' by force' : ''}`;
      const group = rows.findLast(
        (row): row is Group => 'hosts' in row && row.word === word && atS - row.atS <= TOGETHER_S,
      );
      if (group === undefined) rows.push({ atS, word, hosts: [entry.host] });
      else group.hosts.push(entry.host);
    }
    const text = sentence(entry);
    if (text === undefined) continue;
    const socRatio = points.findLast((point) => point.atS <= atS)?.socRatio;
    rows.push({ atS, text, ...(socRatio === undefined ? {} : { socRatio }) });
  }
  return rows.map((row) => ('hosts' in row ? { atS: row.atS, text: `${some(row.hosts)}: ${row.word}` } : row));
}

function sentence(entry: DrillStory['events'][number]['entry']): string | undefined {
  if (entry.kind === 'phase') return `${entry.phase}: ${entry.because}`;
  if (entry.kind !== 'stage') return undefined;
  return `stage ${entry.stage} ${entry.began ? `begins, by ${entry.trigger ?? ''}` : 'is called back'}`;
}

const BARS = '▁▂▃▄▅▆▇█';
const WIDTH = 60;

/** Charge over the time of the drill. */
function chart({ points }: DrillStory): string {
  const step = Math.max(1, Math.ceil(points.length / WIDTH));
  const bars = points
    .filter((_, index) => index % step === 0)
    .map(({ socRatio }) => BARS[Math.min(BARS.length - 1, Math.floor(socRatio * BARS.length))] ?? ' ');
  const first = points.at(0)?.socRatio ?? 0;
  const least = Math.min(1, ...points.map(({ socRatio }) => socRatio));
  return `charge     ${bars.join('')}  ${Math.round(first * 100)} % → ${Math.round(least * 100)} %`;
}

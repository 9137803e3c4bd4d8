import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { card, figure } from './card.ts';
import { faultWords } from './faults.ts';
import { duration, NOTHING, percent, watts } from './format.ts';
import type { DrillAnswer } from './wire.ts';

const VERDICTS = {
  safe: { words: 'It would end well', mark: '✓' },
  attention: { words: 'It would end well, but look at this', mark: '!' },
  unsafe: { words: 'It would not end well', mark: '!!' },
} as const;

/** What a drill has shown: the verdict, what to change, the charge, and what happens when. */
export function drillResult(answer: DrillAnswer, nowWallMs: number): VNode {
  const { basis, verdict, findings, timeline } = answer;
  const { words, mark } = VERDICTS[verdict];
  const playedS = Math.max(0, (nowWallMs - basis.wallMs) / 1000);
  const aside = html`<span class="note">played ${duration(playedS)} ago</span>`;
  const faults = basis.faults.length === 0 ? '' : `; ${basis.faults.map(faultWords).join(', ')}`;
  const body = html`
    <div role="status">
      <p class=${`big drill-verdict drill-${verdict}`}>
        <span class="alarm-mark" aria-hidden="true">${mark}</span>${words}
      </p>
      <p class="note">
        mains away for ${duration(basis.outageS)}, from ${percent(basis.socRatio)} and ${watts(basis.loadW)}${faults}
      </p>
    </div>
    <ul class="findings" aria-label="Findings">
      ${findings.map(
        ({ severity, text, tryThis }) => html`<li class=${`finding finding-${severity}`}>
          <span class="sr-only">${severity}:</span>
          <span>${text}</span>
          ${tryThis === undefined ? null : html`<span class="try">try: ${tryThis}</span>`}
        </li>`,
      )}
    </ul>
    ${chart(answer)}
    <dl class="figures">
      ${figure('When all was off', answer.darkSocRatio === undefined ? NOTHING : percent(answer.darkSocRatio), answer.darkSocRatio === undefined ? 'not all went off' : undefined)}
      ${figure('Reserve', percent(answer.reserveRatio))}
      ${figure('Everything back', answer.backAfterS === undefined ? 'no' : duration(answer.backAfterS), answer.backAfterS === undefined ? undefined : 'after the loss')}
    </dl>
  `;
  return html`${card('drill-result', 'What would happen', body, { aside })} ${happenings(timeline)}`;
}

function happenings(timeline: DrillAnswer['timeline']): VNode {
  const rows = html`<ol class="journal" tabindex="0" aria-label="What happens, in order">
    ${timeline.map(
      ({ atS, text, socRatio }) => html`<li class=${`line ${socRatio === undefined ? '' : 'line-strong'}`}>
        <time>${clock(atS)}</time>
        <span>${text}</span>
        ${socRatio === undefined ? null : html`<i class="note line-soc-note">${percent(socRatio)}</i>`}
      </li>`,
    )}
  </ol>`;
  return card('drill-timeline', 'Minute by minute', rows);
}

/** `0:03:20` after the loss. */
export function clock(atS: number): string {
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const at = Math.abs(atS);
  return `${atS < 0 ? '−' : ''}${Math.floor(at / 3600)}:${two((at % 3600) / 60)}:${two(at % 60)}`;
}

const WIDTH = 600;
const HEIGHT = 140;

/** Charge over time, the reserve, and how many hosts run. */
function chart({ points, reserveRatio, basis, endS }: DrillAnswer): VNode | null {
  if (points.length < 2) return null;
  const span = Math.max(endS, points.at(-1)?.atS ?? 1, 1);
  const most = Math.max(1, ...points.map(({ up }) => up));
  const x = (atS: number) => ((atS / span) * WIDTH).toFixed(1);
  const y = (ratio: number) => ((1 - Math.min(1, Math.max(0, ratio))) * HEIGHT).toFixed(1);
  const soc = points.map((point) => `${x(point.atS)},${y(point.socRatio)}`).join(' ');
  // Hosts are there or not: the line has steps.
  const up = points
    .map((point, index) => {
      const before = points[index - 1]?.up ?? point.up;
      return `${x(point.atS)},${y(before / most)} ${x(point.atS)},${y(point.up / most)}`;
    })
    .join(' ');
  const least = Math.min(...points.map(({ socRatio }) => socRatio));
  const label = `Charge from ${percent(points[0]?.socRatio)} down to ${percent(least)}; reserve ${percent(reserveRatio)}`;
  return html`<figure class="drill-chart">
    <svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${label}>
      <rect class="away" x="0" y="0" width=${x(Math.min(basis.outageS, span))} height=${HEIGHT} />
      <line class="reserve-line" x1="0" x2=${WIDTH} y1=${y(reserveRatio)} y2=${y(reserveRatio)} />
      <polyline class="up-line" points=${up} />
      <polyline class="soc-line" points=${soc} />
    </svg>
    <figcaption class="legend">
      <span><i class="swatch line-soc"></i>charge, 0 to 100 %</span>
      <span><i class="swatch line-power"></i>hosts that run, 0 to ${most}</span>
      <span><i class="swatch line-reserve"></i>reserve</span>
      <span><i class="swatch swatch-away"></i>mains away</span>
      <span class="scale">${duration(span)} in all</span>
    </figcaption>
  </figure>`;
}

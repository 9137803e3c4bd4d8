import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { type Currency, card, figure, nothing, share, staleBadge } from './card.ts';
import { amps, byNumber, duration, hertz, percent, volts, watts } from './format.ts';
import { mainsForS } from './headline.ts';
import type { Mains, Meter, Picture, Seen, Ups } from './wire.ts';

const VERDICTS = { present: 'Present', absent: 'Away', unknown: 'Unknown' } as const;
const MARKS = { present: '✓', absent: '✕', silent: '–' } as const;
const SAYS = { present: 'says present', absent: 'says away', silent: 'says nothing' } as const;

/** Whether utility power is there, and who says so. */
export function mains(picture: Picture, currency: Currency): VNode {
  const { mains: view, meters, ups = {} } = picture.rack;
  const body = html`
    <p class=${`big verdict verdict-${view.verdict}`}>
      ${VERDICTS[view.verdict]}${' '}<span class="plus-minus">for ${duration(mainsForS(picture))}</span>
    </p>
    ${view.disputed ? html`<p class="failure">The witnesses contradict each other.</p>` : null}
    ${votes(view)} ${ordered(picture)}
    ${Object.entries(meters)
      .sort(([a], [b]) => byNumber(a, b))
      .map(([id, seen]) => source(id, seen, meterFacts, currency))}
    ${Object.entries(ups)
      .sort(([a], [b]) => byNumber(a, b))
      .map(([id, seen]) => source(id, seen, upsFacts, currency))}
  `;
  return card('mains', 'Mains', body, { currency });
}

/** Not followed on mains, for a UPS keeps the word long after the outage; shown all the same. */
function ordered({ rack: { forcedShutdown } }: Picture): VNode | null {
  if (forcedShutdown === undefined) return null;
  return html`<p class="failure"><b>${forcedShutdown.ups}</b> orders everything down: ${forcedShutdown.because}</p>`;
}

function votes(view: Mains): VNode {
  if (view.votes.length === 0) return nothing('No evidence is configured.');
  return html`<ul class="votes">
    ${view.votes.map(
      (vote) => html`<li class=${`vote vote-${vote.says}`} key=${vote.source}>
        <span class="vote-mark" aria-hidden="true">${MARKS[vote.says]}</span>
        <span class="vote-source">${vote.source}</span>
        <span class="sr-only">${SAYS[vote.says]}:</span>
        <span class="vote-because">${vote.because}</span>
      </li>`,
    )}
  </ul>`;
}

const meterFacts = ({ voltageV, frequencyHz, powerW }: Meter): readonly string[] => [
  volts(voltageV),
  hertz(frequencyHz),
  watts(powerW),
];

/** Only what it tells. */
const upsFacts = ({ inputVoltageV, loadPowerW, socRatio, runtimeS }: Ups): readonly string[] => [
  ...(inputVoltageV === undefined ? [] : [volts(inputVoltageV)]),
  ...(loadPowerW === undefined ? [] : [watts(loadPowerW)]),
  ...(socRatio === undefined ? [] : [percent(socRatio)]),
  ...(runtimeS === undefined ? [] : [duration(runtimeS)]),
];

function source<S>(
  id: string,
  { sample, freshness, ageMs, failure }: Seen<S>,
  facts: (sample: S) => readonly string[],
  whole: Currency,
): VNode {
  const currency = {
    freshness: whole.freshness === 'fresh' ? freshness : ('stale' as const),
    ageS: (ageMs ?? 0) / 1000,
  };
  const badge = whole.freshness === 'fresh' ? staleBadge(currency) : null;
  return html`<div class=${`meter is-${currency.freshness}`} key=${id}>
    <p class="facts">
      <span class="strong">${id}</span>
      ${sample === undefined ? null : facts(sample).map((fact, index) => html`<span key=${index}>${fact}</span>`)}
      ${badge}
    </p>
    ${failure === undefined ? null : html`<p class="failure">${failure.message}</p>`}
  </div>`;
}

/** The branch circuit and how close it is to its continuous limit. */
export function circuit(picture: Picture, whole: Currency): VNode {
  const { currentA, powerW, limitA, freshness, meters } = picture.rack.circuit;
  const currency: Currency = whole.freshness === 'fresh' ? { freshness } : whole;
  const used = currentA === undefined ? undefined : currentA / limitA;
  const level = used === undefined ? 'unknown' : used > 1 ? 'over' : used > 0.85 ? 'near' : 'fine';
  const body = html`
    <p class="big">${amps(currentA)} <span class="plus-minus">of ${amps(limitA)}</span></p>
    <div class=${`bar bar-${level}`} role="img" aria-label=${`${percent(used)} of the continuous limit`}>
      <i class="fill" style=${{ width: share(currentA ?? 0, limitA) }}></i>
    </div>
    <dl class="figures">
      ${figure('Power', watts(powerW))} ${figure('Of the limit', percent(used))}
      ${figure('Measured by', meters?.join(' + ') ?? '–')}
    </dl>
  `;
  return card('circuit', 'Circuit', body, { currency });
}

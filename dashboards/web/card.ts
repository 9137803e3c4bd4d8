import { html } from 'htm/preact';
import type { ComponentChildren, VNode } from 'preact';
import { duration } from './format.ts';
import type { Freshness } from './wire.ts';

/** What every panel of the page is made of. */

/** How far a panel's values may be taken as current. */
export interface Currency {
  readonly freshness: Freshness;
  readonly ageS?: number | undefined;
}

const FRESH: Currency = { freshness: 'fresh' };

/** `stale, 95 s old`; nothing while the values are current. */
export function staleBadge({ freshness, ageS }: Currency): VNode | null {
  if (freshness === 'fresh') return null;
  if (freshness === 'absent') return html`<span class="badge">no reading yet</span>`;
  const age = ageS === undefined ? '' : `, ${duration(ageS)} old`;
  return html`<span class="badge badge-stale">stale${age}</span>`;
}

/** A titled panel. With values that are not current it is greyed, and its badge says so. */
export function card(
  id: string,
  title: string,
  body: ComponentChildren,
  more: { readonly currency?: Currency; readonly aside?: ComponentChildren } = {},
): VNode {
  const currency = more.currency ?? FRESH;
  return html`<section class=${`card card-${id} is-${currency.freshness}`} aria-labelledby=${`${id}-title`}>
    <header class="card-head">
      <h2 id=${`${id}-title`}>${title}</h2>
      ${staleBadge(currency)}
      ${more.aside === undefined ? null : html`<div class="card-aside">${more.aside}</div>`}
    </header>
    ${body}
  </section>`;
}

/** Name and value; the value keeps its place when it changes. */
export function figure(name: string, value: ComponentChildren, note?: ComponentChildren): VNode {
  return html`<div class="figure">
    <dt>${name}</dt>
    <dd><span class="value">${value}</span>${note === undefined ? null : html` <span class="note">${note}</span>`}</dd>
  </div>`;
}

/** Shown in a panel that has nothing to show. */
export const nothing = (words: string): VNode => html`<p class="empty">${words}</p>`;

/** 0..100 with `%`, for positions. */
export const share = (part: number, whole: number): string =>
  `${whole > 0 ? Math.min(100, Math.max(0, (part / whole) * 100)) : 0}%`;

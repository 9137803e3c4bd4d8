import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { type Currency, card, nothing, share } from './card.ts';
import { count, duration, wattHours, watts } from './format.ts';
import type { Picture, Schedule, Stage } from './wire.ts';

const DECIDED: Readonly<Record<string, string>> = {
  energy: 'by energy',
  after: 'by time',
  soc: 'by charge',
  runtime: 'by runtime',
  rate: 'by the rate of discharge',
  window: 'by the time of day',
};

const STEPS_S = [60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200, 86_400, 172_800, 604_800];

/** Marks on a time axis of `spanS` seconds: at most five, on round times. */
export function ticks(spanS: number): readonly number[] {
  const step = STEPS_S.find((candidate) => spanS / candidate <= 5) ?? Math.ceil(spanS / 5);
  const marks: number[] = [];
  for (let at = step; at < spanS * 0.9; at += step) marks.push(at);
  return marks;
}

const tickText = (at: number): string => {
  if (at === 60) return '1 min';
  return at === 3600 ? '1 h' : duration(at);
};

/** When each stage has to begin, on an axis from now to everything off. */
export function schedule(picture: Picture, currency: Currency, onOpen: (stage: string) => void): VNode {
  const plan = picture.coordinator.schedule;
  const title = plan.basis === 'live' ? 'Schedule' : 'If mains failed now';
  if (plan.stages.length === 0) return card('schedule', title, nothing('No shutdown stages are configured.'));
  const ends = plan.stages.map((stage) => (stage.beginsInS ?? 0) + stage.durationS);
  const spanS = Math.max(plan.allOffInS ?? 0, ...ends, 60);
  const body = html`
    ${plan.feasible ? null : html`<p class="failure">Even beginning now, the reserve would be touched.</p>`}
    <ol class="timeline">
      ${plan.stages.map((stage) => row(stage, spanS, onOpen))}
    </ol>
    ${axis(spanS, plan)} ${energy(plan)}
  `;
  const aside = html`<span class="note">load ${watts(plan.loadW)}</span>`;
  return card('schedule', title, body, { currency, aside });
}

/** When a stage begins, or what it is doing. */
export function when(stage: Stage): string {
  if (stage.state === 'going-down') return 'going down';
  if (stage.state === 'coming-back') return 'coming back';
  if (stage.state === 'down') return 'down';
  if (stage.beginsInS === undefined) return 'no prediction';
  return stage.beginsInS <= 0 ? 'due now' : `in ${duration(stage.beginsInS)}`;
}

function row(stage: Stage, spanS: number, onOpen: (stage: string) => void): VNode {
  const why = stage.state === 'waiting' && stage.decidedBy !== undefined ? DECIDED[stage.decidedBy] : '';
  const shown = stage.state === 'going-down' || (stage.state === 'waiting' && stage.beginsInS !== undefined);
  const begin = stage.state === 'going-down' ? 0 : (stage.beginsInS ?? 0);
  return html`<li class=${`lane lane-${stage.state}`} key=${stage.name}>
    <span class="lane-name">
      <button type="button" class="opener" aria-haspopup="dialog" onClick=${() => onOpen(stage.name)}>${stage.name}</button>
      ${' '}<span class="note" title=${count(stage.hosts.length, 'host')}>${stage.hosts.length}</span>
    </span>
    <span class="lane-when"><b>${when(stage)}</b> <span class="note">${why}</span></span>
    <span class="lane-track" aria-hidden="true">
      ${
        shown
          ? html`<i class="lane-wait" style=${{ width: share(begin, spanS) }}></i
            ><i class="lane-bar" style=${{ left: share(begin, spanS), width: share(stage.durationS, spanS) }}></i>`
          : null
      }
    </span>
  </li>`;
}

function axis(spanS: number, plan: Schedule): VNode | null {
  // What is down already does not go down once more.
  if (plan.stages.every((stage) => stage.state === 'down')) return null;
  const end = plan.allOffInS;
  if (end === undefined && plan.stages.every((stage) => stage.beginsInS === undefined)) return null;
  return html`<div class="axis" aria-hidden="true">
      <span class="tick tick-now" style=${{ left: '0%' }}>now</span>
      ${ticks(spanS).map((at) => html`<span class="tick" style=${{ left: share(at, spanS) }} key=${at}>${tickText(at)}</span>`)}
    </div>
    ${end === undefined ? null : html`<p class="all-off">everything off in <b>${duration(end)}</b></p>`}`;
}

/** Energy from empty to what is usable: the reserve that is kept, and the level at which each stage has to begin. */
function energy({ usableWh, reserveWh, stages }: Schedule): VNode | null {
  if (usableWh === undefined) return nothing('No battery figure: no prediction.');
  const whole = Math.max(usableWh, reserveWh, ...stages.map((stage) => stage.mustBeginBelowWh), 1);
  const waiting = stages.filter((stage) => stage.state === 'waiting');
  const levels = waiting.map((stage) => `${stage.name} below ${wattHours(stage.mustBeginBelowWh)}`).join(', ');
  const label = `${wattHours(usableWh)} usable, ${wattHours(reserveWh)} of it reserve; ${levels}`;
  return html`<div class="energy">
    <div class="bar bar-energy" role="img" aria-label=${label}>
      <i class="fill" style=${{ width: share(usableWh, whole) }}></i>
      <i class="reserve" style=${{ width: share(reserveWh, whole) }}></i>
      ${waiting.map((stage) => html`<i class="mark" style=${{ left: share(stage.mustBeginBelowWh, whole) }} title=${`${stage.name} below ${wattHours(stage.mustBeginBelowWh)}`}></i>`)}
    </div>
    <p class="facts">
      <span>${wattHours(usableWh)} usable</span><span>${wattHours(reserveWh)} reserve</span>
      ${waiting.map((stage) => html`<span class="note">${stage.name} below ${wattHours(stage.mustBeginBelowWh)}</span>`)}
    </p>
  </div>`;
}

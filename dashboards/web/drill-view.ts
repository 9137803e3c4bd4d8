import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { card, nothing } from './card.ts';
import { drillResult } from './drill-result.ts';
import { faultGroups, faultWords } from './faults.ts';
import { percent, watts } from './format.ts';
import { tokenField } from './order-desk.ts';
import { askDrill } from './send.ts';
import type { DrillAnswer, Picture } from './wire.ts';

const LENGTHS: readonly (readonly [number, string])[] = [
  [15 * 60, '15 minutes'],
  [45 * 60, '45 minutes'],
  [2 * 3600, '2 hours'],
  [6 * 3600, '6 hours'],
  [12 * 3600, '12 hours'],
  [24 * 3600, '24 hours'],
];

/** The newest drill; kept by the page while its reader looks elsewhere. */
export interface Drill {
  readonly outageS: number;
  readonly faults: readonly string[];
  readonly answer?: DrillAnswer | string;
}

export const firstDrill: Drill = { outageS: 45 * 60, faults: [] };

interface DrillProps {
  readonly picture: Picture;
  readonly drill: Drill;
  readonly onDrill: (drill: Drill) => void;
  readonly token: string;
  readonly onToken: (token: string) => void;
  readonly closed?: string | undefined;
}

/** An outage in virtual time, from what the service sees now. Nothing is touched. */
export function DrillView({ picture, drill, onDrill, token, onToken, closed }: DrillProps): VNode {
  const [stop, setStop] = useState<AbortController | undefined>(undefined);
  const newest = useRef(drill);
  newest.current = drill;
  const whyNot = closed ?? whyNoDrill(picture);
  const play = async () => {
    const control = new AbortController();
    setStop(control);
    const answer = await askDrill({ outageS: drill.outageS, faults: drill.faults }, token, control.signal);
    setStop(undefined);
    onDrill({ ...newest.current, answer });
  };
  const add = (fault: string) => {
    if (fault !== '' && !drill.faults.includes(fault)) onDrill({ ...drill, faults: [...drill.faults, fault] });
  };
  const form = html`<form
    class="desk drill-form"
    onSubmit=${(event: Event) => {
      event.preventDefault();
      if (stop === undefined && whyNot === undefined && token !== '') void play();
    }}
  >
    <p class="drill-lead">
      What would happen if mains failed now? The outage is played with this service’s own configuration, from the charge
      and the load of this moment. Nothing is touched.
    </p>
    <div class="drill-fields">
      <div class="field">
        <label for="drill-length">Mains stays away for</label>
        <select
          id="drill-length"
          value=${String(drill.outageS)}
          onChange=${(event: Event) => onDrill({ ...drill, outageS: Number((event.target as HTMLSelectElement).value) })}
        >
          ${LENGTHS.map(([seconds, words]) => html`<option value=${String(seconds)}>${words}</option>`)}
        </select>
      </div>
      <div class="field">
        <label for="drill-fault">What else goes wrong</label>
        <select
          id="drill-fault"
          value=""
          onChange=${(event: Event) => {
            const select = event.target as HTMLSelectElement;
            add(select.value);
            select.value = '';
          }}
        >
          <option value="">${drill.faults.length === 0 ? 'nothing' : 'add another'}</option>
          ${faultGroups(picture).map(
            ([words, faults]) => html`<optgroup label=${words}>
              ${faults.map((fault) => html`<option value=${fault}>${fault.split(':')[1]}</option>`)}
            </optgroup>`,
          )}
        </select>
      </div>
      ${tokenField('drill-token', 'Token', token, onToken)}
    </div>
    ${
      drill.faults.length === 0
        ? null
        : html`<ul class="chips" aria-label="What goes wrong">
          ${drill.faults.map(
            (fault) => html`<li key=${fault}>
              <button
                type="button"
                class="chip"
                onClick=${() => onDrill({ ...drill, faults: drill.faults.filter((each) => each !== fault) })}
              >
                ${faultWords(fault)} <span aria-hidden="true">✕</span><span class="sr-only">, remove</span>
              </button>
            </li>`,
          )}
        </ul>`
    }
    <div class="drill-go">
      ${
        stop === undefined
          ? html`<button class="primary" disabled=${whyNot !== undefined || token === ''}>Play the outage</button>`
          : html`<button type="button" onClick=${() => stop.abort()}>Stop</button>`
      }
      <p class=${typeof drill.answer === 'string' && stop === undefined ? 'answer bad' : 'answer'} role="status">
        ${status(picture, drill, stop !== undefined, whyNot, token)}
      </p>
    </div>
  </form>`;
  const { answer } = drill;
  return html`<main class="grid">
    ${card('drill', 'Drill', form)}
    ${
      answer === undefined || typeof answer === 'string'
        ? card('drill-result', 'What would happen', nothing('Nothing was played yet.'))
        : drillResult(answer, picture.wallMs)
    }
  </main>`;
}

function status(picture: Picture, drill: Drill, busy: boolean, whyNot: string | undefined, token: string): string {
  if (busy) return 'Playing… this takes some seconds.';
  if (whyNot !== undefined) return `Not now: ${whyNot}.`;
  if (token === '') return 'A drill needs a token that may write.';
  if (typeof drill.answer === 'string') return drill.answer;
  const { bank } = picture.rack;
  return `Would begin from ${percent(bank.socRatio)} and ${watts(picture.coordinator.schedule.loadW)}.`;
}

function whyNoDrill({ coordinator, rack }: Picture): string | undefined {
  if (coordinator.phase !== 'mains') return 'mains is away in earnest, or was until just now';
  if (coordinator.rehearsal !== undefined) return `${coordinator.rehearsal.stage} is being rehearsed`;
  if (rack.bank.freshness !== 'fresh') return 'the bank is not heard';
  return coordinator.schedule.stages.length === 0 ? 'no shutdown stages are configured' : undefined;
}

import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { type Currency, card, nothing } from './card.ts';
import { byNumber, count, duration, shortWatts } from './format.ts';
import type { Host, HostPhase, Picture } from './wire.ts';

/** The way down, and how far along it a phase is. */
const WAY: readonly HostPhase[] = ['up', 'cordoned', 'drained', 'halting', 'halted', 'cut'];

interface Group {
  readonly name: string;
  readonly note: string;
  readonly hosts: readonly Host[];
}

/** Hosts by stage, in the order the stages go down. */
function groups(picture: Picture): readonly Group[] {
  const { hosts, schedule } = picture.coordinator;
  const inStages = new Set(schedule.stages.flatMap((stage) => stage.hosts));
  const order = (a: Host, b: Host) => byNumber(a.id, b.id);
  const staged = schedule.stages.map((stage) => ({
    name: stage.name,
    note: stage.state.replace('-', ' '),
    hosts: hosts.filter((host) => stage.hosts.includes(host.id)).sort(order),
  }));
  const others = hosts.filter((host) => !inStages.has(host.id)).sort(order);
  return [...staged, { name: 'never shut down', note: '', hosts: others }].filter((group) => group.hosts.length > 0);
}

/** Where every host is between up and cut. */
export function hosts(picture: Picture, currency: Currency, onOpen: (host: string) => void): VNode {
  const all = picture.coordinator.hosts;
  if (all.length === 0) return card('hosts', 'Hosts', nothing('No host is configured.'));
  const up = all.filter((host) => host.phase === 'up').length;
  const body = groups(picture).map(
    (group) => html`<div class="stage-group" key=${group.name}>
      <h3>${group.name} <span class="note">${group.note === 'waiting' ? '' : group.note}</span></h3>
      <ul class="host-grid">
        ${group.hosts.map((host) => tile(host, picture.wallMs, onOpen))}
      </ul>
      ${group.hosts
        .filter((host) => host.trouble !== undefined)
        .map((host) => html`<p class="failure"><b>${host.id}</b> ${host.trouble}</p>`)}
    </div>`,
  );
  return card('hosts', 'Hosts', body, {
    currency,
    aside: html`<span class="note">${up} of ${count(all.length, 'host')} up</span>`,
  });
}

function tile(host: Host, nowWallMs: number, onOpen: (host: string) => void): VNode {
  const since = duration((nowWallMs - host.sinceWallMs) / 1000);
  const flags = [
    host.skipped ? 'skipped' : undefined,
    host.forced ? 'forced' : undefined,
    host.trouble === undefined ? undefined : 'trouble',
    host.protected && host.stage !== undefined ? 'protected' : undefined,
    host.phase === 'up' && host.reachable === false ? 'no answer' : undefined,
  ].filter((flag) => flag !== undefined);
  const marked = host.forced || host.trouble !== undefined ? ' marked' : '';
  return html`<li class=${`host host-${host.phase}${marked}`} key=${host.id} title=${`${host.phase} for ${since}`}>
    <button type="button" class="host-tile" aria-haspopup="dialog" onClick=${() => onOpen(host.id)}>
    <span class="host-name">${host.id}</span>
    <span class="host-watts">${host.powerW === undefined || host.phase === 'cut' ? '' : `${shortWatts(host.powerW)} W`}</span>
    <span class="host-phase"><i class="dot" aria-hidden="true"></i>${host.phase}</span>
    ${steps(host.phase)}
    ${flags.length === 0 ? null : html`<span class="host-flags">${flags.map((flag) => html`<em class=${`flag flag-${flag.replace(' ', '-')}`}>${flag}</em>`)}</span>`}
    </button>
  </li>`;
}

/** Five marks, filled as the host goes down; for the eye only, the phase is written beside it. */
function steps(phase: HostPhase): VNode {
  const reached = Math.max(0, WAY.indexOf(phase));
  return html`<span class="steps" aria-hidden="true">
    ${WAY.slice(1).map((step, index) => html`<i class=${index < reached ? 'done' : ''} key=${step}></i>`)}
  </span>`;
}

import { html } from 'htm/preact';
import type { ComponentChildren, VNode } from 'preact';
import { type Currency, figure, staleBadge } from './card.ts';
import { Details } from './details.ts';
import { duration, NOTHING, wattHours, watts } from './format.ts';
import { type DeskProps, OrderDesk } from './order-desk.ts';
import { hostChoices, stageChoices } from './orders.ts';
import { when } from './schedule.ts';
import type { Host, Picture, Stage } from './wire.ts';

/** What the reader has opened. */
export interface Subject {
  readonly kind: 'host' | 'stage';
  readonly id: string;
}

interface SubjectProps extends Omit<DeskProps, 'id' | 'choices'> {
  readonly subject: Subject;
  readonly picture: Picture;
  readonly currency: Currency;
  readonly onClose: () => void;
}

/** One host or one stage: how it is, and what may be ordered about it now. */
export function SubjectDetails({ subject, picture, currency, onClose, ...desk }: SubjectProps): VNode {
  const id = `about-${subject.kind}`;
  const { hosts, schedule } = picture.coordinator;
  const host = subject.kind === 'host' ? hosts.find((each) => each.id === subject.id) : undefined;
  const stage = subject.kind === 'stage' ? schedule.stages.find(({ name }) => name === subject.id) : undefined;
  const choices = host ? hostChoices(picture, host) : stage ? stageChoices(picture, stage) : [];
  const title = subject.kind === 'host' ? subject.id : `Stage ${subject.id}`;
  const facts = host ? hostFacts(host, picture) : stage ? stageFacts(stage, picture) : gone(subject);
  return html`<${Details} id=${id} title=${title} onClose=${onClose}>
    <div class=${`is-${currency.freshness}`}>${staleBadge(currency)} ${facts}</div>
    ${choices.length === 0 ? null : html`<${OrderDesk} id=${id} choices=${choices} ...${desk} />`}
  <//>`;
}

const gone = ({ kind, id }: Subject): VNode =>
  html`<p class="empty">The service does not know a ${kind} called ${id} any more.</p>`;

function hostFacts(host: Host, picture: Picture): VNode {
  const answers = host.reachable === undefined ? 'not asked' : host.reachable ? 'answers' : 'does not answer';
  const since = duration((picture.wallMs - host.sinceWallMs) / 1000);
  return html`
    ${host.trouble === undefined ? null : html`<p class="failure">${host.trouble}</p>`}
    ${host.forced ? html`<p class="failure">Its power was cut although it was not seen to be off.</p>` : null}
    ${host.skipped ? html`<p class="held">Skipped by a person: left alone until mains is back.</p>` : null}
    <dl class="figures">
      ${figure('Phase', host.phase, `for ${since}`)} ${figure('Network', answers)}
      ${figure('Draws', host.powerW === undefined ? NOTHING : watts(host.powerW))}
      ${figure('Stage', host.stage ?? 'none')} ${host.node === undefined ? null : figure('Node', host.node)}
      ${host.switchId === undefined ? null : figure('Port', `${host.switchId}/${host.port ?? '?'}`, host.protected ? 'protected' : undefined)}
    </dl>
    ${host.stage === undefined ? html`<p class="empty">In no stage: holdover never touches it.</p>` : null}
  `;
}

function stageFacts(stage: Stage, picture: Picture): VNode {
  const hosts = picture.coordinator.hosts.filter((host) => stage.hosts.includes(host.id));
  const up = hosts.filter((host) => host.phase === 'up').length;
  const begins: ComponentChildren =
    stage.state === 'waiting' && picture.coordinator.schedule.basis === 'if-mains-failed'
      ? `${when(stage)}, if mains failed now`
      : when(stage);
  return html`<dl class="figures">
    ${figure('Goes down', begins)} ${figure('Takes', duration(stage.durationS), 'as planned')}
    ${figure('Begins below', wattHours(stage.mustBeginBelowWh))} ${figure('Load after', watts(stage.loadAfterW))}
    ${figure('Hosts up', `${up} of ${hosts.length}`)}
  </dl>`;
}

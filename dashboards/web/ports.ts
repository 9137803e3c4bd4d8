import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { type Currency, card, nothing, share } from './card.ts';
import { byNumber, count, shortWatts, watts } from './format.ts';
import type { Host, Picture, Port, Seen, Switch } from './wire.ts';

const PORTS_A_BLOCK = 24;

const STATES: Readonly<Record<Port['state'], string>> = {
  delivering: 'delivering',
  searching: 'idle',
  disabled: 'off',
  fault: 'fault',
  test: 'test',
  unknown: 'unknown',
};

/** Each switch as its front panel. */
export function switches(picture: Picture, whole: Currency): readonly VNode[] {
  const all = Object.entries(picture.rack.switches).sort(([a], [b]) => byNumber(a, b));
  if (all.length === 0) return [card('poe', 'PoE', nothing('No PoE switch is configured.'))];
  return all.map(([id, seen]) => frontPanel(id, seen, picture.coordinator.hosts, whole, all.length));
}

function frontPanel(id: string, seen: Seen<Switch>, hosts: readonly Host[], whole: Currency, amount: number): VNode {
  const { sample, freshness, ageMs } = seen;
  const ageS = ageMs === undefined ? undefined : ageMs / 1000;
  const currency: Currency = whole.freshness === 'fresh' ? { freshness, ageS } : whole;
  const title = `PoE switch ${id}`;
  const cardId = amount === 1 ? 'poe' : `poe-${id}`;
  if (sample === undefined) {
    return card(cardId, title, nothing(seen.failure?.message ?? 'This switch has not answered yet.'), { currency });
  }
  const ports = [...sample.ports].sort((a, b) => byNumber(a.port, b.port));
  const named = new Map(hosts.filter((host) => host.switchId === id).map((host) => [host.port, host]));
  const delivering = ports.filter((port) => port.state === 'delivering').length;
  const body = html`
    ${budget(sample, named)}
    <div role="group" aria-label=${`${count(ports.length, 'port')} of ${id}, ${delivering} delivering`}>
      ${blocks(ports).map(
        (block) => html`<ol class="ports" key=${block[0]?.port}>
          ${block.map((port) => jack(port, named.get(port.port)))}
        </ol>`,
      )}
    </div>
    <ul class="legend" aria-hidden="true">
      ${(['delivering', 'searching', 'disabled', 'fault'] as const).map(
        (state) => html`<li><i class=${`swatch port-${state}`}></i>${STATES[state]}</li>`,
      )}
    </ul>
    ${seen.failure === undefined ? null : html`<p class="failure">${seen.failure.message}</p>`}
  `;
  return card(cardId, title, body, {
    currency,
    aside: html`<span class="note">${delivering} of ${ports.length} delivering</span>`,
  });
}

/** A front panel has two rows; more than 24 ports go into further blocks, as on the device. */
function blocks(ports: readonly Port[]): readonly (readonly Port[])[] {
  const amount = Math.ceil(ports.length / PORTS_A_BLOCK);
  return Array.from({ length: amount }, (_, index) => ports.slice(index * PORTS_A_BLOCK, (index + 1) * PORTS_A_BLOCK));
}

function budget(
  { budgetW, drawnW, reservedW, headroomW, dropOrder, totalTrusted }: Switch,
  named: ReadonlyMap<string | undefined, Host>,
): VNode {
  const of = budgetW === undefined ? '' : ` of ${watts(budgetW)}`;
  const label = `${watts(drawnW)} drawn${of}${reservedW === undefined ? '' : `, ${watts(reservedW)} reserved`}`;
  const first = dropOrder?.[0];
  const whole = budgetW ?? Math.max(drawnW ?? 0, reservedW ?? 0, 1);
  return html`<div class="budget">
    <p class="facts">
      <span><b>${watts(drawnW)}</b> drawn${of}</span>
      ${reservedW === undefined ? null : html`<span>${watts(reservedW)} reserved</span>`}
      ${headroomW === undefined ? null : html`<span>${watts(headroomW)} headroom</span>`}
      ${
        first === undefined || headroomW === undefined
          ? null
          : html`<span class="note">port ${first}${named.has(first) ? ` (${named.get(first)?.id})` : ''} would lose power first</span>`
      }
      ${totalTrusted ? null : html`<span class="failure">the switch’s total contradicts its ports</span>`}
    </p>
    <div class="bar bar-budget" role="img" aria-label=${label}>
      ${reservedW === undefined ? null : html`<i class="reserved" style=${{ width: share(reservedW, whole) }}></i>`}
      <i class="fill" style=${{ width: share(drawnW ?? 0, whole) }}></i>
    </div>
  </div>`;
}

function jack(port: Port, host: Host | undefined): VNode {
  const power = port.state === 'delivering' ? watts(port.powerW) : '';
  const words = [`port ${port.port}`, host?.id, STATES[port.state], power].filter((word) => word).join(', ');
  const middle =
    port.state === 'delivering' && port.powerW !== undefined
      ? shortWatts(port.powerW)
      : port.state === 'fault'
        ? '!'
        : port.state === 'disabled'
          ? 'off'
          : '·';
  return html`<li class=${`port port-${port.state}`} title=${words} key=${port.port}>
    <span class="sr-only">${words}</span>
    <span class="port-number" aria-hidden="true">${port.port}</span>
    <span class="port-watts" aria-hidden="true">${middle}</span>
    <span class="port-host" aria-hidden="true">${host?.id ?? ''}</span>
  </li>`;
}

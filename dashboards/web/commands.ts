import { html } from 'htm/preact';
import { h, type VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { card } from './card.ts';
import type { Problem } from './wire.ts';

type Order = { readonly kind: 'begin' } | { readonly kind: 'hold'; readonly forS: number } | { readonly kind: 'abort' };

interface Choice {
  readonly order: Order;
  readonly name: string;
  readonly question: string;
  readonly grave: boolean;
}

const CHOICES: readonly Choice[] = [
  {
    order: { kind: 'begin' },
    name: 'Begin now',
    question: 'Shut every stage down now, whatever the battery holds?',
    grave: true,
  },
  {
    order: { kind: 'hold', forS: 600 },
    name: 'Hold 10 min',
    question: 'Hold the schedule for 10 minutes? Only a battery that runs low will begin a stage.',
    grave: false,
  },
  {
    order: { kind: 'abort' },
    name: 'Abort',
    question: 'Turn the shutdown round and bring the hosts back?',
    grave: true,
  },
];

type Result = { readonly good: boolean; readonly text: string };

/** Asks the service; every answer becomes a sentence. */
async function ask(order: Order, token: string): Promise<Result> {
  try {
    const answer = await fetch('/api/v1/commands', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(order),
      signal: AbortSignal.timeout(15_000),
    });
    const body = (await answer.json()) as { readonly because?: string } & Problem;
    return answer.ok
      ? { good: true, text: `Accepted: ${body.because ?? 'done'}` }
      : { good: false, text: `Refused: ${body.detail ?? answer.statusText}` };
  } catch {
    return { good: false, text: 'The service did not answer; the journal tells whether it acted.' };
  }
}

interface CommandsProps {
  readonly token: string;
  readonly onToken: (token: string) => void;
}

/** Orders to the coordinator. The token stays in this page’s memory and is gone when it is closed. */
export const commands = (props: CommandsProps): VNode => html`${h(Commands, props)}`;

function Commands({ token, onToken }: CommandsProps): VNode {
  const [asking, setAsking] = useState<Choice | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState<Result | undefined>(undefined);
  // The way out has the focus: a second press of the same key must not confirm.
  const wayOut = useRef<HTMLButtonElement>(null);
  useEffect(() => wayOut.current?.focus(), [asking]);
  const send = async (choice: Choice) => {
    setBusy(true);
    const said = await ask(choice.order, token);
    setBusy(false);
    setAsking(undefined);
    setResult(said);
  };
  const cancel = () => setAsking(undefined);
  const body = html`<form class="commands" onSubmit=${(event: Event) => event.preventDefault()}>
    ${tokenField('command-token', 'Token', token, onToken)}
    <div class="orders" role="group" aria-label="Orders">
      ${CHOICES.map(
        (choice) => html`<button
          type="button"
          key=${choice.order.kind}
          aria-expanded=${asking === choice}
          disabled=${token === '' || busy}
          onClick=${() => {
            setResult(undefined);
            setAsking(choice);
          }}
        >
          ${choice.name}
        </button>`,
      )}
    </div>
    ${
      asking === undefined
        ? html`<p class=${`answer ${result === undefined ? '' : result.good ? 'good' : 'bad'}`} role="status">
          ${result?.text ?? (token === '' ? 'Orders need a token that may write.' : 'Nothing is sent before you confirm it.')}
        </p>`
        : html`<div class="confirm" role="alertdialog" aria-label=${asking.name} onKeyDown=${(event: KeyboardEvent) => event.key === 'Escape' && cancel()}>
          <p>${asking.question}</p>
          <button type="button" class=${asking.grave ? 'grave' : 'primary'} disabled=${busy} onClick=${() => send(asking)}>
            ${busy ? 'Sending…' : `Yes, ${asking.name.toLowerCase()}`}
          </button>
          <button type="button" ref=${wayOut} disabled=${busy} onClick=${cancel}>Cancel</button>
        </div>`
    }
  </form>`;
  return card('commands', 'Orders', body);
}

/** A field for a token: hidden, not stored, not offered to password managers. */
export function tokenField(id: string, label: string, token: string, onToken: (token: string) => void): VNode {
  return html`<div class="token">
    <label for=${id}>${label}</label>
    <input
      id=${id}
      type="password"
      autocomplete="off"
      spellcheck=${false}
      value=${token}
      placeholder="kept in memory only"
      onInput=${(event: Event) => onToken((event.target as HTMLInputElement).value.trim())}
    />
  </div>`;
}

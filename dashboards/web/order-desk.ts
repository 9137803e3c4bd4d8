import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Choice } from './orders.ts';
import { ask, type Said } from './send.ts';

export interface DeskProps {
  /** Makes ids on the page unique. */
  readonly id: string;
  readonly choices: readonly Choice[];
  readonly token: string;
  readonly onToken: (token: string) => void;
  /** Why nothing can be ordered at all, such as a lost connection. */
  readonly closed?: string | undefined;
}

/**
 * Orders, one a line: what it does, or why it cannot be had now. Each is confirmed before it is sent, and the answer of
 * the service is shown. The token stays in this page's memory and is gone when it is closed.
 */
export function OrderDesk({ id, choices, token, onToken, closed }: DeskProps): VNode {
  const [asking, setAsking] = useState<Choice | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState<Said | undefined>(undefined);
  const opener = useRef<HTMLElement | null>(null);
  const send = async (choice: Choice) => {
    setBusy(true);
    const answer = await ask(choice.order, token);
    setBusy(false);
    setAsking(undefined);
    setSaid(answer);
  };
  const cancel = () => {
    setAsking(undefined);
    opener.current?.focus();
  };
  const possible = choices.filter(({ whyNot }) => whyNot === undefined);
  const line = (choice: Choice): VNode => {
    const noteId = `${id}-${choice.name.toLowerCase().replace(/[^a-z]+/g, '-')}`;
    return html`<li class="choice" key=${choice.name}>
      <button
        type="button"
        aria-describedby=${noteId}
        aria-expanded=${asking?.name === choice.name}
        disabled=${closed !== undefined || token === '' || busy}
        onClick=${(event: Event) => {
          opener.current = event.currentTarget as HTMLElement;
          setSaid(undefined);
          setAsking(choice);
        }}
      >
        ${choice.name}
      </button>
      <span class="note" id=${noteId}>${choice.does}</span>
    </li>`;
  };
  const hint =
    closed ?? (token === '' ? 'Orders need a token that may write.' : 'Nothing is sent before you confirm it.');
  return html`<form class="desk" onSubmit=${(event: Event) => event.preventDefault()}>
    ${possible.length === 0 ? null : html`<ul class="choices" aria-label="Orders">${possible.map(line)}</ul>`}
    ${possible.length === 0 ? null : tokenField(`${id}-token`, 'Token', token, onToken)}
    ${notNow(choices)}
    ${
      asking === undefined
        ? html`<p class=${`answer ${said === undefined ? '' : said.good ? 'good' : 'bad'}`} role="status">
          ${said?.text ?? (possible.length === 0 ? '' : hint)}
        </p>`
        : html`<${Confirm} key=${asking.name} id=${id} choice=${asking} busy=${busy} onYes=${() => send(asking)} onNo=${cancel} />`
    }
  </form>`;
}

/** What cannot be ordered now, by the reason. */
function notNow(choices: readonly Choice[]): VNode | null {
  const reasons = new Map<string, string[]>();
  for (const { name, whyNot } of choices) {
    if (whyNot !== undefined) reasons.set(whyNot, [...(reasons.get(whyNot) ?? []), name]);
  }
  if (reasons.size === 0) return null;
  return html`<dl class="not-now" aria-label="Not possible now">
    ${[...reasons].map(
      ([whyNot, names]) => html`<div key=${whyNot}>
        <dt>${names.join(', ')}</dt>
        <dd>not now: ${whyNot}</dd>
      </div>`,
    )}
  </dl>`;
}

interface ConfirmProps {
  readonly id: string;
  readonly choice: Choice;
  readonly busy: boolean;
  readonly onYes: () => void;
  readonly onNo: () => void;
}

function Confirm({ id, choice, busy, onYes, onNo }: ConfirmProps): VNode {
  const [typed, setTyped] = useState('');
  const box = useRef<HTMLDivElement>(null);
  const wayOut = useRef<HTMLButtonElement>(null);
  // The way out has the focus: a second press of the same key must not confirm.
  useEffect(() => {
    wayOut.current?.focus();
    box.current?.scrollIntoView({ block: 'nearest' });
  }, []);
  const open = choice.typed === undefined || typed.trim() === choice.typed;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || busy) return;
    // Not the dialog around it.
    event.preventDefault();
    onNo();
  };
  return html`<div
    class="confirm"
    ref=${box}
    role="alertdialog"
    aria-label=${choice.name}
    aria-describedby=${`${id}-question`}
    onKeyDown=${onKeyDown}
  >
    <p id=${`${id}-question`}>${choice.question}</p>
    ${
      choice.typed === undefined
        ? null
        : html`<div class="token">
          <label for=${`${id}-typed`}>Type <b>${choice.typed}</b> to confirm</label>
          <input
            id=${`${id}-typed`}
            autocomplete="off"
            autocapitalize="off"
            spellcheck=${false}
            value=${typed}
            onInput=${(event: Event) => setTyped((event.target as HTMLInputElement).value)}
          />
        </div>`
    }
    <div class="confirm-buttons">
      <button type="button" class=${choice.grave ? 'grave' : 'primary'} disabled=${busy || !open} onClick=${onYes}>
        ${busy ? 'Sending…' : `Yes, ${choice.name.toLowerCase()}`}
      </button>
      <button type="button" ref=${wayOut} disabled=${busy} onClick=${onNo}>Cancel</button>
    </div>
  </div>`;
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

import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { battery } from './battery.ts';
import type { Currency } from './card.ts';
import { chart } from './chart.ts';
import { commands } from './commands.ts';
import { type Drill, DrillView, firstDrill } from './drill-view.ts';
import { count, duration, NOTHING, percent } from './format.ts';
import { headline, mainsForS } from './headline.ts';
import { History } from './history.ts';
import { HistoryView } from './history-view.ts';
import { hosts } from './hosts.ts';
import { alarms, journal } from './journal.ts';
import { circuit, mains } from './mains.ts';
import { tokenField } from './order-desk.ts';
import { switches } from './ports.ts';
import { schedule } from './schedule.ts';
import { Stream, type StreamState } from './stream.ts';
import { type Subject, SubjectDetails } from './subject.ts';
import type { Picture } from './wire.ts';

/** A snapshot older than this is not shown as current, ms. */
const STALE_MS = 10_000;

/** The page. Everything below is drawn from the newest snapshot; nothing is carried on by the page itself. */
export function App(): VNode {
  const [state, setState] = useState<StreamState>({ link: 'connecting', journal: [] });
  const [token, setToken] = useState('');
  const [nowMs, setNowMs] = useState(() => performance.now());
  const [view, setView] = useState(viewNow);
  const [subject, setSubject] = useState<Subject | undefined>(undefined);
  const [drill, setDrill] = useState<Drill>(firstDrill);
  const history = useMemo(() => new History(), []);
  const stream = useMemo(() => {
    const take = (next: StreamState) => {
      if (next.picture) history.add(next.picture);
      setState(next);
    };
    return new Stream('/api/v1/events', take);
  }, [history]);
  useEffect(() => {
    stream.open();
    const second = setInterval(() => setNowMs(performance.now()), 1000);
    const again = () => {
      if (document.visibilityState === 'visible' && stream.state.link !== 'live') stream.open();
    };
    const turn = () => setView(viewNow());
    addEventListener('hashchange', turn);
    addEventListener('online', again);
    document.addEventListener('visibilitychange', again);
    return () => {
      stream.close();
      clearInterval(second);
      removeEventListener('hashchange', turn);
      removeEventListener('online', again);
      document.removeEventListener('visibilitychange', again);
    };
  }, [stream]);
  const { picture } = state;
  if (state.link === 'refused') return closed(token, setToken, () => stream.open(token));
  if (!picture) return waiting(state);
  const whole = currencyOf(state, Math.max(nowMs, state.heardAtMs ?? 0));
  // What is not current is no ground for an order.
  const desk = { token, onToken: setToken, closed: whole.why };
  if (view === 'history') {
    return page(picture, state, whole, view, html`<${HistoryView} nowMs=${picture.rack.wallMs} token=${token} />`);
  }
  if (view === 'drill') {
    const content = html`<${DrillView} picture=${picture} drill=${drill} onDrill=${setDrill} ...${desk} />`;
    return page(picture, state, whole, view, content);
  }
  const details =
    subject === undefined
      ? null
      : html`<${SubjectDetails}
          key=${`${subject.kind}/${subject.id}`}
          subject=${subject}
          picture=${picture}
          currency=${whole}
          onClose=${() => setSubject(undefined)}
          ...${desk}
        />`;
  const content = live(picture, state, whole, history, commands(picture, desk), setSubject);
  return page(picture, state, whole, view, html`${content} ${details}`);
}

type View = 'now' | 'history' | 'drill';

const viewNow = (): View => (location.hash === '#history' ? 'history' : location.hash === '#drill' ? 'drill' : 'now');

/** How current everything on the page is: the connection and the service both have to be alive. */
export function currencyOf(state: StreamState, nowMs: number): Currency & { readonly why?: string } {
  const sinceHeardMs = nowMs - (state.heardAtMs ?? nowMs);
  const ageMs = (state.snapshotAgeMs ?? 0) + sinceHeardMs;
  const ageS = ageMs / 1000;
  if (state.link !== 'live')
    return { freshness: 'stale', ageS, why: `Connection lost. Last data ${duration(ageS)} ago; reconnecting.` };
  if (ageMs > STALE_MS || state.picture?.freshness === 'stale') {
    return {
      freshness: 'stale',
      ageS,
      why: `The service answers, but has made no new snapshot for ${duration(ageS)}.`,
    };
  }
  return { freshness: 'fresh', ageS };
}

function page(
  picture: Picture,
  state: StreamState,
  whole: Currency & { readonly why?: string },
  view: View,
  content: VNode,
): VNode {
  return html`<div class=${whole.freshness === 'fresh' ? 'page' : 'page page-stale'}>
    ${top(picture, state, whole, currencyOfBank(picture, whole))}
    <p class="banner" role="alert" hidden=${whole.why === undefined}>${whole.why ?? ''}</p>
    ${alarms(picture.rack.alarms)} ${views(view)} ${content} ${foot(picture)}
  </div>`;
}

function views(view: View): VNode {
  const link = (to: View, words: string) =>
    html`<a href=${`#${to}`} aria-current=${to === view ? 'page' : null}>${words}</a>`;
  return html`<nav class="views" aria-label="Views">${link('now', 'Now')} ${link('history', 'History')} ${link('drill', 'Drill')}</nav>`;
}

function currencyOfBank(picture: Picture, whole: Currency): Currency {
  const { bank } = picture.rack;
  const ageS = bank.measuredAtMs === undefined ? whole.ageS : (picture.rack.monoMs - bank.measuredAtMs) / 1000;
  return whole.freshness === 'fresh' ? { freshness: bank.freshness, ageS } : whole;
}

function live(
  picture: Picture,
  state: StreamState,
  whole: Currency,
  history: History,
  orders: VNode,
  onOpen: (subject: Subject) => void,
): VNode {
  const ofBank = currencyOfBank(picture, whole);
  return html`<main class="grid">
    ${battery(picture, ofBank)} ${schedule(picture, whole, (id) => onOpen({ kind: 'stage', id }))} ${mains(picture, whole)} ${circuit(picture, whole)}
    ${hosts(picture, whole, (id) => onOpen({ kind: 'host', id }))}
    <div class="column">${switches(picture, whole)} ${journal(state.journal)}</div>
    ${chart(picture, history, ofBank)} ${orders}
  </main>`;
}

function top(picture: Picture, state: StreamState, whole: Currency, ofBank: Currency): VNode {
  const { title, next, tone } = headline(picture);
  const { mains: view, bank } = picture.rack;
  const known = ofBank.freshness === 'fresh';
  return html`<header class=${`top tone-${tone}`}>
    <div class="top-words">
      <p class="site">holdover <b>${picture.site}</b></p>
      <h1 aria-live="polite"><i class="tone-mark" aria-hidden="true"></i>${title}${whole.freshness === 'fresh' ? '' : ' (last known)'}</h1>
      <p class="next">${next.map((words, index) => html`<span class=${index === 0 ? 'first' : ''}>${words}</span>`)}</p>
    </div>
    <dl class="top-facts">
      <div><dt>Mains</dt><dd>${view.verdict === 'absent' ? 'away' : view.verdict}</dd><dd class="note">for ${duration(mainsForS(picture))}</dd></div>
      <div class=${known ? '' : 'unsure'}><dt>Battery</dt><dd>${percent(bank.socRatio)}</dd><dd class="note">${known ? runtime(picture) : ofBank.freshness}</dd></div>
      <div class=${state.link === 'live' ? 'link link-live' : 'link'}><dt>Connection</dt><dd>${state.link}</dd><dd class="note">${duration(whole.ageS)} ago</dd></div>
    </dl>
  </header>`;
}

function runtime({ rack: { bank } }: Picture): string {
  if (bank.runtimeS !== undefined) return `${duration(bank.runtimeS)} left`;
  if (bank.currentA === undefined) return NOTHING;
  return bank.currentA > 0.1 ? 'charging' : 'at rest';
}

function foot(picture: Picture): VNode {
  const dot = (name: string, up: boolean, note: string) => {
    const words = `${name}${up ? '' : ' down'}${note}`;
    return html`<li class=${up ? '' : 'down'} key=${name}><i class="dot" aria-hidden="true"></i>${words}</li>`;
  };
  return html`<footer class="foot">
    <ul>
      ${picture.devices.map(({ device, up }) => dot(device, up, ''))}
      ${picture.sinks.map((each) => dot(each.sink, each.up, sinkNote(each)))}
    </ul>
    <p>holdover ${picture.version} · <a href="/openapi.json">API</a> · <a href="/metrics">metrics</a> · <a href="/THIRD-PARTY.txt">licences</a></p>
  </footer>`;
}

function sinkNote({ up, dropped, waiting: kept = 0, trouble }: Picture['sinks'][number]): string {
  return [
    up || kept === 0 ? undefined : `${count(kept, 'message')} waiting`,
    dropped === 0 ? undefined : `${count(dropped, 'message')} lost`,
    trouble,
  ]
    .filter((note) => note !== undefined)
    .map((note) => `, ${note}`)
    .join('');
}

function waiting(state: StreamState): VNode {
  const words =
    state.link === 'live' ? 'Connected. The service has not made a snapshot yet.' : 'Connecting to the service…';
  return html`<main class="alone"><h1>holdover</h1><p role="status">${words}</p></main>`;
}

function closed(token: string, onToken: (token: string) => void, open: () => void): VNode {
  return html`<main class="alone">
    <h1>holdover</h1>
    <p role="status">${token === '' ? 'Reading needs a token here.' : 'Enter the token and open.'}</p>
    <form
      onSubmit=${(event: Event) => {
        event.preventDefault();
        open();
      }}
    >
      ${tokenField('read-token', 'Token', token, onToken)}
      <button class="primary" disabled=${token === ''}>Open</button>
    </form>
  </main>`;
}

import { pause } from '#bridge';
import { WebError } from '../runtime/web-error.ts';
import type { WebLink, WebRequest } from '../runtime/web-link.ts';
import type { PlusFamily, PlusSession } from './netgear-family.ts';
import { asksForLogin, hiddenValue, loginHash } from './netgear-pages.ts';

/** The one session with a Netgear "Plus" switch. It has very few of them: one is opened, kept, and given back. */

/** After a login without a session: the switch frees the forgotten ones by itself, and is not hammered until then. */
const AFTER_REFUSAL_MS = 120_000;

const NEVER = new AbortController().signal;

export class NetgearSession {
  readonly #link: WebLink;
  readonly #family: PlusFamily;
  readonly #password: string;
  readonly #gapMs: number;
  #session: PlusSession | undefined;
  #lastMs = Number.NEGATIVE_INFINITY;
  #refused: { readonly error: WebError; readonly untilMs: number } | undefined;

  /** @param gapMs rest between two pages */
  constructor(link: WebLink, family: PlusFamily, password: string, gapMs: number) {
    this.#link = link;
    this.#family = family;
    this.#password = password;
    this.#gapMs = gapMs;
  }

  /** A page; logs in first where there is no session, and once more where it is gone. @throws WebError */
  async page(request: (session: PlusSession) => WebRequest, signal?: AbortSignal): Promise<string> {
    const kept = this.#session;
    const page = await this.#text(request(kept ?? (await this.#login(signal))), signal);
    if (!asksForLogin(page)) return page;
    this.#session = undefined;
    if (kept !== undefined) {
      const again = await this.#text(request(await this.#login(signal)), signal);
      if (!asksForLogin(again)) return again;
      this.#session = undefined;
    }
    throw new WebError('login_required', this.#link.name, 'the session was gone as soon as it was there');
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    // A session that is not given back stays taken for minutes.
    if (session !== undefined) await this.#text(this.#family.logout(session)).catch(() => undefined);
    await this.#link.close();
  }

  async #login(signal?: AbortSignal): Promise<PlusSession> {
    if (this.#refused !== undefined && performance.now() < this.#refused.untilMs) throw this.#refused.error;
    const { name } = this.#link;
    const page = await this.#text({ method: 'GET', path: this.#family.loginPage }, signal);
    const rand = hiddenValue(page, 'rand');
    if (rand === undefined)
      throw new WebError('bad_answer', name, `${this.#family.loginPage} has no challenge: check the model`);
    const answer = await this.#answer(this.#family.login(loginHash(this.#password, rand)), signal);
    const session = this.#family.sessionOf(answer);
    if (session === undefined) {
      const said = 'the login was answered without a session (all of them taken, or another password)';
      const error = new WebError('no_session', name, said);
      this.#refused = { error, untilMs: performance.now() + AFTER_REFUSAL_MS };
      throw error;
    }
    this.#refused = undefined;
    this.#session = session;
    return session;
  }

  async #text(request: WebRequest, signal?: AbortSignal): Promise<string> {
    const { status, text } = await this.#answer(request, signal);
    // A redirect leads to the login.
    return status >= 300 && status < 400 ? '' : text;
  }

  async #answer(request: WebRequest, signal?: AbortSignal) {
    const restMs = this.#lastMs + this.#gapMs - performance.now();
    if (restMs > 0)
      await pause(restMs, signal ?? NEVER).catch(() => {
        throw new WebError('aborted', this.#link.name, `${request.method} ${request.path}: given up`);
      });
    try {
      const answer = await this.#link.request(request, signal);
      const { status } = answer;
      const said = `${request.method} ${request.path} was answered with ${status}`;
      if (status >= 500) throw new WebError('restarting', this.#link.name, said);
      if (status >= 400) throw new WebError('rejected', this.#link.name, `${said}: check the model`);
      return answer;
    } finally {
      this.#lastMs = performance.now();
    }
  }
}

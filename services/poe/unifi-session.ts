import type { UnifiConfig } from '../config/switches.ts';
import { quoted, WebError } from '../runtime/web-error.ts';
import { jsonOf, objectOf, type WebAnswer, WebLink, type WebRequest } from '../runtime/web-link.ts';

/** A session with a UniFi controller, of either kind: one login, renewed once, never hammered. */

/** After a login that was turned down: a locked-out account would be worse than a late one. */
const AFTER_REFUSAL_MS = 60_000;
const MOST_RETRY_AFTER_S = 900;

/** Why an answer is a failure, or nothing. Errors come with status 200 too. Pure. */
export function unifiFailure(
  answer: Pick<WebAnswer, 'status' | 'text'>,
  device: string,
  what: string,
): WebError | undefined {
  const { status, text } = answer;
  const body = (() => {
    try {
      return objectOf(JSON.parse(text));
    } catch {
      return undefined;
    }
  })();
  const { rc, msg } = objectOf(body?.meta);
  const word = typeof msg === 'string' ? quoted(msg) : '';
  const fail = (reason: WebError['reason'], said: string) => new WebError(reason, device, `${what}: ${said}`);
  if (status === 429 || body?.code === 'AUTHENTICATION_FAILED_LIMIT_REACHED')
    return fail('rate_limited', 'too many logins');
  if (status === 499 || word === 'api.err.Ubic2faTokenRequired')
    return fail('credentials', 'the account wants a second factor: use a local account without');
  if (word === 'api.err.Invalid') return fail('credentials', 'turned down');
  if (status === 401 || word === 'api.err.LoginRequired') return fail('login_required', 'the session is gone');
  if (status === 403 || word === 'api.err.NoPermission') return fail('forbidden', 'not allowed');
  if (status >= 500) return fail('restarting', `answered with ${status}`);
  if (rc === 'error') return fail('rejected', word || 'turned down');
  if (status < 200 || status > 299) return fail('rejected', `answered with ${status}`);
  return undefined;
}

export class UnifiSession {
  readonly #link: WebLink;
  readonly #config: UnifiConfig;
  readonly #password: string;
  #flavour: { readonly login: string; readonly logout: string; readonly prefix: string } | undefined;
  #loggedIn = false;
  readonly #cookies = new Map<string, string>();
  #csrf: string | undefined;
  #refused: { readonly error: WebError; readonly untilMs: number } | undefined;

  constructor(config: UnifiConfig, { password, ca }: { password: string; ca?: string }) {
    this.#config = config;
    this.#password = password;
    this.#link = new WebLink('unifi', config, ca);
  }

  get name(): string {
    return this.#link.name;
  }

  /** The text of a good answer. @param path below the site, such as `stat/device` @throws WebError */
  async call(method: 'GET' | 'PUT', path: string, body?: unknown, signal?: AbortSignal): Promise<string> {
    if (!this.#loggedIn) await this.#login(signal);
    try {
      return await this.#callOnce(method, path, body, signal);
    } catch (error) {
      if (!(error instanceof WebError) || error.reason !== 'login_required') throw error;
      await this.#login(signal);
      return this.#callOnce(method, path, body, signal);
    }
  }

  async close(): Promise<void> {
    if (this.#loggedIn && this.#flavour !== undefined)
      await this.#send({ method: 'POST', path: this.#flavour.logout }).catch(() => undefined);
    this.#loggedIn = false;
    await this.#link.close();
  }

  async #callOnce(method: 'GET' | 'PUT', path: string, body: unknown, signal?: AbortSignal): Promise<string> {
    const site = `${this.#flavour?.prefix ?? ''}/api/s/${encodeURIComponent(this.#config.site)}`;
    const answer = await this.#send(
      { method, path: `${site}/${path}`, ...(body === undefined ? {} : { body: JSON.stringify(body) }) },
      signal,
    );
    const what = `${method} ${path}`;
    const failure = unifiFailure(answer, this.name, what);
    if (failure !== undefined) throw failure;
    const { meta } = objectOf(jsonOf(answer, this.name, what));
    if (objectOf(meta).rc !== 'ok')
      throw new WebError('bad_answer', this.name, `the answer to ${what} is of another kind`);
    return answer.text;
  }

  async #login(signal?: AbortSignal): Promise<void> {
    if (this.#refused !== undefined && performance.now() < this.#refused.untilMs) throw this.#refused.error;
    this.#loggedIn = false;
    this.#cookies.clear();
    this.#csrf = undefined;
    this.#flavour ??= await this.#find(signal);
    const body = JSON.stringify({ username: this.#config.user, password: this.#password, rememberMe: true });
    const answer = await this.#send({ method: 'POST', path: this.#flavour.login, body }, signal);
    let failure = unifiFailure(answer, this.name, 'the login');
    // Before there is a session, 401 and 403 mean the password.
    if (failure?.reason === 'login_required' || failure?.reason === 'forbidden')
      failure = new WebError('credentials', this.name, 'the login was turned down');
    if (failure === undefined && this.#cookies.size === 0)
      failure = new WebError('bad_answer', this.name, 'the login was answered without a session');
    if (failure === undefined) {
      this.#refused = undefined;
      this.#loggedIn = true;
      return;
    }
    if (failure.reason === 'credentials' || failure.reason === 'rate_limited') {
      const retryAfterS = Math.min(Number(answer.headers['retry-after']) || 0, MOST_RETRY_AFTER_S);
      this.#refused = { error: failure, untilMs: performance.now() + Math.max(AFTER_REFUSAL_MS, retryAfterS * 1000) };
    } else this.#flavour = undefined;
    throw failure;
  }

  /** A console answers its base address, a stand-alone application sends on. */
  async #find(signal?: AbortSignal) {
    const { status } = await this.#send({ method: 'GET', path: '/' }, signal);
    if (status >= 500) throw new WebError('restarting', this.name, `GET /: answered with ${status}`);
    return status === 200
      ? { login: '/api/auth/login', logout: '/api/auth/logout', prefix: '/proxy/network' }
      : { login: '/api/login', logout: '/api/logout', prefix: '' };
  }

  async #send(request: WebRequest, signal?: AbortSignal): Promise<WebAnswer> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await this.#link.request(
      {
        ...request,
        headers: {
          ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(cookie === '' ? {} : { cookie }),
          ...(this.#csrf === undefined || request.method === 'GET' ? {} : { 'x-csrf-token': this.#csrf }),
        },
      },
      signal,
    );
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=;\s]+)=([^;]*)/.exec(line) ?? [];
      if (name !== '') this.#cookies.set(name, value);
      if (name === 'TOKEN') this.#csrf = csrfOf(value) ?? this.#csrf;
    }
    const token = answer.headers['x-updated-csrf-token'] ?? answer.headers['x-csrf-token'];
    if (typeof token === 'string') this.#csrf = token;
    return answer;
  }
}

/** The token is also a claim in the session's own JWT. */
function csrfOf(jwt: string): string | undefined {
  try {
    const claims = objectOf(JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()));
    return typeof claims.csrfToken === 'string' ? claims.csrfToken : undefined;
  } catch {
    return undefined;
  }
}

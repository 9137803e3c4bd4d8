import { createHash, randomBytes, randomInt } from 'node:crypto';

/** These switches have very few sessions; one that is not given back is taken until it is forgotten. */
const MOST_SESSIONS = 4;
const FORGOTTEN_AFTER_MS = 300_000;

/** Challenge and sessions of a Netgear "Plus" switch: the password goes as MD5 of itself merged with a random number. */
export class NetgearSessions {
  readonly #password: string;
  readonly #usedMs = new Map<string, number>();
  #rand = '';

  constructor(password: string) {
    this.#password = password;
  }

  /** The page with a new challenge. */
  challenge(): string {
    this.#rand = String(randomInt(1_000_000_000, 2_000_000_000));
    return `<html><body><form><input type="hidden" id="rand" name="rand" value='${this.#rand}' disabled></form></body></html>`;
  }

  /** A session for the hash of the password; nothing when it is wrong, or all are taken. A challenge is good for one try. */
  open(hash: string | null): string | undefined {
    const right = this.#rand !== '' && hash === md5(merged(this.#password, this.#rand));
    this.#rand = '';
    for (const [token, usedMs] of this.#usedMs)
      if (performance.now() - usedMs > FORGOTTEN_AFTER_MS) this.#usedMs.delete(token);
    if (!right || this.#usedMs.size >= MOST_SESSIONS) return undefined;
    const token = randomBytes(16).toString('hex');
    this.#usedMs.set(token, performance.now());
    return token;
  }

  isOpen(token: string | undefined): boolean {
    if (token === undefined || !this.#usedMs.has(token)) return false;
    this.#usedMs.set(token, performance.now());
    return true;
  }

  end(token: string | undefined): void {
    if (token !== undefined) this.#usedMs.delete(token);
  }
}

/** One character of each in turn; then the rest of the longer one. */
function merged(password: string, rand: string): string {
  const shared = Math.min(password.length, rand.length);
  let text = '';
  for (let at = 0; at < shared; at += 1) text += `${password[at]}${rand[at]}`;
  return text + password.slice(shared) + rand.slice(shared);
}

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
